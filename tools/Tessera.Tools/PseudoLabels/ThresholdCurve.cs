using Tessera.Framework.Metrics;

namespace Tessera.Tools.PseudoLabels;

/// <summary>
/// Counts of pixels for every background threshold 0, 0.01 … 1 at once. A pixel is of its best class where that one's score is above the
/// threshold, otherwise background.
/// </summary>
internal sealed class ThresholdCurve(int classes, int background)
{
    private static readonly float[] s_thresholds = [.. Enumerable.Range(0, 101).Select(i => i / 100f)];

    // By the number of thresholds that a score is above, 0 to 101.
    private readonly long[,] _best = new long[classes, 102],
        _right = new long[classes, 102];
    private readonly long[] _all = new long[102],
        _trueBackground = new long[102],
        _truth = new long[classes];

    /// <summary>How many thresholds there are.</summary>
    public static int Count => s_thresholds.Length;

    /// <summary>Of an index.</summary>
    public static double Threshold(int index) => index / 100.0;

    /// <param name="truth">Class of each pixel; -1 is ignored.</param>
    /// <param name="best">The class of the highest score at each pixel, -1 where no class is allowed.</param>
    /// <param name="scores">Its score, in [0, 1].</param>
    public void Add(ReadOnlySpan<int> truth, ReadOnlySpan<int> best, ReadOnlySpan<float> scores)
    {
        for (var i = 0; i < truth.Length; i++)
        {
            if (truth[i] < 0)
                continue;
            var above = best[i] < 0 ? 0 : Above(scores[i]);
            _truth[truth[i]]++;
            _all[above]++;
            if (truth[i] == background)
                _trueBackground[above]++;
            if (above == 0)
                continue;
            _best[best[i], above]++;
            if (best[i] == truth[i])
                _right[best[i], above]++;
        }
    }

    /// <summary>What a threshold gives over all that was added.</summary>
    public IoUCounts At(int index)
    {
        var counts = new IoUCounts(classes);
        _truth.CopyTo(counts.Truth, 0);
        for (var above = 0; above < 102; above++)
        {
            if (above <= index)
            {
                counts.Predicted[background] += _all[above];
                counts.Both[background] += _trueBackground[above];
                continue;
            }
            for (var c = 0; c < classes; c++)
            {
                counts.Predicted[c] += _best[c, above];
                counts.Both[c] += _right[c, above];
            }
        }
        return counts;
    }

    /// <summary>What one threshold gives for one image.</summary>
    public static IoUCounts Of(
        ReadOnlySpan<int> truth,
        ReadOnlySpan<int> best,
        ReadOnlySpan<float> scores,
        int index,
        int classes,
        int background
    )
    {
        var counts = new IoUCounts(classes);
        for (var i = 0; i < truth.Length; i++)
        {
            if (truth[i] < 0)
                continue;
            var label = best[i] >= 0 && scores[i] > s_thresholds[index] ? best[i] : background;
            counts.Truth[truth[i]]++;
            counts.Predicted[label]++;
            if (label == truth[i])
                counts.Both[label]++;
        }
        return counts;
    }

    /// <summary>The first of the thresholds with the highest mean IoU, and that.</summary>
    public (int Index, double MeanIoU) Optimum()
    {
        var (best, highest) = (0, double.NegativeInfinity);
        for (var i = 0; i < Count; i++)
            if (At(i).MeanIoU() is var value && value > highest)
                (best, highest) = (i, value);
        return (best, double.IsNegativeInfinity(highest) ? double.NaN : highest);
    }

    private static int Above(float score)
    {
        var guess = Math.Clamp((int)(score * 100), 0, 100);
        while (guess < 101 && score > s_thresholds[guess])
            guess++;
        while (guess > 0 && !(score > s_thresholds[guess - 1]))
            guess--;
        return guess;
    }
}
