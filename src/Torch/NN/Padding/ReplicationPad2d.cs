using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Pads the last 2 dimensions with the border's values.</summary>
        public sealed class ReplicationPad2d : PadBase
        {
            internal ReplicationPad2d(params long[] padding) : base(nameof(ReplicationPad2d), PaddingModes.Replicate, 0, padding) { }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ReplicationPad2d ReplicationPad2d(long padding) => new(Extents.Repeat(padding, 4));

            public static ReplicationPad2d ReplicationPad2d((long, long, long, long) padding) => new(Extents.Of(padding));
        }
    }
}
