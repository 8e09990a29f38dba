using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Heads.Segmentation;

/// <summary>PSPNet's pyramid: the means of a map over coarse grids, each reduced by a 1x1 convolution.</summary>
/// <remarks>Zhao et al., "Pyramid Scene Parsing Network", 2016, arXiv:1612.01105.</remarks>
internal static class PoolingPyramid
{
    private static readonly int[] _published = [1, 2, 3, 6];

    /// <param name="head">Whose it is, for messages.</param>
    /// <param name="scales">Cells along a side of each branch's grid; 1, 2, 3 and 6 by default.</param>
    /// <param name="channels">Of each branch.</param>
    /// <exception cref="UserErrorException">A scale is outside 1 .. 256.</exception>
    public static ModuleList<Sequential> Of(string head, int[]? scales, int width, int channels)
    {
        scales ??= _published;
        if (scales.Any(scale => scale is < 1 or > 256))
            throw new UserErrorException($"{head}: pool_scales must lie in 1 .. 256, not [{string.Join(", ", scales)}].");
        var branches = new ModuleList<Sequential>();
        foreach (var scale in scales)
            branches.Add(Sequential(AdaptiveAvgPool2d(scale), new ConvNorm(width, channels, 1)));
        return branches;
    }

    /// <summary>Channels of what <see cref="Join"/> gives.</summary>
    public static int Width(ModuleList<Sequential> branches, int width, int channels) => width + (branches.Count * channels);

    /// <param name="input">[B, width, h, w].</param>
    /// <returns>The map and its branches, in its size, [B, width + branches · channels, h, w].</returns>
    public static Tensor Join(ModuleList<Sequential> branches, Tensor input, bool alignCorners)
    {
        using var scope = NewDisposeScope();
        var size = input.shape[2..];
        return scope.MoveToOuter(cat([input, .. branches.Select(branch => Upsampling.To(branch.call(input), size, alignCorners))], 1));
    }
}
