using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Resizes the spatial dimensions to a size or by a factor.</summary>
        public sealed class Upsample : ParameterLessModule<Tensor, Tensor>
        {
            private readonly long[]? _size;
            private readonly double[]? _scaleFactor;

            internal Upsample(long[]? size, double[]? scale_factor, UpsampleMode mode, bool? align_corners, bool? recompute_scale_factor) : base(nameof(Upsample))
            {
                (_size, _scaleFactor, this.mode) = (size, scale_factor, mode);
                (this.align_corners, this.recompute_scale_factor) = (align_corners, recompute_scale_factor);
            }

            public bool? recompute_scale_factor { get; set; }
            public UpsampleMode mode { get; }
            public bool? align_corners { get; }
            public ReadOnlySpan<long> size => _size;
            public ReadOnlySpan<double> scale_factor => _scaleFactor;

            public override Tensor forward(Tensor input)
                => nn.functional.interpolate(input, _size, _scaleFactor, (InterpolationMode)mode, align_corners, recompute_scale_factor ?? false);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Upsample Upsample(long[]? size = null, double[]? scale_factor = null, UpsampleMode mode = UpsampleMode.Nearest, bool? align_corners = null, bool? recompute_scale_factor = null)
                => new(size, scale_factor, mode, align_corners, recompute_scale_factor);
        }
    }
}
