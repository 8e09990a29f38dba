using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.Transformers;

/// <summary>Binary cross entropy of every class, whose target is the IoU of a matched query's box, and which weighs as much; elsewhere it
/// weighs alpha · p^gamma, which passes no gradient.</summary>
/// <remarks>
/// Zhang et al., "VarifocalNet", 2020, arXiv:2008.13367, as RT-DETR has it (arXiv:2304.08069, section 4.3): scores then tell how well an
/// object is placed, too, and the best-scored cells are those that the decoder does well to begin with.
/// </remarks>
/// <param name="Alpha">Weight of what is to be 0.</param>
/// <param name="Gamma">How much less of it counts that is low already.</param>
internal readonly record struct QualityLoss(double Alpha, double Gamma)
{
    /// <param name="logits">[B, Q, C].</param>
    /// <param name="boxes">[B, Q, 4], centre and sides, relative.</param>
    /// <param name="count">Over which the sum is averaged.</param>
    /// <returns>A scalar.</returns>
    public Tensor Of(Tensor logits, Tensor boxes, QueryPairs pairs, double count)
    {
        using var scope = NewDisposeScope();
        logits = logits.to(ScalarType.Float32);
        var sum = Absent(logits).sum();
        if (pairs.Rows.Length > 0)
        {
            var labels = tensor(Array.ConvertAll(pairs.Labels, label => (long)label), device: logits.device).unsqueeze(1);
            var of = pairs.Select(logits).gather(1, labels).squeeze(1); // [P]
            var quality = RelativeBoxes
                .Pairs(pairs.Select(boxes.detach().to(ScalarType.Float32)), pairs.TruthBoxes(logits.device))
                .Iou.detach();
            sum = sum + (((functional.softplus(of) - (quality * of)) * quality) - Absent(of)).sum();
        }
        return scope.MoveToOuter(sum / count);
    }

    private Tensor Absent(Tensor logits) => functional.softplus(logits) * (logits.detach().sigmoid().pow(Gamma) * Alpha);
}
