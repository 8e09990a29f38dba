using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.Transformers;

/// <summary>What decoder layers look at.</summary>
/// <param name="Keys">[B, M, C], with positions.</param>
/// <param name="Values">[B, M, C].</param>
/// <param name="Mask">As <see cref="QueryAttention"/> takes it.</param>
internal sealed record Memory(Tensor Keys, Tensor Values, Tensor? Mask);

/// <summary>An encoder among the cells of a map, and a decoder in which queries look at them. Names are facebookresearch/detr's.</summary>
/// <remarks>Carion et al., "End-to-End Object Detection with Transformers", 2020, arXiv:2005.12872; norms after sums, as there.</remarks>
internal sealed class DetrTransformer : nn.Module
{
    private readonly DetrEncoder encoder;
    private readonly DetrDecoder decoder;

    public DetrTransformer(TransformerShape shape, int encoderLayers, int decoderLayers)
        : base(nameof(DetrTransformer))
    {
        encoder = new DetrEncoder(shape, encoderLayers);
        decoder = new DetrDecoder(shape, decoderLayers);
        RegisterComponents();
        foreach (var (_, parameter) in named_parameters())
            if (parameter.dim() > 1)
                init.xavier_uniform_(parameter);
    }

    /// <param name="cells">[B, M, C].</param>
    /// <param name="positions">[B or 1, M, C].</param>
    /// <param name="mask">[B, 1, 1, M], true where a cell lies on the image; null: everywhere.</param>
    /// <param name="queries">[Q, C].</param>
    /// <param name="all">Whether every decoder layer's answer is wanted, or the last alone.</param>
    /// <returns>[L or 1, B, Q, C], normed.</returns>
    public Tensor Run(Tensor cells, Tensor positions, Tensor? mask, Tensor queries, bool all)
    {
        using var scope = NewDisposeScope();
        var encoded = encoder.call(cells, positions, mask);
        return scope.MoveToOuter(decoder.call(queries.unsqueeze(0), new Memory(encoded + positions, encoded, mask), all));
    }
}

/// <summary>Layers one after another.</summary>
internal sealed class DetrEncoder : Module<Tensor, Tensor, Tensor?, Tensor>
{
    private readonly ModuleList<EncoderLayer> layers = new();

    public DetrEncoder(TransformerShape shape, int depth, bool gelu = false)
        : base(nameof(DetrEncoder))
    {
        for (var i = 0; i < depth; i++)
            layers.Add(new EncoderLayer(shape, gelu));
        RegisterComponents();
    }

    /// <inheritdoc cref="EncoderLayer.forward"/>
    public override Tensor forward(Tensor x, Tensor positions, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        if (layers.Count == 0)
            return scope.MoveToOuter(x.alias());
        foreach (var layer in layers)
            x = layer.call(x, positions, mask);
        return scope.MoveToOuter(x);
    }
}

/// <summary>Layers one after another, and one norm for the answers of all.</summary>
internal sealed class DetrDecoder : Module<Tensor, Memory, bool, Tensor>
{
    private readonly ModuleList<DetrDecoderLayer> layers = new();
    private readonly LayerNorm norm;

    public DetrDecoder(TransformerShape shape, int depth)
        : base(nameof(DetrDecoder))
    {
        for (var i = 0; i < depth; i++)
            layers.Add(new DetrDecoderLayer(shape));
        norm = LayerNorm(shape.Channels);
        RegisterComponents();
    }

    /// <param name="queries">[1, Q, C], the positions of the queries, which begin as 0.</param>
    /// <param name="all">Whether every layer's answer is wanted, or the last alone.</param>
    /// <returns>[L or 1, B, Q, C], normed.</returns>
    public override Tensor forward(Tensor queries, Memory memory, bool all)
    {
        using var scope = NewDisposeScope();
        var x = zeros_like(queries).expand(memory.Values.shape[0], -1, -1);
        var answers = new List<Tensor>();
        foreach (var layer in layers)
        {
            x = layer.call(x, queries, memory);
            if (all)
                answers.Add(norm.call(x));
        }
        return scope.MoveToOuter(stack(all ? answers : [norm.call(x)]));
    }
}

/// <summary>Attention among queries, then to the memory, then two linear layers; a norm after each residual sum.</summary>
internal sealed class DetrDecoderLayer : Module<Tensor, Tensor, Memory, Tensor>
{
    private readonly QueryAttention self_attn;
    private readonly QueryAttention multihead_attn;
    private readonly Linear linear1;
    private readonly Linear linear2;
    private readonly LayerNorm norm1;
    private readonly LayerNorm norm2;
    private readonly LayerNorm norm3;
    private readonly double _dropout;

    public DetrDecoderLayer(TransformerShape shape)
        : base(nameof(DetrDecoderLayer))
    {
        _dropout = shape.Dropout;
        self_attn = new QueryAttention(shape.Channels, shape.Heads, shape.Dropout);
        multihead_attn = new QueryAttention(shape.Channels, shape.Heads, shape.Dropout);
        (linear1, linear2) = (Linear(shape.Channels, shape.Hidden), Linear(shape.Hidden, shape.Channels));
        (norm1, norm2, norm3) = (LayerNorm(shape.Channels), LayerNorm(shape.Channels), LayerNorm(shape.Channels));
        RegisterComponents();
    }

    /// <param name="x">[B, Q, C].</param>
    /// <param name="positions">[1, Q, C], of the queries.</param>
    /// <returns>[B, Q, C].</returns>
    public override Tensor forward(Tensor x, Tensor positions, Memory memory)
    {
        using var scope = NewDisposeScope();
        var placed = x + positions;
        x = norm1.call(x + Dropped(self_attn.call(placed, placed, x, null)));
        x = norm2.call(x + Dropped(multihead_attn.call(x + positions, memory.Keys, memory.Values, memory.Mask)));
        var hidden = Dropped(Rectifier.Of(linear1.call(x)));
        return scope.MoveToOuter(norm3.call(x + Dropped(linear2.call(hidden))));
    }

    private Tensor Dropped(Tensor x) => _dropout > 0 ? functional.dropout(x, _dropout, training) : x;
}
