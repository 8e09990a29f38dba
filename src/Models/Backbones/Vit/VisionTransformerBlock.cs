using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Attention.Core;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>Attention, then an MLP, each on normed tokens and added to them.</summary>
public sealed class VisionTransformerBlock : Module<Tensor, TokenGrid, Tensor>, IRecomputable
{
    internal const double Epsilon = 1e-6;

    private readonly LayerNorm norm1;
    private readonly TokenAttention attn;
    private readonly LayerScale? ls1;
    private readonly DropPath? drop_path1;
    private readonly LayerNorm norm2;
    private readonly Module<Tensor, Tensor> mlp;
    private readonly LayerScale? ls2;
    private readonly DropPath? drop_path2;
    private bool _masked;

    internal VisionTransformerBlock(
        int width,
        int heads,
        VisionTransformerOptions options,
        double dropPath,
        double epsilon = Epsilon,
        int block = 0,
        Func<AttentionShape, TokenAttention>? attention = null,
        RotaryPositions? rotary = null
    )
        : base(nameof(VisionTransformerBlock))
    {
        var shape = new AttentionShape(width, heads, block, options.QkvBias, options.AttentionDropout, options.Dropout)
        {
            Layout = options.QkvLayout,
            Rotary = rotary,
        };
        norm1 = LayerNorm(width, epsilon);
        attn = attention is null ? new FullAttention(shape) : attention(shape);
        if (shape.IsSpecial && !attn.ComparesTokens)
            throw new UserErrorException(
                $"VisionTransformer: {attn.GetName()} does not compare each token's own query and key, so that it can't take "
                    + (rotary is null ? "qkv_layout." : "rotary positions.")
                    + " FullAttention, LocalAttention, NeighborhoodAttention, AtrousAttention, StridedAttention and SparseAttention can."
            );
        norm2 = LayerNorm(width, epsilon);
        mlp = MlpOf(width, options, epsilon);
        if (options.LayerScale is { } initial)
            (ls1, ls2) = (new LayerScale(width, initial), new LayerScale(width, initial));
        if (dropPath > 0)
            (drop_path1, drop_path2) = (new DropPath(dropPath), new DropPath(dropPath));
        RegisterComponents();
    }

    /// <summary>As <c>call</c>, under a mask of the attention where there is one.</summary>
    internal Tensor Run(Tensor x, TokenGrid grid, Tensor? mask)
    {
        if (mask is null)
            return call(x, grid);
        if (attn is not DenseAttention dense)
            throw new UserErrorException($"A mask of the attention can't be laid on {attn.GetName()}: take FullAttention.");
        using var _ = dense.Under(mask);
        _masked = true; // a second run would not be under the mask
        try
        {
            return call(x, grid);
        }
        finally
        {
            _masked = false;
        }
    }

    /// <param name="x">[B, N, C].</param>
    public override Tensor forward(Tensor x, TokenGrid grid) =>
        _masked ? Compute(x, grid) : ActivationCheckpoints.Run(this, tokens => Compute(tokens, grid), x);

    private Tensor Compute(Tensor x, TokenGrid grid)
    {
        using var scope = NewDisposeScope();
        var branch = attn.call(norm1.call(x), grid);
        if (ls1 is not null)
            branch = ls1.call(branch);
        if (drop_path1 is not null)
            branch = drop_path1.call(branch);
        x = x + branch;
        branch = mlp.call(norm2.call(x));
        if (ls2 is not null)
            branch = ls2.call(branch);
        if (drop_path2 is not null)
            branch = drop_path2.call(branch);
        return scope.MoveToOuter(x + branch);
    }

    private static Module<Tensor, Tensor> MlpOf(int width, VisionTransformerOptions options, double epsilon)
    {
        var hidden = (int)(width * options.MlpRatio);
        return options.MlpType == MlpType.Mlp
            ? new Mlp(width, hidden, options.Dropout, options.MlpActivation)
            : new SwiGlu(width, hidden, options.MlpType == MlpType.SwigluPacked, options.MlpNorm ? epsilon : null, options.Dropout);
    }
}
