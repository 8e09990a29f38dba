using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Averages over windows chosen so that the output has the given extent in 3D.</summary>
        public sealed class AdaptiveAvgPool3d : ParameterLessModule<Tensor, Tensor>
        {
            internal AdaptiveAvgPool3d(long[] output_size) : base(nameof(AdaptiveAvgPool3d)) => this.output_size = output_size;

            public long[] output_size { get; set; }

            public override Tensor forward(Tensor input) => nn.functional.adaptive_avg_pool3d(input, output_size);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static AdaptiveAvgPool3d AdaptiveAvgPool3d(long[] output_size) => new(output_size);

            public static AdaptiveAvgPool3d AdaptiveAvgPool3d((long, long, long) output_size) => new(Extents.Of(output_size));

            public static AdaptiveAvgPool3d AdaptiveAvgPool3d(long output_size) => new(Extents.Repeat(output_size, 3));
        }
    }
}
