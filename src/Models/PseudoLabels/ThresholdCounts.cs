using Tessera.Framework.Metrics;

namespace Tessera.Models.PseudoLabels;

/// <summary>
/// Counts of pixels for many background thresholds at once. A pixel is of its best class where that one's score is above the threshold,
/// otherwise background.
/// </summary>
/// <remarks>Holds counts, no maps, so that images may be as many as they are.</remarks>
public sealed class ThresholdCounts
{
    private readonly int _classes,
        _background;
    private readonly double[] _thresholds;

    // By the number of thresholds that a score is above, 0 to all.
    private readonly long[,] _best,
        _right;
    private readonly long[] _all,
        _trueBackground,
        _truth;

    /// <param name="classes">With the background.</param>
    /// <param name="background">Which of them it is.</param>
    /// <param name="thresholds">Rising, in [0, 1].</param>
    public ThresholdCounts(int classes, int background, IReadOnlyList<double> thresholds)
    {
        (_classes, _background, _thresholds) = (classes, background, [.. thresholds]);
        var steps = _thresholds.Length + 1;
        (_best, _right) = (new long[classes, steps], new long[classes, steps]);
        (_all, _trueBackground, _truth) = (new long[steps], new long[steps], new long[classes]);
    }

    /// <summary>Adds an image.</summary>
    /// <param name="truth">Class of each pixel; -1 is ignored.</param>
    /// <param name="best">The class of the highest score at each pixel, -1 where there is none.</param>
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
            if (truth[i] == _background)
                _trueBackground[above]++;
            if (above == 0)
                continue;
            _best[best[i], above]++;
            if (best[i] == truth[i])
                _right[best[i], above]++;
        }
    }

    /// <summary>What a threshold gives over all that was added.</summary>
    /// <param name="index">Of the threshold.</param>
    public IoUCounts At(int index)
    {
        var counts = new IoUCounts(_classes);
        _truth.CopyTo(counts.Truth, 0);
        for (var above = 0; above < _all.Length; above++)
        {
            if (above <= index)
            {
                counts.Predicted[_background] += _all[above];
                counts.Both[_background] += _trueBackground[above];
                continue;
            }
            for (var c = 0; c < _classes; c++)
            {
                counts.Predicted[c] += _best[c, above];
                counts.Both[c] += _right[c, above];
            }
        }
        return counts;
    }

    /// <summary>What one threshold gives for one image, which need not have been added.</summary>
    /// <param name="index">Of the threshold.</param>
    public IoUCounts Of(ReadOnlySpan<int> truth, ReadOnlySpan<int> best, ReadOnlySpan<float> scores, int index)
    {
        var counts = new IoUCounts(_classes);
        for (var i = 0; i < truth.Length; i++)
        {
            if (truth[i] < 0)
                continue;
            var label = best[i] >= 0 && scores[i] > _thresholds[index] ? best[i] : _background;
            counts.Truth[truth[i]]++;
            counts.Predicted[label]++;
            if (label == truth[i])
                counts.Both[label]++;
        }
        return counts;
    }

    /// <summary>Mean IoU at each threshold; NaN where nothing was added.</summary>
    public double[] Curve() => [.. Enumerable.Range(0, _thresholds.Length).Select(i => At(i).MeanIoU())];

    /// <summary>The first of the thresholds with the highest mean IoU, and that; NaN where nothing was added.</summary>
    /// <remarks>Over the whole range: scans that stop at the first fall end at a local optimum.</remarks>
    public (int Index, double MeanIoU) Optimum()
    {
        var (best, highest) = (0, double.NegativeInfinity);
        foreach (var (i, value) in Curve().Index())
            if (value > highest)
                (best, highest) = (i, value);
        return (best, double.IsNegativeInfinity(highest) ? double.NaN : highest);
    }

    // How many thresholds are below a score.
    private int Above(float score)
    {
        var (low, high) = (0, _thresholds.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (score > _thresholds[middle])
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
}
