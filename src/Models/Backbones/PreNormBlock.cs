using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>Attention, then an MLP, each on normed tokens and added to them; in some networks then a cooling layer: a depthwise 3x3
/// convolution and a norm.</summary>
public sealed class PreNormBlock : Module<Tensor, TokenGrid, Tensor>, IRecomputable
{
    private const double Epsilon = 1e-5;

    private readonly LayerNorm norm1;
    private readonly TokenAttention attn;
    private readonly LayerNorm norm2;
    private readonly Module mlp;
    private readonly DropPath? drop_path1;
    private readonly DropPath? drop_path2;
    private readonly Conv2d? ex_conv;
    private readonly LayerNorm? ex_ln;

    internal PreNormBlock(TokenAttention attention, int channels, double mlpRatio, double dropout, double dropPath, bool cools = false)
        : this(attention, new Mlp(channels, (int)(channels * mlpRatio), dropout), channels, dropPath, Epsilon, cools) { }

    /// <param name="mlp">An <see cref="Mlp"/> or <see cref="ConvMlp"/>.</param>
    /// <param name="epsilon">Of the norms.</param>
    internal PreNormBlock(TokenAttention attention, Module mlp, int channels, double dropPath, double epsilon, bool cools = false)
        : base(nameof(PreNormBlock))
    {
        norm1 = LayerNorm(channels, epsilon);
        attn = attention;
        norm2 = LayerNorm(channels, epsilon);
        this.mlp = mlp;
        if (dropPath > 0)
            (drop_path1, drop_path2) = (new DropPath(dropPath), new DropPath(dropPath));
        if (cools)
            (ex_conv, ex_ln) = (Conv2d(channels, channels, 3, padding: 1, groups: channels), LayerNorm(channels, epsilon));
        RegisterComponents();
    }

    /// <param name="x">[B, N, C].</param>
    public override Tensor forward(Tensor x, TokenGrid grid) => ActivationCheckpoints.Run(this, tokens => Compute(tokens, grid), x);

    private Tensor Compute(Tensor x, TokenGrid grid)
    {
        using var scope = NewDisposeScope();
        var branch = attn.call(norm1.Normed(x), grid);
        x = x + (drop_path1?.call(branch) ?? branch);
        var normed = norm2.Normed(x);
        branch = mlp is ConvMlp convolutional ? convolutional.call(normed, grid) : ((Mlp)mlp).call(normed);
        x = x + (drop_path2?.call(branch) ?? branch);
        if (ex_conv is not null)
            x = ex_ln!.Normed(ex_conv.call(TokenAttention.ToMap(x, grid)).flatten(2).transpose(1, 2));
        return scope.MoveToOuter(x);
    }
}
