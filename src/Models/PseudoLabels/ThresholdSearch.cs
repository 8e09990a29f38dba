using Tessera.Framework.Data;

namespace Tessera.Models.PseudoLabels;

/// <summary>A threshold, and what speaks for it.</summary>
/// <param name="Value">The threshold.</param>
/// <param name="Criterion">"mIoU" or "Otsu".</param>
/// <param name="Reached">The criterion's value there.</param>
/// <param name="Curve">mIoU at each threshold tried; empty for Otsu.</param>
public sealed record FoundThreshold(double Value, string Criterion, double Reached, IReadOnlyList<(double Threshold, double Value)> Curve);

/// <summary>Gathers the scores of images and chooses the threshold between background and classes.</summary>
/// <param name="classes">How many there are, without the background.</param>
/// <remarks>
/// With truth: the threshold of 0, 0.01 … 0.99 whose labels have the greatest mIoU (classes and background; a class that is neither there
/// nor predicted is left out), over the whole range: scans that stop at the first fall end at a local optimum. Without: Otsu's, which
/// parts the pixels' best scores into two groups of least variance (N. Otsu, 1979).
/// </remarks>
public sealed class ThresholdSearch(int classes)
{
    /// <summary>How many thresholds are tried.</summary>
    public const int Steps = 100;

    private readonly ThresholdCounts _counts = new(classes + 1, 0, [.. Enumerable.Range(0, Steps).Select(step => (double)step / Steps)]);
    private readonly long[] _scores = new long[256];

    /// <summary>Images with truth.</summary>
    public int WithTruth { get; private set; }

    /// <summary>Adds an image that has labels.</summary>
    /// <param name="score">[H * W], each pixel's best score.</param>
    /// <param name="best">[H * W], the class that it is of, from 1; 0 where there is none.</param>
    /// <param name="truth">[H * W], 0 the background, 255 ignored; null where it is unknown.</param>
    /// <exception cref="UserErrorException">The truth is of another size.</exception>
    public void Add(ReadOnlySpan<float> score, ReadOnlySpan<byte> best, Image? truth = null)
    {
        foreach (var value in score)
            _scores[Math.Clamp((int)(value * 256), 0, 255)]++;
        if (truth is null)
            return;
        if (truth.Type != PixelType.UInt8 || truth.Bytes.Length != score.Length)
            throw PseudoLabelErrors.OtherTruth(truth, score.Length);
        WithTruth++;
        var (labels, found) = (new int[score.Length], new int[score.Length]);
        for (var i = 0; i < score.Length; i++)
        {
            labels[i] = truth.Bytes[i] <= classes ? truth.Bytes[i] : -1; // no class: ignored
            found[i] = best[i] > 0 ? best[i] : -1;
        }
        _counts.Add(labels, found, score);
    }

    /// <summary>The best threshold: by truth where any image has some, otherwise by the scores alone.</summary>
    public FoundThreshold Find() => WithTruth > 0 ? ByTruth() : ByScores();

    private FoundThreshold ByTruth()
    {
        var curve = _counts.Curve().Select((value, step) => ((double)step / Steps, double.IsNaN(value) ? 0 : value)).ToArray();
        var best = curve.MaxBy(point => point.Item2); // of equal ones the lowest threshold
        return new FoundThreshold(best.Item1, "mIoU", best.Item2, curve);
    }

    private FoundThreshold ByScores()
    {
        var (all, total) = ((double)_scores.Sum(), _scores.Select((count, bin) => (double)count * bin).Sum());
        var (best, reached) = (0, 0.0);
        double below = 0,
            belowTotal = 0;
        for (var bin = 0; bin < _scores.Length - 1 && all > 0; bin++)
        {
            below += _scores[bin];
            belowTotal += (double)_scores[bin] * bin;
            if (below == 0 || below == all)
                continue;
            var apart = (belowTotal / below) - ((total - belowTotal) / (all - below));
            var between = below / all * (1 - (below / all)) * apart * apart / (255.0 * 255.0);
            if (between > reached)
                (best, reached) = (bin + 1, between);
        }
        return new FoundThreshold(best / 256.0, "Otsu", reached, []);
    }
}
