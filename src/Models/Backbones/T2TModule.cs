using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
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
    private const int Multiple = 16;

    private readonly Module<Tensor, Tensor> attention1;
    private readonly Module<Tensor, Tensor> attention2;
    private readonly Linear project;

    /// <param name="tokenDim">Width of a token within.</param>
    /// <param name="width">Width of the tokens that come out.</param>
    internal T2TModule(T2TTokens tokens, int inChannels, int tokenDim, int width, double dropout)
        : base(nameof(T2TModule))
    {
        attention1 = Mixer(inChannels * 7 * 7, 4);
        attention2 = Mixer(tokenDim * 3 * 3, 8);
        project = Linear(tokenDim * 3 * 3, width);
        RegisterComponents();

        Module<Tensor, Tensor> Mixer(int from, int stride) =>
            tokens == T2TTokens.Performer
                ? new TokenPerformer(from, tokenDim, dropout, stride)
                : new TokenTransformer(from, tokenDim, stride);
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

    /// <summary>Tokens a stride apart, over images that were padded to multiples of 16.</summary>
    internal static TokenGrid GridOf(int height, int width, int stride) =>
        new((height + Multiple - 1) / Multiple * Multiple / stride, (width + Multiple - 1) / Multiple * Multiple / stride);

    private static Tensor Split(Tensor tokens, long height, long width)
    {
        var map = tokens.transpose(1, 2).reshape(tokens.shape[0], tokens.shape[2], height, width);
        return functional.unfold(map, (3, 3), padding: (1, 1), stride: (2, 2)).transpose(1, 2);
    }
}

/// <summary>A transformer block of one head whose attention is linear in the number of tokens. Its weights, which are otherwise never
/// formed, can be tapped under the name "weights", [B, 1, N, N].</summary>
/// <remarks>Choromanski et al., "Rethinking Attention with Performers", 2020, arXiv:2009.14794: positive orthogonal random
/// features.</remarks>
public sealed class TokenPerformer : Module<Tensor, Tensor>, IHasTokenGrid, IHasLayerRoles
{
    private const double Epsilon = 1e-8;

    private readonly Linear kqv; // rows: keys, then queries, then values
    private readonly Linear proj;
    private readonly LayerNorm norm1;
    private readonly LayerNorm norm2;
    private readonly Sequential mlp;
    private readonly AttentionWeights weights = new();

    private readonly int _features;
    private readonly double _dropout;
    private readonly int _stride;

    /// <param name="from">Width of the tokens that come in.</param>
    /// <param name="to">Width of those that come out.</param>
    /// <param name="stride">Pixels from token to token.</param>
    internal TokenPerformer(int from, int to, double dropout, int stride)
        : base(nameof(TokenPerformer))
    {
        (_features, _dropout, _stride) = (to / 2, dropout, stride);
        kqv = Linear(from, 3 * to);
        proj = Linear(to, to);
        norm1 = LayerNorm(from);
        norm2 = LayerNorm(to);
        mlp = Sequential(Linear(to, to), GELU(), Linear(to, to), Dropout(dropout));
        register_buffer("w", init.orthogonal_(randn(_features, to), Math.Sqrt(_features))); // drawn once, and kept in checkpoints
        RegisterComponents();
    }

    public IEnumerable<RoledLayer> LayerRoles =>
        [
            new(kqv, LayerRole.Key, 0, 3),
            new(kqv, LayerRole.Query, 1, 3),
            new(kqv, LayerRole.Value, 2, 3),
            new(proj, LayerRole.Proj),
            new((Module)mlp[0], LayerRole.Fc1),
            new((Module)mlp[2], LayerRole.Fc2),
        ];

    public IEnumerable<TokenBranch> Branches => [new(mlp, BranchKind.Mlp, proj.weight!.shape[0], proj.weight.shape[0])];

    /// <param name="x">[B, N, from].</param>
    /// <returns>[B, N, to].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var parts = kqv.call(norm1.call(x)).chunk(3, -1);
        var values = parts[2].to(norm2.weight!.dtype); // the residual stream stays in full precision under autocast
        var (keys, queries) = (Features(parts[0]), Features(parts[1])); // [B, N, m]
        var normalizer = (queries * keys.sum([1], keepdim: true)).sum([-1], keepdim: true); // [B, N, 1]
        Tensor mixed; // [B, N, to]
        if (weights.Tapped)
        {
            AttentionWeights.RequireRoom(x.shape[0], x.shape[1], x.shape[1]);
            var attention = queries.matmul(keys.transpose(1, 2)) / (normalizer + Epsilon);
            mixed = weights.call(attention.unsqueeze(1)).squeeze(1).matmul(values);
        }
        else
        {
            mixed = queries.matmul(keys.transpose(1, 2).matmul(values)) / (normalizer + Epsilon);
        }
        x = values + functional.dropout(proj.call(mixed), _dropout, training); // no shortcut around: x is wider than what comes out
        return scope.MoveToOuter(x + mlp.call(norm2.call(x)));
    }

    public TokenGrid GridOf(int height, int width) => T2TModule.GridOf(height, width, _stride);

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
    /// <param name="stride">Pixels from token to token.</param>
    internal TokenTransformer(int from, int to, int stride)
        : base(nameof(TokenTransformer))
    {
        norm1 = LayerNorm(from);
        attn = new SoftSplitAttention(from, to, stride);
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
public sealed class SoftSplitAttention : Module<Tensor, Tensor>, IHasTokenGrid, IAttentionLayer, IHasLayerRoles
{
    private readonly Linear qkv; // rows: queries, keys, values
    private readonly Linear proj;
    private readonly AttentionWeights weights = new();
    private readonly double _scale;
    private readonly int _stride;

    internal SoftSplitAttention(int from, int to, int stride)
        : base(nameof(SoftSplitAttention))
    {
        _stride = stride;
        qkv = Linear(from, 3 * to, false);
        proj = Linear(to, to);
        _scale = 1 / Math.Sqrt(from); // not of "to", as published
        RegisterComponents();
    }

    public IEnumerable<RoledLayer> LayerRoles =>
        [new(qkv, LayerRole.Query, 0, 3), new(qkv, LayerRole.Key, 1, 3), new(qkv, LayerRole.Value, 2, 3), new(proj, LayerRole.Proj)];

    /// <param name="x">[B, N, from].</param>
    /// <returns>[B, N, to].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var parts = qkv.call(x).unsqueeze(1).chunk(3, -1); // 3 x [B, 1, N, to]
        Tensor mixed;
        if (weights.Tapped)
            AttentionWeights.RequireRoom(x.shape[0], x.shape[1], x.shape[1]);
        if (weights.Tapped)
            mixed = weights.call(parts[0].mul(_scale).matmul(parts[1].transpose(-2, -1)).softmax(-1)).matmul(parts[2]);
        else
            mixed = functional.scaled_dot_product_attention(parts[0] * (_scale * Math.Sqrt(parts[0].shape[^1])), parts[1], parts[2]);
        return scope.MoveToOuter((parts[2] + proj.call(mixed)).squeeze(1));
    }

    public TokenGrid GridOf(int height, int width) => T2TModule.GridOf(height, width, _stride);
}
