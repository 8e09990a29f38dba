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

    private readonly long[] _pixels = new long[(classes + 1) * (classes + 1) * (Steps + 1)]; // [truth, best class, thresholds below]
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
        for (var i = 0; i < score.Length; i++)
        {
            var label = truth.Bytes[i];
            if (label <= classes) // no class: ignored
                _pixels[At(label, best[i], Below(score[i]))]++;
        }
    }

    /// <summary>The best threshold: by truth where any image has some, otherwise by the scores alone.</summary>
    public FoundThreshold Find() => WithTruth > 0 ? ByTruth() : ByScores();

    private FoundThreshold ByTruth()
    {
        var curve = Enumerable.Range(0, Steps).Select(step => ((double)step / Steps, MeanIoU(step))).ToArray();
        var best = curve.MaxBy(point => point.Item2); // of equal ones the lowest threshold
        return new FoundThreshold(best.Item1, "mIoU", best.Item2, curve);
    }

    // Pixels with more than `step` thresholds below their score are of their best class.
    private double MeanIoU(int step)
    {
        var (both, truths, predicted) = (new long[classes + 1], new long[classes + 1], new long[classes + 1]);
        for (var truth = 0; truth <= classes; truth++)
        for (var best = 0; best <= classes; best++)
        for (var below = 0; below <= Steps; below++)
        {
            var count = _pixels[At(truth, best, below)];
            var label = below > step ? best : 0;
            truths[truth] += count;
            predicted[label] += count;
            if (label == truth)
                both[truth] += count;
        }
        var there = Enumerable.Range(0, classes + 1).Where(label => truths[label] + predicted[label] > 0).ToArray();
        return there.Length == 0 ? 0 : there.Average(label => (double)both[label] / (truths[label] + predicted[label] - both[label]));
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

    private int At(int truth, int best, int below) => (((truth * (classes + 1)) + best) * (Steps + 1)) + below;

    /// <summary>How many of the thresholds are below a score.</summary>
    private static int Below(float score)
    {
        var count = Math.Clamp((int)Math.Ceiling(score * (double)Steps), 0, Steps);
        while (count > 0 && !(score > (count - 1.0) / Steps))
            count--;
        while (count < Steps && score > (double)count / Steps)
            count++;
        return count;
    }
}
