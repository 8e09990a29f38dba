using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Convolution of [N, C, L].</summary>
        public sealed class Conv1d : Convolution
        {
            internal Conv1d(long in_channels, long out_channels, long[] kernel_size, long[] stride, long[]? padding, Padding? padding_type, long[] dilation, long groups, bool bias, PaddingModes padding_mode, Device? device, ScalarType? dtype)
                : base(nameof(Conv1d), in_channels, out_channels, kernel_size, stride, padding, padding_type, dilation, false, new long[1], groups, bias, padding_mode, device, dtype) { }

            public override Tensor forward(Tensor input)
            {
                RequireShape(input, 1);
                if (padding_mode != PaddingModes.Zeros)
                {
                    using var padded = PadBorder(input);
                    return nn.functional.conv1d(padded, _weight!, _bias, stride[0], 0, dilation[0], groups);
                }
                return padding_type is { } type
                    ? nn.functional.conv1d_padding(input, _weight!, _bias, stride[0], type, dilation[0], groups)
                    : nn.functional.conv1d(input, _weight!, _bias, stride[0], padding![0], dilation[0], groups);
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Conv1d Conv1d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null)
                => new(in_channels, out_channels, [kernel_size], [stride], [padding], null, [dilation], groups, bias, padding_mode, device, dtype);

            public static Conv1d Conv1d(long in_channels, long out_channels, long kernel_size, Padding padding, long stride = 1, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null)
                => new(in_channels, out_channels, [kernel_size], [stride], null, padding, [dilation], groups, bias, padding_mode, device, dtype);
        }
    }
}
