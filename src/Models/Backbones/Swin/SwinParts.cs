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
    private readonly ModuleList<Module<Tensor, TokenGrid, Tensor>> blocks = new();
    private readonly SwinPatchMerging? downsample;

    /// <param name="block">Makes each, by its number from 0.</param>
    internal SwinStage(int count, Func<int, Module<Tensor, TokenGrid, Tensor>> block, SwinPatchMerging? downsample)
        : base(nameof(SwinStage))
    {
        for (var i = 0; i < count; i++)
            blocks.Add(block(i));
        this.downsample = downsample;
        RegisterComponents();
    }

    internal IEnumerable<Module<Tensor, TokenGrid, Tensor>> Blocks => blocks;

    internal SwinPatchMerging? Downsample => downsample;
}

/// <summary>Attention, then an MLP, each normed and added to its input: res-post-norm.</summary>
/// <remarks>Liu et al., "Swin Transformer V2", 2022, arXiv:2111.09883, section 3.2.</remarks>
internal sealed class ResPostNormBlock : Module<Tensor, TokenGrid, Tensor>, IRecomputable
{
    private readonly TokenAttention attn;
    private readonly LayerNorm norm1;
    private readonly Mlp mlp;
    private readonly LayerNorm norm2;
    private readonly DropPath? drop_path1;
    private readonly DropPath? drop_path2;

    public ResPostNormBlock(TokenAttention attention, int channels, double mlpRatio, double dropout, double dropPath)
        : base(nameof(ResPostNormBlock))
    {
        attn = attention;
        norm1 = LayerNorm(channels);
        mlp = new Mlp(channels, (int)(channels * mlpRatio), dropout);
        norm2 = LayerNorm(channels);
        if (dropPath > 0)
            (drop_path1, drop_path2) = (new DropPath(dropPath), new DropPath(dropPath));
        RegisterComponents();
    }

    /// <summary>A block begins as nothing: what its branches give is multiplied by zeros, which are learned.</summary>
    public void StartFromZero()
    {
        foreach (var norm in new[] { norm1, norm2 })
            init.zeros_(norm.weight!);
    }

    /// <param name="x">[B, N, C].</param>
    public override Tensor forward(Tensor x, TokenGrid grid) => ActivationCheckpoints.Run(this, tokens => Compute(tokens, grid), x);

    private Tensor Compute(Tensor x, TokenGrid grid)
    {
        using var scope = NewDisposeScope();
        var branch = norm1.Normed(attn.call(x, grid));
        x = x + (drop_path1?.call(branch) ?? branch);
        branch = norm2.Normed(mlp.call(x));
        return scope.MoveToOuter(x + (drop_path2?.call(branch) ?? branch));
    }
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
    private readonly bool _normsLast;

    /// <param name="channels">C.</param>
    /// <param name="normsLast">Whether the result is normed, as in V2, not the four tokens.</param>
    internal SwinPatchMerging(int channels, bool normsLast = false)
        : base(nameof(SwinPatchMerging))
    {
        _normsLast = normsLast;
        reduction = Linear(4 * channels, 2 * channels, hasBias: false);
        norm = LayerNorm((normsLast ? 2 : 4) * channels);
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
        x = _normsLast ? norm.Normed(reduction.call(x)) : reduction.call(norm.Normed(x));
        return scope.MoveToOuter(x.permute(0, 3, 1, 2));
    }
}
