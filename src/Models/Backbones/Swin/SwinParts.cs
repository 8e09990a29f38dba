using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Attention.Core;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>A stage: blocks, and the merging of patches after them. Runs through its children.</summary>
public sealed class SwinStage : Module
{
    private readonly ModuleList<PreNormBlock> blocks = new();
    private readonly SwinPatchMerging? downsample;

    internal SwinStage(
        int channels,
        int heads,
        SwinTransformerOptions options,
        double[] dropPaths,
        Func<AttentionShape, TokenAttention> attention,
        bool downsample
    )
        : base(nameof(SwinStage))
    {
        for (var i = 0; i < dropPaths.Length; i++)
            blocks.Add(
                new PreNormBlock(
                    attention(new AttentionShape(channels, heads, i, options.QkvBias, options.AttentionDropout, options.Dropout)),
                    channels,
                    options.MlpRatio,
                    options.Dropout,
                    dropPaths[i]
                )
            );
        this.downsample = downsample ? new SwinPatchMerging(channels) : null;
        RegisterComponents();
    }

    internal IEnumerable<PreNormBlock> Blocks => blocks;

    internal SwinPatchMerging? Downsample => downsample;
}

/// <summary>Patches of pixels to tokens; images that the patch does not divide are filled up with zeros.</summary>
public sealed class SwinPatchEmbed : Module<Tensor, Tensor>
{
    private readonly Conv2d proj;
    private readonly LayerNorm? norm;
    private readonly int _size;

    internal SwinPatchEmbed(int size, int inChannels, int channels, bool normed)
        : base(nameof(SwinPatchEmbed))
    {
        _size = size;
        proj = Conv2d(inChannels, channels, size, stride: size);
        norm = normed ? LayerNorm(channels) : null;
        RegisterComponents();
    }

    /// <param name="images">[B, inChannels, H, W].</param>
    /// <returns>[B, channels, ⌈H / size⌉, ⌈W / size⌉].</returns>
    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var (down, right) = (Residues.Missing((int)images.shape[2], _size), Residues.Missing((int)images.shape[3], _size));
        if (down + right > 0)
            images = functional.pad(images, [0, right, 0, down]);
        var map = proj.call(images);
        return scope.MoveToOuter(norm is null ? map : norm.Normed(map.permute(0, 2, 3, 1)).permute(0, 3, 1, 2));
    }
}

/// <summary>Four neighbouring tokens to one of twice the width; an odd row or column is filled up with zeros.</summary>
public sealed class SwinPatchMerging : Module<Tensor, Tensor>
{
    private readonly Linear reduction;
    private readonly LayerNorm norm;

    internal SwinPatchMerging(int channels)
        : base(nameof(SwinPatchMerging))
    {
        reduction = Linear(4 * channels, 2 * channels, hasBias: false);
        norm = LayerNorm(4 * channels);
        RegisterComponents();
    }

    /// <param name="map">[B, C, H, W].</param>
    /// <returns>[B, 2 C, ⌈H / 2⌉, ⌈W / 2⌉].</returns>
    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        var (down, right) = (map.shape[2] % 2, map.shape[3] % 2);
        if (down + right > 0)
            map = functional.pad(map, [0, right, 0, down]);
        var (height, width) = (map.shape[2] / 2, map.shape[3] / 2);
        // As published: by columns, then rows, of the four: (0, 0), (1, 0), (0, 1), (1, 1).
        var x = map.view(map.shape[0], map.shape[1], height, 2, width, 2).permute(0, 2, 4, 5, 3, 1).flatten(3); // [B, h, w, 4 C]
        return scope.MoveToOuter(reduction.call(norm.Normed(x)).permute(0, 3, 1, 2));
    }
}
