using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            public static Tensor bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias = null) => Op.bilinear.Call(input1, input2, weight, bias);
            public static Tensor conv1d(Tensor input, Tensor weight, Tensor? bias = null, long? stride = null, long? padding = null, long? dilation = null, long groups = 1) => Op.conv1d.Call(input, weight, bias, Lists.Of(stride), Lists.Of(padding), Lists.Of(dilation), groups);
            public static Tensor conv1d_padding(Tensor input, Tensor weight, Tensor? bias = null, long? stride = null, Padding padding = Padding.Valid, long? dilation = null, long groups = 1) => Op.conv1d_padding.Call(input, weight, bias, Lists.Of(stride), padding.ToString().ToLowerInvariant(), Lists.Of(dilation), groups);
            public static Tensor conv2d(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? dilation = null, long groups = 1) => Op.conv2d.Call(input, weight, bias, strides, padding, dilation, groups);
            public static Tensor conv2d_padding(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, Padding padding = Padding.Valid, long[]? dilation = null, long groups = 1) => Op.conv2d_padding.Call(input, weight, bias, strides, padding.ToString().ToLowerInvariant(), dilation, groups);
            public static Tensor conv3d(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? dilation = null, long groups = 1) => Op.conv3d.Call(input, weight, bias, strides, padding, dilation, groups);
            public static Tensor conv3d_padding(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, Padding padding = Padding.Valid, long[]? dilation = null, long groups = 1) => Op.conv3d_padding.Call(input, weight, bias, strides, padding.ToString().ToLowerInvariant(), dilation, groups);
            public static Tensor conv_transpose1d(Tensor input, Tensor weight, Tensor? bias = null, long? stride = null, long? padding = null, long? output_padding = null, long? dilation = null, long groups = 1) => Op.conv_transpose1d.Call(input, weight, bias, Lists.Of(stride), Lists.Of(padding), Lists.Of(output_padding), groups, Lists.Of(dilation));
            public static Tensor conv_transpose2d(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? output_padding = null, long[]? dilation = null, long groups = 1) => Op.conv_transpose2d_input.Call(input, weight, bias, strides, padding, output_padding, groups, dilation);
            public static Tensor conv_transpose3d(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? output_padding = null, long[]? dilation = null, long groups = 1) => Op.conv_transpose3d_input.Call(input, weight, bias, strides, padding, output_padding, groups, dilation);
            public static Tensor fold(Tensor input, long output_size, long kernel_size, long dilation = 1, long padding = 0, long stride = 1) => fold(input, (output_size, output_size), (kernel_size, kernel_size), (dilation, dilation), (padding, padding), (stride, stride));
            public static Tensor fold(Tensor input, (long, long) output_size, (long, long) kernel_size, (long, long)? dilation = null, (long, long)? padding = null, (long, long)? stride = null) => Op.col2im.Call(input, Lists.Of(output_size), Lists.Of(kernel_size), Lists.Of(dilation ?? (1, 1)), Lists.Of(padding ?? (0, 0)), Lists.Of(stride ?? (1, 1)));
            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null) => Op.linear.Call(input, weights, bias);
            public static Tensor unfold(Tensor input, long kernel_size, long dilation = 1, long padding = 0, long stride = 1) => unfold(input, (kernel_size, kernel_size), (dilation, dilation), (padding, padding), (stride, stride));
            public static Tensor unfold(Tensor input, (long, long) kernel_size, (long, long)? dilation = null, (long, long)? padding = null, (long, long)? stride = null) => Op.im2col.Call(input, Lists.Of(kernel_size), Lists.Of(dilation ?? (1, 1)), Lists.Of(padding ?? (0, 0)), Lists.Of(stride ?? (1, 1)));
        }
    }
}
