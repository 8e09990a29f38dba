using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention;

/// <summary>
/// Attention among the tokens of an image, as any stage of a transformer takes it from its config. Projections are here;
/// who attends whom is what components differ in.
/// </summary>
[ComponentKind("attention")]
public abstract class TokenAttention : nn.Module<Tensor, TokenGrid, Tensor>, IAttentionLayer, IHasLayerRoles
{
    private protected readonly Linear? qkv; // rows: the queries of all heads, then the keys, then the values
    private protected readonly Linear? q;
    private protected readonly Linear? kv;
    private protected readonly Linear? q_proj; // these three in place of qkv
    private protected readonly Linear? k_proj;
    private protected readonly Linear? v_proj;
    private protected readonly Parameter? q_bias; // [C]; beside a qkv without a bias
    private protected readonly Parameter? v_bias; // [C]
    private protected readonly Linear proj;

    /// <param name="projects">Whether queries, keys and values are made here.</param>
    protected TokenAttention(string name, AttentionShape shape, bool projects = true)
        : base(name)
    {
        if (shape.Channels % shape.Heads != 0)
            throw new UserErrorException(
                $"Attention needs a width that its heads divide; {shape.Channels} is no multiple of {shape.Heads}."
            );
        Shape = shape;
        if (projects && shape is { Fused: true, Layout: QkvLayout.Separate })
            (q_proj, k_proj, v_proj) = (
                Linear(shape.Channels, shape.Channels, shape.Bias),
                Linear(shape.Channels, shape.Channels, hasBias: false),
                Linear(shape.Channels, shape.Channels, shape.Bias)
            );
        else if (projects && shape.Fused)
            qkv = Linear(shape.Channels, 3 * shape.Channels, shape.Bias && shape.Layout == QkvLayout.Fused);
        if (projects && shape is { Fused: true, Bias: true, Layout: QkvLayout.NoKeyBias })
            (q_bias, v_bias) = (Parameter(zeros(shape.Channels)), Parameter(zeros(shape.Channels)));
        if (projects && !shape.Fused)
            (q, kv) = (Linear(shape.Channels, shape.Channels, shape.Bias), Linear(shape.Channels, 2 * shape.Channels, shape.Bias));
        proj = Linear(shape.Channels, shape.Channels);
    }

    protected AttentionShape Shape { get; }

    public virtual IEnumerable<RoledLayer> LayerRoles =>
        [
            .. qkv is null
                ? []
                : (RoledLayer[])[new(qkv, LayerRole.Query, 0, 3), new(qkv, LayerRole.Key, 1, 3), new(qkv, LayerRole.Value, 2, 3)],
            .. q is null ? [] : (RoledLayer[])[new(q, LayerRole.Query)],
            .. kv is null ? [] : (RoledLayer[])[new(kv, LayerRole.Key, 0, 2), new(kv, LayerRole.Value, 1, 2)],
            .. q_proj is null
                ? []
                : (RoledLayer[])[new(q_proj, LayerRole.Query), new(k_proj!, LayerRole.Key), new(v_proj!, LayerRole.Value)],
            new(proj, LayerRole.Proj),
        ];

    public IEnumerable<TokenBranch> Branches => [new(this, BranchKind.Attention, Shape.Channels, Shape.Channels)];

    /// <summary>Whether the logit of two tokens is the product of a query and a key that are theirs alone, so that they can be turned by
    /// their positions, and keys can be without a bias.</summary>
    internal virtual bool ComparesTokens => false;

    /// <summary>Dropout of the attention weights now: 0 outside training.</summary>
    protected double WeightDropout => training ? Shape.WeightDropout : 0;

    /// <summary>Fills the weights as <see cref="MimeticInitialization"/> has it; biases stay.</summary>
    internal void StartMimetic()
    {
        if (qkv is null)
            throw new UserErrorException($"{GetName()} has no layer \"qkv\" that could start like a trained network's.");
        MimeticInitialization.Fill(qkv.weight!, proj.weight!, Shape.Heads);
    }

    /// <param name="x">[B, N, C], N as in the grid.</param>
    /// <returns>[B, N, C].</returns>
    public sealed override Tensor forward(Tensor x, TokenGrid grid)
    {
        using var scope = NewDisposeScope();
        if (x.shape[1] != grid.Count)
            throw new ArgumentException($"{x.shape[1]} tokens for a grid of {grid}.", nameof(grid));
        var (queries, keys, values) = Project(x, grid);
        if (Shape.Rotary is { } rotary)
            (queries, keys) = (rotary.Turn(queries, grid), rotary.Turn(keys, grid));
        var mixed = Mix(queries, keys, values, grid).transpose(1, 2).reshape(x.shape); // [B, N, heads * d]
        var output = proj.call(mixed);
        return scope.MoveToOuter(Shape.Dropout > 0 ? functional.dropout(output, Shape.Dropout, training) : output);
    }

    /// <summary>Attention without the projections, for those who measure it. Arguments and result as of <see cref="Mix"/>.</summary>
    public Tensor MixAlone(Tensor queries, Tensor keys, Tensor values, TokenGrid grid)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(Mix(queries, keys, values, grid));
    }

    /// <returns>Three of [B, heads, N, d]; keys and values may be fewer.</returns>
    protected virtual (Tensor Queries, Tensor Keys, Tensor Values) Project(Tensor x, TokenGrid grid)
    {
        if (q_proj is not null)
            return (Heads(q_proj.call(x), 1)[0], Heads(k_proj!.call(x), 1)[0], Heads(v_proj!.call(x), 1)[0]);
        if (qkv is null)
            return FromReduced(x, x, grid with { Leading = 0 });
        var parts = Heads(qkv.call(x), 3);
        return q_bias is null
            ? (parts[0], parts[1], parts[2])
            : (parts[0] + OfHeads(q_bias, parts[0]), parts[1], parts[2] + OfHeads(v_bias!, parts[2]));
    }

    /// <summary>Key and value that the layers give for a token of zeros, [C] each; null where that is zeros.</summary>
    private protected (Tensor? Key, Tensor? Value) OfZeros()
    {
        if (k_proj is not null)
            return (LayerChange.BiasOf(k_proj), LayerChange.BiasOf(v_proj!));
        var biases = LayerChange.BiasOf((qkv ?? kv)!);
        Tensor? Part(long index) => biases?.narrow(0, index * Shape.Channels, Shape.Channels);
        var (key, value) = qkv is null ? (Part(0), Part(1)) : (Part(1), Part(2));
        return (key, v_bias is null ? value : value?.add(v_bias) ?? v_bias);
    }

    private Tensor OfHeads(Tensor bias, Tensor like) => bias.view(Shape.Heads, 1, -1).to(like.dtype);

    /// <param name="queries">[B, heads, N, d].</param>
    /// <param name="keys">[B, heads, M, d].</param>
    /// <param name="values">[B, heads, M, d].</param>
    /// <returns>[B, heads, N, d].</returns>
    protected abstract Tensor Mix(Tensor queries, Tensor keys, Tensor values, TokenGrid grid);

    /// <param name="x">[B, N, parts * C].</param>
    /// <returns>Parts of [B, heads, N, d].</returns>
    protected Tensor[] Heads(Tensor x, int parts) =>
        x.view(x.shape[0], x.shape[1], parts, Shape.Heads, Shape.Channels / Shape.Heads).permute(2, 0, 3, 1, 4).unbind(0);

    /// <summary>The grid's tokens as a map, [B, C, H, W].</summary>
    protected internal static Tensor ToMap(Tensor x, TokenGrid grid) =>
        x.narrow(1, grid.Leading, x.shape[1] - grid.Leading).transpose(1, 2).reshape(x.shape[0], x.shape[2], grid.Height, grid.Width);

    /// <summary>Queries of all tokens; keys and values of the leading tokens and of a shrunken grid's. Needs
    /// <see cref="AttentionShape.Fused"/> off.</summary>
    /// <param name="reduced">[B, m, C].</param>
    protected (Tensor Queries, Tensor Keys, Tensor Values) FromReduced(Tensor x, Tensor reduced, TokenGrid grid)
    {
        var pair = Heads(kv!.call(grid.Leading == 0 ? reduced : cat([x.narrow(1, 0, grid.Leading), reduced], 1)), 2);
        return (Heads(q!.call(x), 1)[0], pair[0], pair[1]);
    }
}
