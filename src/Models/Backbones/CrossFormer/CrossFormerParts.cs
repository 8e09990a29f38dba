using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Attention.Core;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>A stage: blocks, and the merging of patches after them. Runs through its children.</summary>
public sealed class CrossFormerStage : Module
{
    private readonly ModuleList<PreNormBlock> blocks = new();
    private readonly CrossScaleMerging? downsample;

    internal CrossFormerStage(PreNormBlock[] made, CrossScaleMerging? downsample)
        : base(nameof(CrossFormerStage))
    {
        foreach (var block in made)
            blocks.Add(block);
        this.downsample = downsample;
        RegisterComponents();
    }

    internal IEnumerable<PreNormBlock> Blocks => blocks;

    internal CrossScaleMerging? Downsample => downsample;
}

/// <summary>Convolutions of several sizes around the same places, their channels put side by side.</summary>
internal static class CrossScale
{
    /// <summary>
    /// Channels of each convolution: half of all for the first, half of the rest for the next, and so on; the last takes what is
    /// left.
    /// </summary>
    public static int[] Widths(int channels, int count) =>
        [.. Enumerable.Range(0, count).Select(i => channels >> (i == count - 1 ? i : i + 1))];

    /// <exception cref="UserErrorException">A size is smaller than the stride or can't be centred, or the widths don't fit.</exception>
    public static void Check(string name, string option, int[] sizes, int stride, int channels)
    {
        if (sizes.Any(size => size < stride || size > 1024 || (size - stride) % 2 != 0))
            throw new UserErrorException(
                $"{name}: {option} must be {stride} or more by an even number (1024 at most), not [{string.Join(", ", sizes)}]."
            );
        if (sizes.Length > 16 || channels % (1 << (sizes.Length - 1)) != 0)
            throw new UserErrorException(
                $"{name}: {sizes.Length} {option} halve the width {sizes.Length - 1} times, which {channels} does not allow."
            );
    }

    public static void Fill(ModuleList<Conv2d> list, int inChannels, int channels, int[] sizes, int stride)
    {
        foreach (var (size, width) in sizes.Zip(Widths(channels, sizes.Length)))
            list.Add(Conv2d(inChannels, width, size, stride: stride, padding: (size - stride) / 2));
    }

    /// <param name="map">[B, C, H, W]; filled up below and to the right where the stride does not divide it.</param>
    /// <returns>[B, channels, ⌈H / stride⌉, ⌈W / stride⌉].</returns>
    public static Tensor Run(ModuleList<Conv2d> list, Tensor map, int stride)
    {
        var (down, right) = (Residues.Missing((int)map.shape[2], stride), Residues.Missing((int)map.shape[3], stride));
        if (down + right > 0)
            map = functional.pad(map, [0, right, 0, down]);
        return cat([.. list.Select(convolution => convolution.call(map))], 1);
    }
}

/// <summary>Patches of several sizes to tokens, one token for each patch of the smallest size.</summary>
public sealed class CrossScaleEmbedding : Module<Tensor, Tensor>
{
    private readonly ModuleList<Conv2d> projs = new();
    private readonly LayerNorm? norm;
    private readonly int _stride;

    internal CrossScaleEmbedding(int[] sizes, int inChannels, int channels, bool normed)
        : base(nameof(CrossScaleEmbedding))
    {
        _stride = sizes[0];
        CrossScale.Fill(projs, inChannels, channels, sizes, _stride);
        norm = normed ? LayerNorm(channels) : null;
        RegisterComponents();
    }

    /// <param name="images">[B, inChannels, H, W].</param>
    /// <returns>[B, channels, ⌈H / stride⌉, ⌈W / stride⌉].</returns>
    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var map = CrossScale.Run(projs, images, _stride);
        return scope.MoveToOuter(norm is null ? map : norm.Normed(map.permute(0, 2, 3, 1)).permute(0, 3, 1, 2));
    }
}

/// <summary>Patches of tokens, of several sizes, to tokens of twice the width on a grid of half the height and width.</summary>
public sealed class CrossScaleMerging : Module<Tensor, Tensor>
{
    /// <summary>By how much the grid shrinks.</summary>
    internal const int Stride = 2;

    private readonly ModuleList<Conv2d> reductions = new();
    private readonly LayerNorm norm;

    internal CrossScaleMerging(int[] sizes, int channels)
        : base(nameof(CrossScaleMerging))
    {
        CrossScale.Fill(reductions, channels, 2 * channels, sizes, Stride);
        norm = LayerNorm(channels);
        RegisterComponents();
    }

    /// <param name="map">[B, C, H, W].</param>
    /// <returns>[B, 2 C, ⌈H / 2⌉, ⌈W / 2⌉].</returns>
    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(CrossScale.Run(reductions, norm.Normed(map.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), Stride));
    }
}
