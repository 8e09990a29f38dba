using System.Diagnostics.CodeAnalysis;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Torch.Layers;

/// <summary>Normalizations that start as PyTorch's do.</summary>
/// <remarks>
/// Why it exists: <c>nn.GroupNorm</c> of TorchSharp 0.107 leaves its weight and bias as uninitialised memory (NaN, 1e22). It can go when
/// the test
/// <c>ModuleDefects.GroupNorm_StartsFromUninitialisedMemory</c> fails.
/// </remarks>
public static class Norms
{
    /// <summary>
    /// Normalizes each of the groups of channels of each sample, then scales by a weight (1 at first) and adds a bias (0 at first) per
    /// channel.
    /// </summary>
    /// <remarks>Wu and He, "Group Normalization", 2018, arXiv:1803.08494.</remarks>
    /// <param name="groups">Number of groups; divides the channels.</param>
    /// <param name="channels">Channels of the input, [B, channels, …].</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="affine">Whether there are weight and bias, [channels] each.</param>
    /// <exception cref="ArgumentException">The groups don't divide the channels.</exception>
    [SuppressMessage("ApiDesign", "RS0030", Justification = "The one place that makes it, and mends it.")]
    public static GroupNorm GroupNorm(long groups, long channels, double epsilon = 1e-5, bool affine = true)
    {
        if (groups < 1 || channels < 1 || channels % groups != 0)
            throw new ArgumentException($"{groups} groups don't divide {channels} channels.", nameof(groups));
        var norm = nn.GroupNorm(groups, channels, epsilon, affine);
        if (!affine)
            return norm;
        nn.init.ones_(norm.weight);
        nn.init.zeros_(norm.bias!);
        return norm;
    }
}
