using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Models.PseudoLabels;

namespace Tessera.Tests.Models.PseudoLabels;

/// <summary>Scores to labels, by hand.</summary>
public sealed class LabelMapsTests
{
    // Two classes, 4 and 9, over six pixels:
    //   class 4   0.10 0.50 0.90 0.30 0.45 0.71
    //   class 9   0.20 0.40 0.90 0.70 0.45 0.10
    private static readonly float[] s_scores = [0.1f, 0.5f, 0.9f, 0.3f, 0.45f, 0.71f, 0.2f, 0.4f, 0.9f, 0.7f, 0.45f, 0.1f];
    private static readonly int[] s_classes = [4, 9];

    [Fact]
    public void OneThreshold_TakesTheGreatestOfClassesAndBackground()
    {
        // Greatest: 0.2, 0.5 of 4, 0.9 of both (the first wins), 0.7 of 9, 0.45 of both, 0.71 of 4. Above 0.5 counts; 0.5 itself doesn't.
        var labels = LabelMaps.Of(s_scores, s_classes, BackgroundRule.Fixed(0.5), 2, 3);
        Assert.Equal((2, 3, 1), (labels.Height, labels.Width, labels.Channels));
        Assert.Equal([0, 0, 5, 10, 0, 5], labels.Bytes);
    }

    [Fact]
    public void TwoThresholds_IgnoreWhatLiesBetween()
    {
        // Up to 0.25 background; above 0.7 the class: 0.2 → 0, 0.5 → ignored, 0.9 → 5, float 0.7 < 0.7 → ignored, 0.45 → ignored, 0.71 → 5.
        var labels = LabelMaps.Of(s_scores, s_classes, new BackgroundRule(0.25, 0.7), 2, 3);
        Assert.Equal([0, 255, 5, 255, 255, 5], labels.Bytes);
    }

    [Fact]
    public void NoClass_IsAllBackground() => Assert.Equal(new byte[6], LabelMaps.Of([], [], BackgroundRule.Fixed(0), 2, 3).Bytes);

    [Fact]
    public void TwoThresholdsThatAgree_AreOne()
    {
        var random = new Random(3);
        var scores = Enumerable.Range(0, 3 * 40).Select(_ => random.NextSingle()).ToArray();
        Assert.Equal(
            LabelMaps.Of(scores, [0, 1, 2], BackgroundRule.Fixed(0.6), 5, 8).Bytes,
            LabelMaps.Of(scores, [0, 1, 2], new BackgroundRule(0.6, 0.6), 5, 8).Bytes
        );
    }

    [Fact]
    public void Class254_DoesNotFit()
    {
        Assert.Equal(254, LabelMaps.Of([1], [253], BackgroundRule.Fixed(0.5), 1, 1).Bytes[0]);
        var fault = Assert.Throws<UserErrorException>(() => LabelMaps.Of([1], [254], BackgroundRule.Fixed(0.5), 1, 1));
        Assert.Contains("at most 254 classes", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Search_FindsTheThresholdThatTryingAllFinds()
    {
        var random = new Random(5);
        var (search, images) = (new ThresholdSearch(3), new List<(float[] Score, byte[] Label, byte[] Truth)>());
        for (var n = 0; n < 6; n++)
        {
            var truth = new Image(6, 7, 1);
            var (score, label) = (new float[42], new byte[42]);
            for (var i = 0; i < 42; i++)
            {
                truth.Bytes[i] = random.Next(12) == 0 ? (byte)255 : (byte)random.Next(3); // class 3 never is there
                label[i] = (byte)(random.Next(4) == 0 ? 1 + random.Next(2) : Math.Max(truth.Bytes[i] % 3, 1));
                score[i] = Math.Clamp((truth.Bytes[i] is 0 or 255 ? 0.3f : 0.6f) + ((random.NextSingle() - 0.5f) * 0.7f), 0, 1);
                if (i < 5)
                    score[i] = i / 4f; // 0 and 1 themselves, and thresholds
            }
            search.Add(score, label, truth);
            images.Add((score, label, truth.Bytes));
        }
        var found = search.Find();
        Assert.Equal(("mIoU", 100), (found.Criterion, found.Curve.Count));
        foreach (var (threshold, value) in found.Curve)
            Assert.Equal(MeanIoU(threshold), value, 12);
        Assert.Equal(found.Curve.Max(point => point.Value), found.Reached);
        Assert.Equal(found.Reached, MeanIoU(found.Value), 12);
        Assert.InRange(found.Value, 0.2, 0.7);

        double MeanIoU(double threshold)
        {
            var values = new List<double>();
            foreach (var c in (byte[])[0, 1, 2, 3])
            {
                var (both, any) = (0, 0);
                foreach (var (score, label, truth) in images)
                    for (var i = 0; i < 42; i++)
                    {
                        if (truth[i] == 255)
                            continue;
                        var predicted = score[i] > threshold ? label[i] : (byte)0;
                        both += predicted == c && truth[i] == c ? 1 : 0;
                        any += predicted == c || truth[i] == c ? 1 : 0;
                    }
                if (any > 0)
                    values.Add((double)both / any);
            }
            return values.Average();
        }
    }

    [Fact]
    public void Search_WithoutTruth_PartsTwoHeaps()
    {
        // 0.1 … 0.2 and 0.8 … 0.9: the first threshold that parts them lies just above 0.2.
        var search = new ThresholdSearch(1);
        var scores = Enumerable.Range(0, 100).Select(i => (i % 2 == 0 ? 0.1f : 0.8f) + (i / 1000f)).ToArray();
        search.Add(scores, Enumerable.Repeat((byte)1, 100).ToArray());
        var found = search.Find();
        Assert.Equal("Otsu", found.Criterion);
        Assert.Empty(found.Curve);
        Assert.InRange(found.Value, 0.19, 0.81);
        Assert.Equal(50, scores.Count(score => score > found.Value));
    }

    [Fact]
    public void Search_WithoutAnyPixel_IsZero() => Assert.Equal(0, new ThresholdSearch(2).Find().Value);
}
