using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Normalizes each channel of each example by its own mean and variance.</summary>
/// <remarks>Ulyanov et al., "Instance Normalization", 2016, arXiv:1607.08022.</remarks>
public abstract class InstanceNorm : NormBase
{
    public InstanceNorm(long num_features, double eps, double? momentum, bool affine, bool track_running_stats, Device? device, ScalarType? dtype, string name)
        : base(num_features, eps, momentum ?? 0.1, affine, track_running_stats, device, dtype, name) { }

    /// <summary>The dimensions of an unbatched input.</summary>
    protected abstract long GetNumberOfBatchDimensions();

    public override Tensor forward(Tensor input)
    {
        ValidateInputDimensions(input);
        var channelDim = (int)(input.dim() - GetNumberOfBatchDimensions());
        if (input.size(channelDim) != num_features)
            throw new ArgumentException($"expected input's size at dim={channelDim} to match num_features ({num_features}), but got: {input.size(channelDim)}.");
        if (channelDim == 1)
            return Normalize(input);
        using var batch = input.unsqueeze(0);
        using var normalized = Normalize(batch);
        return normalized.squeeze(0);
    }

    private Tensor Normalize(Tensor input)
        => nn.functional.instance_norm(input, running_mean, running_var, weight, bias, training || !track_running_stats, momentum ?? 0.1, eps);
}
