using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Pads the last 3 dimensions with a value; the last dimension's padding comes first.</summary>
        public sealed class ConstantPad3d : PadBase
        {
            internal ConstantPad3d(double value, params long[] padding) : base(nameof(ConstantPad3d), PaddingModes.Constant, value, padding) { }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ConstantPad3d ConstantPad3d(long padding, double value) => new(value, Extents.Repeat(padding, 6));

            public static ConstantPad3d ConstantPad3d((long, long, long, long, long, long) padding, double value) => new(value, Extents.Of(padding));
        }
    }
}
