using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Coders;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.Heads;

/// <summary>The candidates of <see cref="CandidateSelection"/> by operators on tensors alone, as many for every image: for files that other
/// runtimes read.</summary>
internal static class CandidateTensors
{
    /// <param name="logits">For each map [B, A · C, H, W].</param>
    /// <param name="codes">For each map [B, A · 4, H, W].</param>
    /// <param name="factors">For each map [B, A, H, W], further logits; null: none.</param>
    /// <returns>Boxes [B, N, 4], scores [B, N], 0 where a guess is not a candidate, and labels [B, N]; of a map the best first.</returns>
    public static (Tensor Boxes, Tensor Scores, Tensor Labels) Select(
        AnchorGrid grid,
        IReadOnlyList<Tensor> logits,
        IReadOnlyList<Tensor> codes,
        IReadOnlyList<Tensor>? factors,
        CandidateScore score,
        BoxCoder coder,
        CandidateLimits limits
    )
    {
        using var scope = NewDisposeScope();
        var found = logits.Select((map, i) => Best(grid, grid.Levels[i], map, codes[i], factors?[i], score, coder, limits)).ToArray();
        var boxes = cat([.. found.Select(level => level.Boxes)], 1);
        var scores = cat([.. found.Select(level => level.Scores)], 1);
        var labels = cat([.. found.Select(level => level.Labels)], 1);
        scope.MoveToOuter(boxes, scores, labels);
        return (boxes, scores, labels);
    }

    private static (Tensor Boxes, Tensor Scores, Tensor Labels) Best(
        AnchorGrid grid,
        AnchorLevel level,
        Tensor logits,
        Tensor codes,
        Tensor? factors,
        CandidateScore score,
        BoxCoder coder,
        CandidateLimits limits
    )
    {
        var (images, classes) = (logits.shape[0], logits.shape[1] / level.PerCell);
        // [B, cells · A, n]
        Tensor Rows(Tensor map) =>
            map.to(ScalarType.Float32).flatten(2).unflatten(1, [level.PerCell, -1]).permute(0, 3, 1, 2).flatten(1, 2);
        var probabilities = Rows(logits).sigmoid(); // [B, cells · A, C]
        var joined = factors is null ? probabilities : score.Of(probabilities, Rows(factors).sigmoid());
        var rank = (score.ByClass ? probabilities : joined).flatten(1); // [B, cells · A · C]
        var count = (int)Math.Min(limits.NmsPre, level.Count * classes);
        var (values, places) = rank.topk(count, 1);
        var anchors = places.div(classes, RoundingMode.floor); // [B, n]
        var kept = score.ByClass && factors is not null ? joined.flatten(1).gather(1, places) : values;
        var scores = where(values.gt(limits.ScoreThr), kept, zeros_like(kept));
        var code = Rows(codes).gather(1, anchors.unsqueeze(2).expand(-1, -1, 4)); // [B, n, 4]
        var frames = AnchorsOf(grid, level).index_select(0, anchors.flatten()); // [B · n, 4]
        var boxes = coder.Decode(frames, code.flatten(0, 1)).unflatten(0, [images, count]);
        return (boxes, scores, places.remainder(classes));
    }

    private static Tensor AnchorsOf(AnchorGrid grid, AnchorLevel level)
    {
        var corners = new float[level.Count * 4];
        for (var i = 0; i < level.Count; i++)
            grid.Boxes.CopyTo(level.Start + i, corners.AsSpan(i * 4, 4));
        return tensor(corners).view(-1, 4);
    }
}
