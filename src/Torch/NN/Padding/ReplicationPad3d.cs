using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Pads the last 3 dimensions with the border's values.</summary>
        public sealed class ReplicationPad3d : PadBase
        {
            internal ReplicationPad3d(params long[] padding) : base(nameof(ReplicationPad3d), PaddingModes.Replicate, 0, padding) { }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ReplicationPad3d ReplicationPad3d(long padding) => new(Extents.Repeat(padding, 6));

            public static ReplicationPad3d ReplicationPad3d((long, long, long, long, long, long) padding) => new(Extents.Of(padding));
        }
    }
}
