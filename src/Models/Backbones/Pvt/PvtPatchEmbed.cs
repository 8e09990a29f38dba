using Tessera.Framework.Models;
using Tessera.Models.Attention.Core;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>How a stage's tokens come from the map before it.</summary>
public enum PatchKind
{
    /// <summary>A convolution over each patch.</summary>
    Convolution,

    /// <summary>The patch's values strung together, then a linear layer.</summary>
    Merge,
}

/// <summary>A map to tokens of a stage, normed. Maps that the stride does not divide are filled up with zeros below and to the
/// right.</summary>
public sealed class PvtPatchEmbed : Module<Tensor, Tensor>
{
    private readonly Conv2d? proj;
    private readonly Linear? reduction;
    private readonly LayerNorm norm;
    private readonly int _stride;
    private readonly bool _overlaps;

    /// <param name="size">Side of a patch; larger than the stride: patches overlap, and are centred.</param>
    internal PvtPatchEmbed(PatchKind kind, int inChannels, int channels, int size, int stride)
        : base(nameof(PvtPatchEmbed))
    {
        (_stride, _overlaps) = (stride, size > stride);
        if (kind == PatchKind.Merge)
            reduction = Linear(inChannels * size * size, channels);
        else
            proj = Conv2d(inChannels, channels, size, stride: stride, padding: _overlaps ? size / 2 : 0);
        norm = LayerNorm(channels);
        RegisterComponents();
    }

    /// <param name="x">[B, inChannels, H, W].</param>
    /// <returns>[B, channels, ⌈H / stride⌉, ⌈W / stride⌉].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var (down, right) = (Residues.Missing((int)x.shape[2], _stride), Residues.Missing((int)x.shape[3], _stride));
        if (!_overlaps && down + right > 0)
            x = functional.pad(x, [0, right, 0, down]);
        if (proj is not null)
        {
            x = proj.call(x).permute(0, 2, 3, 1); // [B, h, w, C]
        }
        else
        {
            var (height, width) = (x.shape[2] / _stride, x.shape[3] / _stride);
            // [B, h, w, stride * stride * C]
            x = x.view(x.shape[0], x.shape[1], height, _stride, width, _stride).permute(0, 2, 4, 3, 5, 1).flatten(3);
            x = reduction!.call(x);
        }
        return scope.MoveToOuter(norm.Normed(x).permute(0, 3, 1, 2));
    }
}
