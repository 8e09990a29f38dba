using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Pads the last 2 dimensions with a value; the last dimension's padding comes first.</summary>
        public sealed class ConstantPad2d : PadBase
        {
            internal ConstantPad2d(double value, params long[] padding) : base(nameof(ConstantPad2d), PaddingModes.Constant, value, padding) { }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ConstantPad2d ConstantPad2d(long padding, double value) => new(value, Extents.Repeat(padding, 4));

            public static ConstantPad2d ConstantPad2d((long, long, long, long) padding, double value) => new(value, Extents.Of(padding));
        }
    }
}
