using Tessera.Models.Attention;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>What mixes the tokens of a <see cref="T2TViT"/> between its soft splits.</summary>
public enum T2TTokens
{
    /// <summary>Attention by random features, linear in the number of tokens.</summary>
    Performer,

    /// <summary>Attention as usual; its weights grow with the square of the number of tokens, 3,136 at 224 pixels.</summary>
    Transformer,
}

/// <summary>Tokens to tokens: an image is cut into overlapping patches, and what became of them twice again.</summary>
public sealed class T2TModule : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> attention1;
    private readonly Module<Tensor, Tensor> attention2;
    private readonly Linear project;

    /// <param name="tokenDim">Width of a token within.</param>
    /// <param name="width">Width of the tokens that come out.</param>
    internal T2TModule(T2TTokens tokens, int inChannels, int tokenDim, int width, double dropout)
        : base(nameof(T2TModule))
    {
        attention1 = Mixer(inChannels * 7 * 7);
        attention2 = Mixer(tokenDim * 3 * 3);
        project = Linear(tokenDim * 3 * 3, width);
        RegisterComponents();

        Module<Tensor, Tensor> Mixer(int from) =>
            tokens == T2TTokens.Performer ? new TokenPerformer(from, tokenDim, dropout) : new TokenTransformer(from, tokenDim);
    }

    /// <param name="images">[B, inChannels, H, W], H and W multiples of 16.</param>
    /// <returns>Tokens in reading order, [B, H / 16 · W / 16, width].</returns>
    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var (height, width) = (images.shape[2], images.shape[3]);
        var x = functional.unfold(images, (7, 7), padding: (2, 2), stride: (4, 4)).transpose(1, 2); // [B, H / 4 · W / 4, inChannels · 49]
        x = Split(attention1.call(x), height / 4, width / 4); // [B, H / 8 · W / 8, tokenDim · 9]
        x = Split(attention2.call(x), height / 8, width / 8);
        return scope.MoveToOuter(project.call(x));
    }

    private static Tensor Split(Tensor tokens, long height, long width)
    {
        var map = tokens.transpose(1, 2).reshape(tokens.shape[0], tokens.shape[2], height, width);
        return functional.unfold(map, (3, 3), padding: (1, 1), stride: (2, 2)).transpose(1, 2);
    }
}

/// <summary>A transformer block of one head whose attention is linear in the number of tokens.</summary>
/// <remarks>Choromanski et al., "Rethinking Attention with Performers", 2020, arXiv:2009.14794: positive orthogonal random
/// features.</remarks>
public sealed class TokenPerformer : Module<Tensor, Tensor>
{
    private const double Epsilon = 1e-8;

    private readonly Linear kqv; // rows: keys, then queries, then values
    private readonly Linear proj;
    private readonly LayerNorm norm1;
    private readonly LayerNorm norm2;
    private readonly Sequential mlp;

    private readonly int _features;
    private readonly double _dropout;

    /// <param name="from">Width of the tokens that come in.</param>
    /// <param name="to">Width of those that come out.</param>
    internal TokenPerformer(int from, int to, double dropout)
        : base(nameof(TokenPerformer))
    {
        (_features, _dropout) = (to / 2, dropout);
        kqv = Linear(from, 3 * to);
        proj = Linear(to, to);
        norm1 = LayerNorm(from);
        norm2 = LayerNorm(to);
        mlp = Sequential(Linear(to, to), GELU(), Linear(to, to), Dropout(dropout));
        register_buffer("w", init.orthogonal_(randn(_features, to), Math.Sqrt(_features))); // drawn once, and kept in checkpoints
        RegisterComponents();
    }

    /// <param name="x">[B, N, from].</param>
    /// <returns>[B, N, to].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var parts = kqv.call(norm1.call(x)).chunk(3, -1);
        var values = parts[2].to(norm2.weight!.dtype); // the residual stream stays in full precision under autocast
        var (keys, queries) = (Features(parts[0]), Features(parts[1])); // [B, N, m]
        var normalizer = (queries * keys.sum([1], keepdim: true)).sum([-1], keepdim: true); // [B, N, 1]
        var mixed = queries.matmul(keys.transpose(1, 2).matmul(values)) / (normalizer + Epsilon); // [B, N, to]
        x = values + functional.dropout(proj.call(mixed), _dropout, training); // no shortcut around: x is wider than what comes out
        return scope.MoveToOuter(x + mlp.call(norm2.call(x)));
    }

    // exp(w x - |x|² / 2) / √m, in single precision at least.
    private Tensor Features(Tensor x)
    {
        var w = get_buffer("w")!;
        x = x.to(w.dtype);
        return (x.matmul(w.t()) - (x.square().sum([-1], keepdim: true) / 2)).exp() / Math.Sqrt(_features);
    }
}

/// <summary>A transformer block of one head that narrows its tokens.</summary>
public sealed class TokenTransformer : Module<Tensor, Tensor>
{
    private readonly LayerNorm norm1;
    private readonly SoftSplitAttention attn;
    private readonly LayerNorm norm2;
    private readonly Mlp mlp;

    /// <param name="from">Width of the tokens that come in.</param>
    /// <param name="to">Width of those that come out.</param>
    internal TokenTransformer(int from, int to)
        : base(nameof(TokenTransformer))
    {
        norm1 = LayerNorm(from);
        attn = new SoftSplitAttention(from, to);
        norm2 = LayerNorm(to);
        mlp = new Mlp(to, to, 0);
        RegisterComponents();
    }

    /// <param name="x">[B, N, from].</param>
    /// <returns>[B, N, to].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = attn.call(norm1.call(x)).to(norm2.weight!.dtype); // the residual stream stays in full precision under autocast
        return scope.MoveToOuter(x + mlp.call(norm2.call(x)));
    }
}

/// <summary>Attention of one head to narrower tokens, added to its values. Its weights can be tapped under the name "weights".</summary>
public sealed class SoftSplitAttention : Module<Tensor, Tensor>
{
    private readonly Linear qkv; // rows: queries, keys, values
    private readonly Linear proj;
    private readonly AttentionWeights weights = new();
    private readonly double _scale;

    internal SoftSplitAttention(int from, int to)
        : base(nameof(SoftSplitAttention))
    {
        qkv = Linear(from, 3 * to, false);
        proj = Linear(to, to);
        _scale = 1 / Math.Sqrt(from); // not of "to", as published
        RegisterComponents();
    }

    /// <param name="x">[B, N, from].</param>
    /// <returns>[B, N, to].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var parts = qkv.call(x).unsqueeze(1).chunk(3, -1); // 3 x [B, 1, N, to]
        Tensor mixed;
        if (weights.Tapped)
            mixed = weights.call(parts[0].mul(_scale).matmul(parts[1].transpose(-2, -1)).softmax(-1)).matmul(parts[2]);
        else
            mixed = functional.scaled_dot_product_attention(parts[0] * (_scale * Math.Sqrt(parts[0].shape[^1])), parts[1], parts[2]);
        return scope.MoveToOuter((parts[2] + proj.call(mixed)).squeeze(1));
    }
}
