using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>Attention, then an MLP, each on normed tokens and added to them.</summary>
public sealed class PvtBlock : Module<Tensor, TokenGrid, Tensor>
{
    internal const double Epsilon = 1e-6;

    private readonly LayerNorm norm1;
    private readonly TokenAttention attn;
    private readonly LayerNorm norm2;
    private readonly Module mlp;
    private readonly DropPath? drop_path1;
    private readonly DropPath? drop_path2;

    /// <param name="mlp">An <see cref="Mlp"/> or <see cref="ConvMlp"/>.</param>
    internal PvtBlock(TokenAttention attention, Module mlp, int channels, double dropPath)
        : base(nameof(PvtBlock))
    {
        norm1 = LayerNorm(channels, Epsilon);
        attn = attention;
        norm2 = LayerNorm(channels, Epsilon);
        this.mlp = mlp;
        if (dropPath > 0)
            (drop_path1, drop_path2) = (new DropPath(dropPath), new DropPath(dropPath));
        RegisterComponents();
    }

    /// <param name="x">[B, N, C].</param>
    public override Tensor forward(Tensor x, TokenGrid grid)
    {
        using var scope = NewDisposeScope();
        var branch = attn.call(norm1.Normed(x), grid);
        x = x + (drop_path1?.call(branch) ?? branch);
        var normed = norm2.Normed(x);
        branch = mlp is ConvMlp convolutional ? convolutional.call(normed, grid) : ((Mlp)mlp).call(normed);
        return scope.MoveToOuter(x + (drop_path2?.call(branch) ?? branch));
    }
}
