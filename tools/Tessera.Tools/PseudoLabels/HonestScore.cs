using Tessera.Framework.Metrics;
using Tessera.Models.PseudoLabels;

namespace Tessera.Tools.PseudoLabels;

/// <summary>Score maps under a threshold that was not chosen on the images it is scored on.</summary>
/// <param name="Curve">Mean IoU at each threshold over all images.</param>
/// <param name="Thresholds">The best of the first half, the best of the second.</param>
/// <param name="First">Mean IoU of the first half under the second's threshold; NaN where a half is empty.</param>
/// <param name="Second">Mean IoU of the second half under the first's.</param>
/// <param name="PeekingHalves">The mean of what each half has under its own best threshold: never below <see cref="Honest"/>.</param>
/// <param name="Peeking">The highest of the curve: chosen on what it is scored on.</param>
/// <param name="PeekingThreshold">Where that is.</param>
/// <param name="Images">Counts of each image under the other half's threshold, with its half.</param>
internal sealed record HonestScore(
    IReadOnlyList<double> Curve,
    (double First, double Second) Thresholds,
    double First,
    double Second,
    double PeekingHalves,
    double Peeking,
    double PeekingThreshold,
    IReadOnlyList<(bool IsSecond, IoUCounts Counts)> Images
)
{
    /// <summary>The mean of the two halves.</summary>
    public double Honest => (First + Second) / 2;

    /// <summary>Of each class: all images, each under the other half's threshold.</summary>
    public IoUCounts Total(int classes)
    {
        var total = new IoUCounts(classes);
        foreach (var (_, counts) in Images)
            total.Add(counts);
        return total;
    }

    /// <summary>2.5 and 97.5 percentile of <see cref="Honest"/> over images drawn anew, the thresholds as they are.</summary>
    public (double Low, double High) Interval(int classes, int repetitions) =>
        Bootstrap.Intervals(
            Images.Count,
            repetitions,
            0,
            1,
            (drawn, values) =>
            {
                var (first, second) = (new IoUCounts(classes), new IoUCounts(classes));
                foreach (var i in drawn)
                    (Images[i].IsSecond ? second : first).Add(Images[i].Counts);
                values[0] = (first.MeanIoU() + second.MeanIoU()) / 2;
            }
        )[0];
}

/// <summary>Finds it in two passes over the images: thresholds 0, 0.01 … 1, then each image under the other half's. Holds counts, no
/// maps.</summary>
internal sealed class HonestScoring(int classes, int background)
{
    // As float32, so that a score of 0.1 is not above the threshold of 0.1.
    private static readonly double[] s_thresholds = [.. Enumerable.Range(0, 101).Select(i => (double)(i / 100f))];

    private readonly ThresholdCounts _first = new(classes, background, s_thresholds),
        _second = new(classes, background, s_thresholds),
        _all = new(classes, background, s_thresholds);
    private readonly List<(bool, IoUCounts)> _images = [];
    private (int First, int Second)? _chosen;

    /// <summary>First pass; as <see cref="ThresholdCounts.Add"/>.</summary>
    public void See(bool isSecond, int[] truth, int[] best, float[] scores)
    {
        (isSecond ? _second : _first).Add(truth, best, scores);
        _all.Add(truth, best, scores);
    }

    /// <summary>Second pass: the same images.</summary>
    public void Score(bool isSecond, int[] truth, int[] best, float[] scores)
    {
        _chosen ??= (_first.Optimum().Index, _second.Optimum().Index);
        var index = isSecond ? _chosen.Value.First : _chosen.Value.Second;
        _images.Add((isSecond, _all.Of(truth, best, scores, index)));
    }

    public HonestScore Result()
    {
        var ((first, own), (second, others)) = (_first.Optimum(), _second.Optimum());
        var (peekingAt, peeking) = _all.Optimum();
        return new HonestScore(
            _all.Curve(),
            (Threshold(first), Threshold(second)),
            double.IsNaN(others) ? double.NaN : _first.At(second).MeanIoU(),
            double.IsNaN(own) ? double.NaN : _second.At(first).MeanIoU(),
            (own + others) / 2,
            peeking,
            Threshold(peekingAt),
            _images
        );
    }

    /// <summary>The threshold of a place of <see cref="HonestScore.Curve"/>.</summary>
    public static double Threshold(int index) => index / 100.0;
}
