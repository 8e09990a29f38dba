using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Pads the last 1 dimension by reflection at the border.</summary>
        public sealed class ReflectionPad1d : PadBase
        {
            internal ReflectionPad1d(params long[] padding) : base(nameof(ReflectionPad1d), PaddingModes.Reflect, 0, padding) { }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ReflectionPad1d ReflectionPad1d(long padding) => new(Extents.Repeat(padding, 2));

            public static ReflectionPad1d ReflectionPad1d((long, long) padding) => new(Extents.Of(padding));
        }
    }
}
