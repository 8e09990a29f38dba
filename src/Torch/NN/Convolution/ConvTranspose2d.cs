using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Transposed convolution of [N, C, H, W]: the gradient of a convolution with respect to its input.</summary>
        public sealed class ConvTranspose2d : ConvolutionTranspose
        {
            internal ConvTranspose2d(long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, long[] dilation, long[] output_padding, long groups, bool bias, PaddingModes padding_mode, Device? device, ScalarType? dtype)
                : base(nameof(ConvTranspose2d), in_channels, out_channels, kernel_size, stride, padding, null, dilation, true, output_padding, groups, bias, padding_mode, device, dtype) { }

            public override Tensor forward(Tensor input, long[]? output_size)
            {
                RequireShape(input, 2);
                var extra = _output_padding(input, output_size, kernel_size, stride, padding!, dilation, 2);
                return nn.functional.conv_transpose2d(input, _weight!, _bias, stride, padding, extra, dilation, groups);
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ConvTranspose2d ConvTranspose2d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long output_padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null)
                => new(in_channels, out_channels, Extents.Repeat(kernel_size, 2), Extents.Repeat(stride, 2), Extents.Repeat(padding, 2), Extents.Repeat(dilation, 2), Extents.Repeat(output_padding, 2), groups, bias, padding_mode, device, dtype);

            public static ConvTranspose2d ConvTranspose2d(long in_channels, long out_channels, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, (long, long)? output_padding = null, (long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null)
                => new(in_channels, out_channels, Extents.Of(kernel_size), Extents.Of(stride ?? (1, 1)), Extents.Of(padding ?? (0, 0)), Extents.Of(dilation ?? (1, 1)), Extents.Of(output_padding ?? (0, 0)), groups, bias, padding_mode, device, dtype);
        }
    }
}
