using Tessera.Framework.Data;
using Tessera.Framework.Metrics;
using Tessera.Models.PseudoLabels;
using Tessera.Tools.PseudoLabels;

namespace Tessera.Tests.Tools.PseudoLabels;

public sealed class HonestScoreTests
{
    [Fact]
    public void Every_threshold_is_what_labels_of_their_own_give()
    {
        var random = new RandomSource(4);
        const int classes = 4,
            background = 1;
        for (var n = 0; n < 20; n++)
        {
            var curve = new ThresholdCounts(classes, background, [.. Enumerable.Range(0, 101).Select(i => (double)(i / 100f))]);
            var (truth, best, scores) = Image(random, 50, classes, background);
            curve.Add(truth, best, scores);
            for (var i = 0; i <= 100; i++)
            {
                var expected = Brute(truth, best, scores, i / 100f, classes, background);
                foreach (var counts in new[] { curve.At(i), curve.Of(truth, best, scores, i) })
                {
                    Assert.Equal(expected.Both, counts.Both);
                    Assert.Equal(expected.Truth, counts.Truth);
                    Assert.Equal(expected.Predicted, counts.Predicted);
                }
            }
        }
    }

    [Fact]
    public void A_threshold_is_never_scored_on_the_half_it_was_chosen_on()
    {
        // First half: right above 0.2 (objects 0.25, background 0.15). Second: right above 0.7 (objects 0.75, background 0.65).
        // Class 1 on pixels 0 and 1, background on 2 and 3. Best of the first: 0.15; under it the second's pixels are all class 1:
        // IoU of the background 0, of class 1 2/4. Best of the second: 0.65; under it the first's are all background: 2/4 and 0.
        var scoring = new HonestScoring(2, 0);
        int[] truth = [1, 1, 0, 0],
            best = [1, 1, 1, 1];
        float[] low = [0.25f, 0.25f, 0.15f, 0.15f],
            high = [0.75f, 0.75f, 0.65f, 0.65f];
        scoring.See(false, truth, best, low);
        scoring.See(true, truth, best, high);
        scoring.Score(false, truth, best, low);
        scoring.Score(true, truth, best, high);
        var score = scoring.Result();
        Assert.Equal((0.15, 0.65), score.Thresholds);
        Assert.Equal(0.25, score.First, 1e-12);
        Assert.Equal(0.25, score.Second, 1e-12);
        Assert.Equal(0.25, score.Honest, 1e-12);
        Assert.Equal(1, score.PeekingHalves, 1e-12);
        // One threshold for all, 0.15: first half right, second all class 1: class 1 4/6, background 2/4.
        Assert.Equal(((4.0 / 6) + 0.5) / 2, score.Peeking, 1e-12);
        Assert.Equal(0.15, score.PeekingThreshold);
        Assert.Equal(101, score.Curve.Count);
        Assert.Equal(score.Peeking, score.Curve.Max(), 1e-12);
    }

    [Fact]
    public void Honest_is_never_above_peeking()
    {
        var random = new RandomSource(8);
        for (var n = 0; n < 30; n++)
        {
            var scoring = new HonestScoring(3, 0);
            var images = Enumerable.Range(0, 6).Select(_ => Image(random, 30, 3, 0)).ToArray();
            for (var i = 0; i < images.Length; i++)
                scoring.See(i % 2 == 1, images[i].Truth, images[i].Best, images[i].Scores);
            for (var i = 0; i < images.Length; i++)
                scoring.Score(i % 2 == 1, images[i].Truth, images[i].Best, images[i].Scores);
            var score = scoring.Result();
            Assert.True(score.Honest <= score.PeekingHalves + 1e-12);
            Assert.All(score.Curve, value => Assert.True(value <= score.Peeking));
            var (low, high) = score.Interval(3, 200);
            Assert.True(low <= high);
            // What the halves have is what their images' counts give.
            foreach (var second in new[] { false, true })
            {
                var total = new IoUCounts(3);
                foreach (var image in score.Images.Where(image => image.IsSecond == second))
                    total.Add(image.Counts);
                Assert.Equal(second ? score.Second : score.First, total.MeanIoU(), 1e-12);
            }
        }
    }

    [Fact]
    public void Without_a_second_half_there_is_no_honest_number()
    {
        var scoring = new HonestScoring(2, 0);
        scoring.See(false, [1, 0], [1, 1], [0.9f, 0.1f]);
        scoring.Score(false, [1, 0], [1, 1], [0.9f, 0.1f]);
        var score = scoring.Result();
        Assert.True(double.IsNaN(score.Honest));
        Assert.Equal(1, score.Peeking);
    }

    private static (int[] Truth, int[] Best, float[] Scores) Image(RandomSource random, int pixels, int classes, int background)
    {
        var foreground = Enumerable.Range(-1, classes + 1).Where(c => c != background).ToArray();
        return (
            [.. Enumerable.Range(0, pixels).Select(_ => random.Next(-1, classes))],
            [.. Enumerable.Range(0, pixels).Select(_ => foreground[random.Next(foreground.Length)])],
            // some exactly on a threshold
            [.. Enumerable.Range(0, pixels).Select(i => i % 3 == 0 ? random.Next(101) / 100f : (float)random.NextDouble())]
        );
    }

    private static IoUCounts Brute(int[] truth, int[] best, float[] scores, float threshold, int classes, int background)
    {
        var counts = new IoUCounts(classes);
        var labels = best.Select((label, i) => label >= 0 && scores[i] > threshold ? label : background).ToArray();
        for (var c = 0; c < classes; c++)
        {
            counts.Truth[c] = truth.Count(label => label == c);
            counts.Predicted[c] = labels.Where((label, i) => truth[i] >= 0 && label == c).Count();
            counts.Both[c] = labels.Where((label, i) => truth[i] == c && label == c).Count();
        }
        return counts;
    }
}
