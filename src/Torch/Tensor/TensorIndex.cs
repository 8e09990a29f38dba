namespace TorchSharp;

public static partial class torch
{
    /// <summary>One position between the brackets of an indexed tensor: a number, a range, a tensor, a new axis or an ellipsis.</summary>
    public struct TensorIndex
    {
        internal enum Form { Ellipsis, None, Null, Bool, Single, Slice, Tensor }

        internal readonly Form Kind;
        internal readonly long? Start, Stop, Step;
        internal readonly Tensor? Values;

        private TensorIndex(Form kind, long? start = null, long? stop = null, long? step = null, Tensor? values = null)
        {
            Kind = kind;
            Start = start;
            Stop = stop;
            Step = step;
            Values = values;
        }

        public static TensorIndex Ellipsis = new(Form.Ellipsis);
        public static TensorIndex None = new(Form.None);
        public static TensorIndex Null = new(Form.Null);
        public static TensorIndex Colon = Slice();

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) => new(Form.Slice, start, stop, step);
        public static TensorIndex Slice((int? start, int? end) range) => Slice(range.start, range.end);

        public static TensorIndex Slice(Range range)
        {
            long? start = range.Start.IsFromEnd ? -range.Start.Value : range.Start.Value;
            long? stop = range.End.IsFromEnd ? (range.End.Value == 0 ? null : -range.End.Value) : range.End.Value;
            return Slice(start, stop);
        }

        public static TensorIndex Bool(bool value) => new(Form.Bool, value ? 1 : 0);
        public static TensorIndex Single(long? index) => new(Form.Single, index);
        public static TensorIndex Tensor(Tensor tensor) => new(Form.Tensor, values: tensor);

        public static implicit operator TensorIndex(long value) => Single(value);
        public static implicit operator TensorIndex((int? start, int? end) range) => Slice(range);
        public static implicit operator TensorIndex(Range range) => Slice(range);
        public static implicit operator TensorIndex(Index index) => Single(index.IsFromEnd ? -index.Value : index.Value);
    }
}
