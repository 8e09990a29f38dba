using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Pads the last 2 dimensions by reflection at the border.</summary>
        public sealed class ReflectionPad2d : PadBase
        {
            internal ReflectionPad2d(params long[] padding) : base(nameof(ReflectionPad2d), PaddingModes.Reflect, 0, padding) { }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ReflectionPad2d ReflectionPad2d(long padding) => new(Extents.Repeat(padding, 4));

            public static ReflectionPad2d ReflectionPad2d((long, long, long, long) padding) => new(Extents.Of(padding));
        }
    }
}
