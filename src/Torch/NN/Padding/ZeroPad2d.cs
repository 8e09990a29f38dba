using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Pads height and width with zeros.</summary>
        public sealed class ZeroPad2d : PadBase
        {
            internal ZeroPad2d(params long[] padding) : base(nameof(ZeroPad2d), PaddingModes.Constant, 0, padding) { }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ZeroPad2d ZeroPad2d(long padding) => new(Extents.Repeat(padding, 4));

            public static ZeroPad2d ZeroPad2d((long, long, long, long) padding) => new(Extents.Of(padding));
        }
    }
}
