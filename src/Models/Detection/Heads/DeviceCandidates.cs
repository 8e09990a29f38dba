using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.Heads;

/// <summary>The best guesses of a map that lies on a device: chosen there, so that only they come to the host.</summary>
internal static class DeviceCandidates
{
    /// <param name="logits">[B, A · C, H, W].</param>
    /// <param name="codes">[B, A · 4, H, W].</param>
    /// <param name="factors">[B, A, H, W], further logits; null: none.</param>
    /// <param name="shapes">A.</param>
    /// <returns>For each image: score, index in the order (cell, shape, class), and the box's four numbers; best first, as
    /// <see cref="CandidateSelection.Best"/>.</returns>
    public static IReadOnlyList<(float Score, int Index, float[] Code)>[] Best(
        Tensor logits,
        Tensor codes,
        Tensor? factors,
        int shapes,
        CandidateScore score,
        CandidateLimits limits
    )
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var images = logits.shape[0];
        var classes = logits.shape[1] / shapes;
        // [B, cells · A, n]
        Tensor Rows(Tensor map) => map.to(ScalarType.Float32).flatten(2).unflatten(1, [shapes, -1]).permute(0, 3, 1, 2).flatten(1, 2);
        var probabilities = Rows(logits).sigmoid(); // [B, cells · A, C]
        var joined = factors is null ? probabilities : score.Of(probabilities, Rows(factors).sigmoid());
        var rank = (score.ByClass ? probabilities : joined).flatten(1); // [B, cells · A · C]
        var count = (int)Math.Min(limits.NmsPre, rank.shape[1]);
        // All that reach the last of the best: which of equal ones are taken, their indices decide.
        var last = rank.topk(count, 1).values.narrow(1, count - 1, 1);
        var places = rank.gt(limits.ScoreThr).logical_and_(rank.ge(last)).nonzero(); // [M, 2], image and index
        var (image, index) = (places.select(1, 0), places.select(1, 1));
        var code = Rows(codes).index(image, index.div(classes, RoundingMode.floor)); // [M, 4]
        var values = stack([rank.index(image, index), joined.flatten(1).index(image, index)], 1); // [M, 2]
        return Sorted(
            (int)images,
            count,
            places.cpu().contiguous().Values<long>(),
            values.cpu().contiguous().Values<float>(),
            code.cpu().contiguous().Values<float>()
        );
    }

    private static IReadOnlyList<(float Score, int Index, float[] Code)>[] Sorted(
        int images,
        int count,
        long[] places,
        float[] values,
        float[] codes
    )
    {
        var byImage = Enumerable.Range(0, images).Select(_ => new List<(float Rank, float Score, int Index, float[] Code)>()).ToArray();
        for (var i = 0; i < places.Length / 2; i++)
            byImage[places[2 * i]].Add((values[2 * i], values[(2 * i) + 1], (int)places[(2 * i) + 1], codes[(4 * i)..((4 * i) + 4)]));
        return
        [
            .. byImage.Select(found =>
                (IReadOnlyList<(float, int, float[])>)
                    [
                        .. found
                            .OrderByDescending(candidate => candidate.Rank)
                            .ThenBy(candidate => candidate.Index)
                            .Take(count)
                            .OrderByDescending(candidate => candidate.Score)
                            .ThenBy(candidate => candidate.Index)
                            .Select(candidate => (candidate.Score, candidate.Index, candidate.Code)),
                    ]
            ),
        ];
    }
}
