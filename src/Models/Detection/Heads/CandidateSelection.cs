using System.Numerics;
using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Coders;
using Tessera.Models.Detection.Suppression;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.Heads;

/// <summary>How a guess is scored by the probabilities of its class and, where there is one, of a factor.</summary>
/// <param name="Join">What the two give.</param>
/// <param name="ByClass">Threshold and count go by the class alone.</param>
internal readonly record struct CandidateScore(CenternessScore Join, bool ByClass)
{
    /// <summary>The class alone.</summary>
    public static CandidateScore Alone { get; } = new(CenternessScore.Product, true);

    public float Of(float score, float factor) => Join == CenternessScore.Product ? score * factor : MathF.Sqrt(score * factor);

    public Tensor Of(Tensor score, Tensor factor) => Join == CenternessScore.Product ? score * factor : (score * factor).sqrt();
}

/// <summary>Picks the best-scored guesses of every map, and decodes their boxes alone.</summary>
internal static class CandidateSelection
{
    /// <param name="logits">For each map [B, A · C, H, W].</param>
    /// <param name="codes">For each map [B, A · 4, H, W], as the coder reads them.</param>
    /// <param name="factors">For each map [B, A, H, W], further logits; null: none.</param>
    /// <returns>For each image; of a map's candidates the best first, of equal ones in the order (row, column, shape, class).</returns>
    public static IReadOnlyList<Candidates> Select(
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
        var images = Enumerable.Range(0, (int)logits[0].shape[0]).Select(_ => new ImageCandidates(grid)).ToArray();
        for (var i = 0; i < logits.Count; i++)
        {
            if (logits[i].device_type == DeviceType.CPU)
                AddBest(images, grid.Levels[i], logits[i], codes[i], factors?[i], score, limits);
            else
                AddBestOfDevice(images, grid.Levels[i], logits[i], codes[i], factors?[i], score, limits);
        }
        return Array.ConvertAll(images, image => image.Decode(coder));
    }

    private static void AddBestOfDevice(
        ImageCandidates[] images,
        AnchorLevel level,
        Tensor logits,
        Tensor codes,
        Tensor? factors,
        CandidateScore score,
        CandidateLimits limits
    )
    {
        var classes = (int)logits.shape[1] / level.PerCell;
        foreach (var (image, picked) in DeviceCandidates.Best(logits, codes, factors, level.PerCell, score, limits).Index())
        foreach (var (value, index, code) in picked)
            images[image].Add(level.Start + (index / classes), index % classes, value, code);
    }

    private static void AddBest(
        ImageCandidates[] images,
        AnchorLevel level,
        Tensor logits,
        Tensor codes,
        Tensor? factors,
        CandidateScore score,
        CandidateLimits limits
    )
    {
        var (cells, classes) = (level.Height * level.Width, (int)logits.shape[1] / level.PerCell);
        var (classValues, codeValues) = (Flat(logits), Flat(codes));
        var factorValues = factors is null ? null : Flat(factors);
        Span<float> code = stackalloc float[4];
        for (var image = 0; image < images.Length; image++)
        {
            var picked = Best(
                classValues.AsSpan(image * level.Count * classes, level.Count * classes),
                factorValues.AsSpan(factorValues is null ? 0 : image * level.Count, factorValues is null ? 0 : level.Count),
                level.PerCell,
                classes,
                cells,
                score,
                limits
            );
            foreach (var (value, index) in picked)
            {
                var (anchor, label) = Math.DivRem(index, classes);
                var (cell, shape) = Math.DivRem(anchor, level.PerCell);
                for (var side = 0; side < 4; side++)
                    code[side] = codeValues[((image * level.PerCell + shape) * 4 + side) * cells + cell];
                images[image].Add(level.Start + anchor, label, value, code);
            }
        }
    }

    /// <summary>The best of one map and image, at most <see cref="CandidateLimits.NmsPre"/>.</summary>
    /// <param name="logits">[A, C, cells].</param>
    /// <param name="factors">[A, cells], or empty.</param>
    /// <returns>Score, and index in the order (cell, shape, class); best first.</returns>
    internal static List<(float Score, int Index)> Best(
        ReadOnlySpan<float> logits,
        ReadOnlySpan<float> factors,
        int shapes,
        int classes,
        int cells,
        CandidateScore score,
        CandidateLimits limits
    )
    {
        if (!score.ByClass || factors.IsEmpty)
            return Ranked(logits, factors, shapes, classes, cells, score, limits);
        var best = Ranked(logits, [], shapes, classes, cells, score, limits);
        for (var i = 0; i < best.Count; i++)
        {
            var (cell, shape) = Math.DivRem(best[i].Index / classes, shapes);
            best[i] = (score.Of(best[i].Score, Sigmoid(factors[shape * cells + cell])), best[i].Index);
        }
        Cut(best, best.Count);
        return best;
    }

    private static List<(float Score, int Index)> Ranked(
        ReadOnlySpan<float> logits,
        ReadOnlySpan<float> factors,
        int shapes,
        int classes,
        int cells,
        CandidateScore by,
        CandidateLimits limits
    )
    {
        var best = new List<(float Score, int Index)>();
        var most = Math.Max(4096, 4L * limits.NmsPre);
        var least = limits.ScoreThr;
        // No factor raises a score above the root of the class's probability.
        var floor = LogitOf(factors.IsEmpty ? least : least * least);
        for (var row = 0; row < shapes * classes; row++)
        {
            var (shape, label) = Math.DivRem(row, classes);
            var values = logits.Slice(row * cells, cells);
            for (var cell = 0; cell < cells; cell++)
            {
                if (
                    cell <= cells - Vector<float>.Count
                    && !Vector.GreaterThanAny(new Vector<float>(values[cell..]), new Vector<float>(floor))
                )
                {
                    cell += Vector<float>.Count - 1;
                    continue;
                }
                if (!(values[cell] > floor))
                    continue;
                var score = factors.IsEmpty ? Sigmoid(values[cell]) : by.Of(Sigmoid(values[cell]), Sigmoid(factors[shape * cells + cell]));
                if (!(score > least))
                    continue;
                best.Add((score, (cell * shapes + shape) * classes + label));
                if (best.Count < most)
                    continue;
                Cut(best, limits.NmsPre);
                // What scores less than the last of a full list is not among the best. What scores the same may be: its index decides.
                least = MathF.Max(least, MathF.BitDecrement(best[^1].Score));
                floor = MathF.Max(floor, LogitOf(factors.IsEmpty ? least : least * least));
            }
        }
        Cut(best, limits.NmsPre);
        return best;
    }

    private static void Cut(List<(float Score, int Index)> best, int count)
    {
        best.Sort(static (a, b) => a.Score != b.Score ? b.Score.CompareTo(a.Score) : a.Index.CompareTo(b.Index));
        if (best.Count > count)
            best.RemoveRange(count, best.Count - count);
    }

    /// <summary>A logit a little below the one whose probability it is: a quick first test, before the exact one.</summary>
    private static float LogitOf(float probability) =>
        probability <= 0 ? float.NegativeInfinity
        : probability >= 1 ? 15 // the largest float32 below 1 has logit 16.6
        : (float)Math.Log(probability / (1.0 - probability)) - 1e-3f;

    private static float Sigmoid(float logit) => 1 / (1 + MathF.Exp(-logit));

    private static float[] Flat(Tensor map)
    {
        using var scope = NewDisposeScope();
        return map.detach().to(ScalarType.Float32).cpu().contiguous().Values<float>();
    }
}
