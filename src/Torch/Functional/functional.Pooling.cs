using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            public static Tensor adaptive_avg_pool1d(Tensor input, long output_size) => Op.adaptive_avg_pool1d.Call(input, Lists.Of(output_size));
            public static Tensor adaptive_avg_pool2d(Tensor input, long[] output_size) => Op.adaptive_avg_pool2d.Call(input, output_size);
            public static Tensor adaptive_avg_pool2d(Tensor input, (long, long) output_size) => Op.adaptive_avg_pool2d.Call(input, Lists.Of(output_size));
            public static Tensor adaptive_avg_pool2d(Tensor input, long output_size) => Op.adaptive_avg_pool2d.Call(input, Lists.Of((output_size, output_size)));
            public static Tensor adaptive_avg_pool3d(Tensor input, long[] output_size) => Op.adaptive_avg_pool3d.Call(input, output_size);
            public static Tensor adaptive_avg_pool3d(Tensor input, (long, long, long) output_size) => Op.adaptive_avg_pool3d.Call(input, Lists.Of(output_size));
            public static Tensor adaptive_avg_pool3d(Tensor input, long output_size) => Op.adaptive_avg_pool3d.Call(input, Lists.Of((output_size, output_size, output_size)));
            public static Tensor adaptive_max_pool1d(Tensor input, long output_size) => adaptive_max_pool1d_with_indices(input, output_size).Values;
            public static (Tensor Values, Tensor Indices) adaptive_max_pool1d_with_indices(Tensor input, long output_size) => Op.adaptive_max_pool1d.Call2(input, Lists.Of(output_size));
            public static Tensor adaptive_max_pool2d(Tensor input, long[] output_size) => adaptive_max_pool2d_with_indices(input, output_size).Values;
            public static (Tensor Values, Tensor Indices) adaptive_max_pool2d_with_indices(Tensor input, long[] output_size) => Op.adaptive_max_pool2d.Call2(input, output_size);
            public static Tensor adaptive_max_pool3d(Tensor input, long[] output_size) => adaptive_max_pool3d_with_indices(input, output_size).Values;
            public static (Tensor Values, Tensor Indices) adaptive_max_pool3d_with_indices(Tensor input, long[] output_size) => Op.adaptive_max_pool3d.Call2(input, output_size);
            public static Tensor avg_pool1d(Tensor input, long kernel_size, long? stride = null, long? padding = null, bool ceil_mode = false, bool count_include_pad = true) => Op.avg_pool1d.Call(input, Lists.Of(kernel_size), Lists.Of(stride), Lists.Of(padding), ceil_mode, count_include_pad);
            public static Tensor avg_pool2d(Tensor input, long[] kernel_size, long[]? stride = null, long[]? padding = null, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) => Op.avg_pool2d.Call(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override);
            public static Tensor avg_pool2d(Tensor input, long kernel_size, long? stride = null, long padding = 0, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) => Op.avg_pool2d.Call(input, Lists.Of(kernel_size), Lists.Of(stride), Lists.Of(padding), ceil_mode, count_include_pad, divisor_override);
            public static Tensor avg_pool2d(Tensor input, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) => Op.avg_pool2d.Call(input, Lists.Of(kernel_size), Lists.Of(stride), Lists.Of(padding), ceil_mode, count_include_pad, divisor_override);
            public static Tensor avg_pool3d(Tensor input, long[] kernel_size, long[]? stride = null, long[]? padding = null, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) => Op.avg_pool3d.Call(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override);
            public static Tensor fractional_max_pool2d(Tensor input, long kernel_size, long? output_size = null, double? output_ratio = null) => fractional_max_pool2d(input, [kernel_size, kernel_size], output_size is { } o ? [o, o] : null, output_ratio is { } r ? [r, r] : null);
            public static Tensor fractional_max_pool2d(Tensor input, (long, long) kernel_size, (long, long)? output_size = null, (double, double)? output_ratio = null) => fractional_max_pool2d(input, Lists.Of(kernel_size), Lists.Of(output_size), Ratios(output_ratio));
            public static Tensor fractional_max_pool2d(Tensor input, long[] kernel_size, long[]? output_size = null, double[]? output_ratio = null) => fractional_max_pool2d_with_indices(input, kernel_size, output_size, output_ratio).Values;
            public static (Tensor Values, Tensor Indices) fractional_max_pool2d_with_indices(Tensor input, long kernel_size, long? output_size = null, double? output_ratio = null) => fractional_max_pool2d_with_indices(input, [kernel_size, kernel_size], output_size is { } o ? [o, o] : null, output_ratio is { } r ? [r, r] : null);
            public static (Tensor Values, Tensor Indices) fractional_max_pool2d_with_indices(Tensor input, (long, long) kernel_size, (long, long)? output_size = null, (double, double)? output_ratio = null) => fractional_max_pool2d_with_indices(input, Lists.Of(kernel_size), Lists.Of(output_size), Ratios(output_ratio));
            public static (Tensor Values, Tensor Indices) fractional_max_pool2d_with_indices(Tensor input, long[] kernel_size, long[]? output_size = null, double[]? output_ratio = null) => Op.fractional_max_pool2d.Call2(input, kernel_size, Fractional(input, 2, output_size, output_ratio), rand(input.dim() == 3 ? 1 : input.size(0), input.size(-3), 2, dtype: input.dtype, device: input.device));
            public static Tensor fractional_max_pool3d(Tensor input, long kernel_size, long? output_size = null, double? output_ratio = null) => fractional_max_pool3d(input, [kernel_size, kernel_size, kernel_size], output_size is { } o ? [o, o, o] : null, output_ratio is { } r ? [r, r, r] : null);
            public static Tensor fractional_max_pool3d(Tensor input, (long, long, long) kernel_size, (long, long, long)? output_size = null, (double, double, double)? output_ratio = null) => fractional_max_pool3d(input, Lists.Of(kernel_size), Lists.Of(output_size), Ratios(output_ratio));
            public static Tensor fractional_max_pool3d(Tensor input, long[] kernel_size, long[]? output_size = null, double[]? output_ratio = null) => fractional_max_pool3d_with_indices(input, kernel_size, output_size, output_ratio).Values;
            public static (Tensor Values, Tensor Indices) fractional_max_pool3d_with_indices(Tensor input, long kernel_size, long? output_size = null, double? output_ratio = null) => fractional_max_pool3d_with_indices(input, [kernel_size, kernel_size, kernel_size], output_size is { } o ? [o, o, o] : null, output_ratio is { } r ? [r, r, r] : null);
            public static (Tensor Values, Tensor Indices) fractional_max_pool3d_with_indices(Tensor input, (long, long, long) kernel_size, (long, long, long)? output_size = null, (double, double, double)? output_ratio = null) => fractional_max_pool3d_with_indices(input, Lists.Of(kernel_size), Lists.Of(output_size), Ratios(output_ratio));
            public static (Tensor Values, Tensor Indices) fractional_max_pool3d_with_indices(Tensor input, long[] kernel_size, long[]? output_size = null, double[]? output_ratio = null) => Op.fractional_max_pool3d.Call2(input, kernel_size, Fractional(input, 3, output_size, output_ratio), rand(input.dim() == 4 ? 1 : input.size(0), input.size(-4), 3, dtype: input.dtype, device: input.device));
            public static Tensor lp_pool1d(Tensor input, double norm_type, long kernel_size, long? stride = null, bool ceil_mode = false) => LpPool(Op.avg_pool1d.Call(input.pow(norm_type), Lists.Of(kernel_size), Lists.Of(stride), Lists.Of(0), ceil_mode), norm_type, kernel_size);
            public static Tensor lp_pool2d(Tensor input, double norm_type, long[] kernel_size, long[]? stride = null, bool ceil_mode = false) => LpPool(Op.avg_pool2d.Call(input.pow(norm_type), kernel_size, stride, Lists.Of((0, 0)), ceil_mode), norm_type, kernel_size[0] * kernel_size[^1]);
            public static Tensor lp_pool2d(Tensor input, double norm_type, long kernel_size, long? stride = null, bool ceil_mode = false) => lp_pool2d(input, norm_type, [kernel_size, kernel_size], Lists.Of(stride), ceil_mode);
            public static Tensor max_pool1d(Tensor input, long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) => Op.max_pool1d.Call(input, Lists.Of(kernel_size), Lists.Of(stride), Lists.Of(padding), Lists.Of(dilation), ceil_mode);
            public static (Tensor output, Tensor indices) max_pool1d_with_indices(Tensor input, long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) => Op.max_pool1d_with_indices.Call2(input, Lists.Of(kernel_size), Lists.Of(stride), Lists.Of(padding), Lists.Of(dilation), ceil_mode);
            public static Tensor max_pool2d(Tensor input, long[] kernel_size, long[]? strides = null, long[]? padding = null, long[]? dilation = null, bool ceil_mode = false) => Op.max_pool2d.Call(input, kernel_size, strides, padding, dilation, ceil_mode);
            public static Tensor max_pool2d(Tensor input, long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) => Op.max_pool2d.Call(input, Lists.Of(kernel_size), Lists.Of(stride), Lists.Of(padding), Lists.Of(dilation), ceil_mode);
            public static Tensor max_pool2d(Tensor input, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, (long, long)? dilation = null, bool ceil_mode = false) => Op.max_pool2d.Call(input, Lists.Of(kernel_size), Lists.Of(stride), Lists.Of(padding), Lists.Of(dilation), ceil_mode);
            public static (Tensor output, Tensor indices) max_pool2d_with_indices(Tensor input, long[] kernel_size, long[]? strides = null, long[]? padding = null, long[]? dilation = null, bool ceil_mode = false) => Op.max_pool2d_with_indices.Call2(input, kernel_size, strides, padding, dilation, ceil_mode);
            public static Tensor max_pool3d(Tensor input, long[] kernel_size, long[]? strides = null, long[]? padding = null, long[]? dilation = null, bool ceil_mode = false) => Op.max_pool3d.Call(input, kernel_size, strides, padding, dilation, ceil_mode);
            public static (Tensor output, Tensor indices) max_pool3d_with_indices(Tensor input, long[] kernel_size, long[]? strides = null, long[]? padding = null, long[]? dilation = null, bool ceil_mode = false) => Op.max_pool3d_with_indices.Call2(input, kernel_size, strides, padding, dilation, ceil_mode);
            public static Tensor max_unpool1d(Tensor input, Tensor indices, long kernel_size, long? stride = null, long? padding = null, long[]? output_size = null) => Op.max_unpool2d.Call(input.unsqueeze(-2), indices.unsqueeze(-2), (long[])[1, UnpoolSize(input, -1, kernel_size, stride, padding, output_size)]).squeeze(-2);
            public static Tensor max_unpool2d(Tensor input, Tensor indices, long[] kernel_size, long[]? stride = null, long[]? padding = null, long[]? output_size = null) => Op.max_unpool2d.Call(input, indices, UnpoolSizes(input, kernel_size, stride, padding, output_size));
            public static Tensor max_unpool3d(Tensor input, Tensor indices, long[] kernel_size, long[]? stride = null, long[]? padding = null, long[]? output_size = null) => Op.max_unpool3d.Call(input, indices, UnpoolSizes(input, kernel_size, stride, padding, output_size), stride ?? kernel_size, padding ?? [0, 0, 0]);

            // out is the window's mean of x^p.
            private static Tensor LpPool(Tensor @out, double p, long window) => (@out.sign() * @out.abs().relu()).mul((double)window).pow(1 / p);

            private static long[] Fractional(Tensor input, int dims, long[]? size, double[]? ratio)
            {
                if ((size is null) == (ratio is null)) throw new ArgumentException("Fractional pooling takes an output size or a ratio, one of them.");
                return size ?? Enumerable.Range(0, dims).Select(i => (long)(input.size(i - dims) * ratio![i])).ToArray();
            }

            private static double[]? Ratios((double, double)? ratio) => ratio is { } r ? [r.Item1, r.Item2] : null;
            private static double[]? Ratios((double, double, double)? ratio) => ratio is { } r ? [r.Item1, r.Item2, r.Item3] : null;

            private static long UnpoolSize(Tensor input, int dim, long kernel, long? stride, long? padding, long[]? size) =>
                size is not null ? size[^1] : (input.size(dim) - 1) * (stride ?? kernel) - 2 * (padding ?? 0) + kernel;

            private static long[] UnpoolSizes(Tensor input, long[] kernel, long[]? stride, long[]? padding, long[]? size) =>
                size is { } given ? given[^kernel.Length..]
                    : Enumerable.Range(0, kernel.Length).Select(i => UnpoolSize(input, i - kernel.Length, kernel[i], stride?[i], padding?[i], null)).ToArray();
        }
    }
}
