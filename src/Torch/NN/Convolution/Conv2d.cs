using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Convolution of [N, C, H, W].</summary>
        public sealed class Conv2d : Convolution
        {
            private static readonly long[] s_noPadding = new long[2];

            internal Conv2d(long in_channels, long out_channels, long[] kernel_size, long[] stride, long[]? padding, Padding? padding_type, long[] dilation, long groups, bool bias, PaddingModes padding_mode, Device? device, ScalarType? dtype)
                : base(nameof(Conv2d), in_channels, out_channels, kernel_size, stride, padding, padding_type, dilation, false, new long[2], groups, bias, padding_mode, device, dtype) { }

            public override Tensor forward(Tensor input)
            {
                RequireShape(input, 2);
                if (padding_mode != PaddingModes.Zeros)
                {
                    using var padded = PadBorder(input);
                    return nn.functional.conv2d(padded, _weight!, _bias, stride, s_noPadding, dilation, groups);
                }
                return padding_type is { } type
                    ? nn.functional.conv2d_padding(input, _weight!, _bias, stride, type, dilation, groups)
                    : nn.functional.conv2d(input, _weight!, _bias, stride, padding, dilation, groups);
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Conv2d Conv2d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null)
                => new(in_channels, out_channels, Extents.Repeat(kernel_size, 2), Extents.Repeat(stride, 2), Extents.Repeat(padding, 2), null, Extents.Repeat(dilation, 2), groups, bias, padding_mode, device, dtype);

            public static Conv2d Conv2d(long in_channels, long out_channels, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, (long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null)
                => new(in_channels, out_channels, Extents.Of(kernel_size), Extents.Of(stride ?? (1, 1)), Extents.Of(padding ?? (0, 0)), null, Extents.Of(dilation ?? (1, 1)), groups, bias, padding_mode, device, dtype);

            public static Conv2d Conv2d(long in_channels, long out_channels, long kernel_size, Padding padding, long stride = 1, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null)
                => new(in_channels, out_channels, Extents.Repeat(kernel_size, 2), Extents.Repeat(stride, 2), null, padding, Extents.Repeat(dilation, 2), groups, bias, padding_mode, device, dtype);

            public static Conv2d Conv2d(long in_channels, long out_channels, (long, long) kernel_size, Padding padding, (long, long)? stride = null, (long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null)
                => new(in_channels, out_channels, Extents.Of(kernel_size), Extents.Of(stride ?? (1, 1)), null, padding, Extents.Of(dilation ?? (1, 1)), groups, bias, padding_mode, device, dtype);
        }
    }
}
