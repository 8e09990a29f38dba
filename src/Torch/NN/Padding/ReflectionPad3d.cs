using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Pads the last 3 dimensions by reflection at the border.</summary>
        public sealed class ReflectionPad3d : PadBase
        {
            internal ReflectionPad3d(params long[] padding) : base(nameof(ReflectionPad3d), PaddingModes.Reflect, 0, padding) { }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ReflectionPad3d ReflectionPad3d(long padding) => new(Extents.Repeat(padding, 6));

            public static ReflectionPad3d ReflectionPad3d((long, long, long, long, long, long) padding) => new(Extents.Of(padding));
        }
    }
}
