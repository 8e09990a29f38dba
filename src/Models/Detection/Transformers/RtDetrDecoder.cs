using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.Transformers;

/// <summary>The heads that each decoder layer's answer goes to.</summary>
/// <param name="Positions">Boxes to what is added to queries.</param>
internal sealed record QueryHeads(TokenMlp Positions, IReadOnlyList<Linear> Scores, IReadOnlyList<TokenMlp> Boxes);

/// <summary>Layers one after another, each of which moves the boxes that the one before it gave.</summary>
/// <remarks>Zhao et al., "DETRs Beat YOLOs on Real-time Object Detection", 2023, arXiv:2304.08069; boxes pass a gradient to one layer
/// before, as in DINO, arXiv:2203.03605.</remarks>
internal sealed class RtDetrDecoder : nn.Module
{
    private readonly ModuleList<DeformableLayer> layers = new();

    public RtDetrDecoder(TransformerShape shape, int depth, int levels, int points)
        : base(nameof(RtDetrDecoder))
    {
        for (var i = 0; i < depth; i++)
            layers.Add(new DeformableLayer(shape, levels, points));
        RegisterComponents();
    }

    /// <param name="queries">[B, Q, C].</param>
    /// <param name="boxes">[B, Q, 4], before the sigmoid, without gradient.</param>
    /// <param name="mask">As <see cref="QueryAttention"/> takes it.</param>
    /// <param name="all">Whether every layer's answer is wanted, or the last alone.</param>
    public QueryAnswers Run(Tensor queries, Tensor boxes, Pyramid pyramid, QueryHeads heads, Tensor? mask, bool all)
    {
        using var scope = NewDisposeScope();
        var (scores, found) = (new List<Tensor>(), new List<Tensor>());
        var fixedBoxes = boxes.sigmoid();
        Tensor? before = null;
        for (var i = 0; i < layers.Count; i++)
        {
            queries = layers[i].call(queries, heads.Positions.call(fixedBoxes), fixedBoxes, pyramid, mask);
            var change = heads.Boxes[i].call(queries);
            var moved = (change + RelativeBoxes.InverseSigmoid(fixedBoxes)).sigmoid();
            if (all || i == layers.Count - 1)
            {
                scores.Add(heads.Scores[i].call(queries));
                found.Add(before is null || !all ? moved : (change + RelativeBoxes.InverseSigmoid(before)).sigmoid());
            }
            (before, fixedBoxes) = (moved, moved.detach());
        }
        var answers = new QueryAnswers(stack(scores), stack(found));
        scope.MoveToOuter(answers.Logits, answers.Boxes);
        return answers;
    }
}

/// <summary>Attention among queries, then to places of the maps, then two linear layers; a norm after each residual sum.</summary>
internal sealed class DeformableLayer : Module<Tensor, Tensor, Tensor, Pyramid, Tensor?, Tensor>
{
    private const double Largest = 65504; // of 16-bit floats

    private readonly QueryAttention self_attn;
    private readonly LayerNorm norm1;
    private readonly DeformableAttention cross_attn;
    private readonly LayerNorm norm2;
    private readonly Linear linear1;
    private readonly Linear linear2;
    private readonly LayerNorm norm3;
    private readonly double _dropout;

    public DeformableLayer(TransformerShape shape, int levels, int points)
        : base(nameof(DeformableLayer))
    {
        _dropout = shape.Dropout;
        self_attn = new QueryAttention(shape.Channels, shape.Heads, shape.Dropout);
        cross_attn = new DeformableAttention(shape.Channels, shape.Heads, levels, points);
        (linear1, linear2) = (Linear(shape.Channels, shape.Hidden), Linear(shape.Hidden, shape.Channels));
        (norm1, norm2, norm3) = (LayerNorm(shape.Channels), LayerNorm(shape.Channels), LayerNorm(shape.Channels));
        RegisterComponents();
    }

    /// <param name="x">[B, Q, C].</param>
    /// <param name="positions">[B, Q, C], of the queries.</param>
    /// <param name="boxes">[B, Q, 4], of the queries.</param>
    /// <returns>[B, Q, C].</returns>
    public override Tensor forward(Tensor x, Tensor positions, Tensor boxes, Pyramid pyramid, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        var placed = x + positions;
        x = norm1.call(x + Dropped(self_attn.call(placed, placed, x, mask)));
        x = norm2.call(x + Dropped(cross_attn.call(x + positions, boxes, pyramid)));
        var hidden = Dropped(Rectifier.Of(linear1.call(x)));
        x = x + Dropped(linear2.call(hidden));
        return scope.MoveToOuter(norm3.call(x.clamp(-Largest, Largest)));
    }

    private Tensor Dropped(Tensor x) => _dropout > 0 ? functional.dropout(x, _dropout, training) : x;
}
