using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Pads the last 1 dimension with a value; the last dimension's padding comes first.</summary>
        public sealed class ConstantPad1d : PadBase
        {
            internal ConstantPad1d(double value, params long[] padding) : base(nameof(ConstantPad1d), PaddingModes.Constant, value, padding) { }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ConstantPad1d ConstantPad1d(long padding, double value) => new(value, Extents.Repeat(padding, 2));

            public static ConstantPad1d ConstantPad1d((long, long) padding, double value) => new(value, Extents.Of(padding));
        }
    }
}
