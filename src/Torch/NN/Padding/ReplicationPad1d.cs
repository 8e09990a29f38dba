using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Pads the last 1 dimension with the border's values.</summary>
        public sealed class ReplicationPad1d : PadBase
        {
            internal ReplicationPad1d(params long[] padding) : base(nameof(ReplicationPad1d), PaddingModes.Replicate, 0, padding) { }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ReplicationPad1d ReplicationPad1d(long padding) => new(Extents.Repeat(padding, 2));

            public static ReplicationPad1d ReplicationPad1d((long, long) padding) => new(Extents.Of(padding));
        }
    }
}
