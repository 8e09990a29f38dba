using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            public static Tensor pixel_shuffle(Tensor input, long upscale_factor) => Op.pixel_shuffle.Call(input, upscale_factor);
            public static Tensor pixel_unshuffle(Tensor input, long downscale_factor) => Op.pixel_unshuffle.Call(input, downscale_factor);
            public static Tensor upsample(Tensor input, long[]? size = null, double[]? scale_factor = null, UpsampleMode mode = UpsampleMode.Nearest, bool align_corners = false) => interpolate(input, size, scale_factor, (InterpolationMode)mode, mode is UpsampleMode.Nearest ? null : align_corners);
            public static Tensor upsample_nearest1d(Tensor input, long? outputSize, double? scaleFactor) => Op.upsample_nearest1d.Call(input, Lists.Of(outputSize), scaleFactor);
            public static Tensor upsample_nearest2d(Tensor input, long[]? outputSizes = null, double[]? scaleFactors = null) => Op.upsample_nearest2d_vec.Call(input, outputSizes, scaleFactors);
            public static Tensor upsample_nearest3d(Tensor input, long[]? outputSizes = null, double[]? scaleFactors = null) => Op.upsample_nearest3d_vec.Call(input, outputSizes, scaleFactors);
            public static Tensor pad(Tensor input, long[] pad, PaddingModes mode = PaddingModes.Constant, double value = 0.0) => Op.pad.Call(input, pad, PadMode(mode), mode is PaddingModes.Constant ? value : (double?)null);
            public static Tensor pad(Tensor input, ReadOnlySpan<long> pad, PaddingModes mode = PaddingModes.Constant, double value = 0.0) => torch.nn.functional.pad(input, pad.ToArray(), mode, value);
            public static Tensor pad(Tensor input, (long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0.0) => torch.nn.functional.pad(input, Lists.Of(pad), mode, value);
            public static Tensor pad(Tensor input, (long, long, long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0.0) => torch.nn.functional.pad(input, Lists.Of(pad), mode, value);
            public static Tensor pad(Tensor input, long pad, PaddingModes mode = PaddingModes.Constant, double value = 0.0) => torch.nn.functional.pad(input, Enumerable.Repeat(pad, 2 * (int)Math.Max(1, input.dim() - 2)).ToArray(), mode, value);
            public static Tensor grid_sample(Tensor input, Tensor grid, GridSampleMode mode = GridSampleMode.Bilinear, GridSamplePaddingMode padding_mode = GridSamplePaddingMode.Zeros, bool? align_corners = null) => Op.grid_sampler.Call(input, grid, mode == GridSampleMode.Nearest ? 1 : 0, padding_mode switch { GridSamplePaddingMode.Zeros => 0, GridSamplePaddingMode.Border => 1, _ => 2 }, align_corners ?? false);
            public static Tensor affine_grid(Tensor theta, long[]? size = null, bool align_corners = false) => Op.affine_grid_generator.Call(theta, size ?? throw new ArgumentNullException(nameof(size)), align_corners);
            public static Tensor upsample_bilinear(Tensor x, long[]? size = null, double[]? scale_factor = null, bool align_corners = false) => interpolate(x, size, scale_factor, InterpolationMode.Bilinear, align_corners);
            public static Tensor upsample_nearest(Tensor x, long[]? size = null, double[]? scale_factor = null, bool align_corners = false) => interpolate(x, size, scale_factor);

            private static string PadMode(PaddingModes mode) => mode switch
            {
                PaddingModes.Constant or PaddingModes.Zeros => "constant",
                PaddingModes.Reflect => "reflect",
                PaddingModes.Replicate => "replicate",
                _ => "circular",
            };

            public static Tensor interpolate(Tensor x, long[]? size = null, double[]? scale_factor = null, InterpolationMode mode = InterpolationMode.Nearest, bool? align_corners = null, bool recompute_scale_factor = false, bool antialias = false)
            {
                var dims = (int)x.dim() - 2;
                if ((size is null) == (scale_factor is null)) throw new ArgumentException("interpolate takes a size or a scale_factor, one of them.");
                if (dims is < 1 or > 3) throw new ArgumentException($"interpolate takes 3 to 5 dimensions, not {dims + 2}");
                if (size is { Length: 1 } && dims > 1) size = [.. Enumerable.Repeat(size[0], dims)];
                if (scale_factor is { Length: 1 } && dims > 1) scale_factor = [.. Enumerable.Repeat(scale_factor[0], dims)];
                if ((size?.Length ?? scale_factor!.Length) != dims)
                    throw new ArgumentException($"{dims} spatial dimensions, but {size?.Length ?? scale_factor!.Length} {(size is null ? "scale factors" : "sizes")}");
                if (scale_factor is not null && (recompute_scale_factor || mode == InterpolationMode.Area))
                {
                    size = [.. scale_factor.Select((scale, i) => (long)Math.Floor(x.size(i + 2) * scale))];
                    scale_factor = null;
                }
                var align = align_corners ?? false;
                return (mode, dims, antialias) switch
                {
                    (InterpolationMode.Nearest, 1, false) => Op.upsample_nearest1d_vec.Call(x, size, scale_factor),
                    (InterpolationMode.Nearest, 2, false) => Op.upsample_nearest2d_vec.Call(x, size, scale_factor),
                    (InterpolationMode.Nearest, 3, false) => Op.upsample_nearest3d_vec.Call(x, size, scale_factor),
                    (InterpolationMode.NearestExact, 1, false) => Op._upsample_nearest_exact1d_vec.Call(x, size, scale_factor),
                    (InterpolationMode.NearestExact, 2, false) => Op._upsample_nearest_exact2d_vec.Call(x, size, scale_factor),
                    (InterpolationMode.NearestExact, 3, false) => Op._upsample_nearest_exact3d_vec.Call(x, size, scale_factor),
                    (InterpolationMode.Linear, 1, false) => Op.upsample_linear1d_vec.Call(x, size, align, scale_factor),
                    (InterpolationMode.Bilinear, 2, false) => Op.upsample_bilinear2d_vec.Call(x, size, align, scale_factor),
                    (InterpolationMode.Bilinear, 2, true) => Op._upsample_bilinear2d_aa_vec.Call(x, size, align, scale_factor),
                    (InterpolationMode.Bicubic, 2, false) => Op.upsample_bicubic2d_vec.Call(x, size, align, scale_factor),
                    (InterpolationMode.Bicubic, 2, true) => Op._upsample_bicubic2d_aa_vec.Call(x, size, align, scale_factor),
                    (InterpolationMode.Trilinear, 3, false) => Op.upsample_trilinear3d_vec.Call(x, size, align, scale_factor),
                    (InterpolationMode.Area, 1, false) => adaptive_avg_pool1d(x, size![0]),
                    (InterpolationMode.Area, 2, false) => adaptive_avg_pool2d(x, size!),
                    (InterpolationMode.Area, 3, false) => adaptive_avg_pool3d(x, size!),
                    _ => throw new ArgumentException($"interpolate has no {mode} for {dims + 2} dimensions{(antialias ? " with antialias" : "")}"),
                };
            }
        }
    }
}
