using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>A transposed convolution, whose output can be asked for in one of the sizes that its stride leaves open.</summary>
public abstract class ConvolutionTranspose : Convolution
{
    protected ConvolutionTranspose(string name, long in_channels, long out_channels, long[] kernel_size, long[] stride, long[]? padding, Padding? padding_type, long[] dilation, bool transposed, long[] output_padding, long groups, bool bias, PaddingModes padding_mode, Device? device = null, ScalarType? dtype = null)
        : base(name, in_channels, out_channels, kernel_size, stride, padding, padding_type, dilation, transposed, output_padding, groups, bias, padding_mode, device, dtype) { }

    public override Tensor forward(Tensor input) => forward(input, null);

    /// <param name="input">[N, C, …] or [C, …].</param>
    /// <param name="output_size">The spatial extent wanted, or the whole shape.</param>
    public abstract Tensor forward(Tensor input, long[]? output_size);

    /// <summary>How much is added behind each dimension to reach the output size wanted.</summary>
    protected long[] _output_padding(Tensor input, long[]? output_size, long[] kernel_size, long[] stride, long[] padding, long[] dilation, long num_spatial_dims)
    {
        if (output_size is null)
            return output_padding;
        var leading = input.dim() == num_spatial_dims + 2 ? 2 : 1;
        if (output_size.Length == leading + num_spatial_dims)
            output_size = output_size[leading..];
        if (output_size.Length != num_spatial_dims)
            throw new ArgumentException($"{GetName()}: output_size must have {num_spatial_dims} or {leading + num_spatial_dims} elements (got {output_size.Length})", nameof(output_size));
        var result = new long[num_spatial_dims];
        for (var i = 0; i < result.Length; i++)
        {
            var smallest = (input.size(i + leading) - 1) * stride[i] - 2 * padding[i] + dilation[i] * (kernel_size[i] - 1) + 1;
            result[i] = output_size[i] - smallest;
            if (result[i] < 0 || result[i] >= stride[i])
                throw new ArgumentException($"Requested an output size of [{string.Join(", ", output_size)}], but dimension {i} may be from {smallest} to {smallest + stride[i] - 1}.", nameof(output_size));
        }
        return result;
    }
}
