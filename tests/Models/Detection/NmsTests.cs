using Tessera.Models.Detection.Suppression;

namespace Tessera.Tests.Models.Detection;

public sealed class NmsTests
{
    public static TheoryData<int, int, int> Cases()
    {
        var data = new TheoryData<int, int, int>();
        foreach (var count in new[] { 0, 1, 2, 7, 8, 9, 50, 333 })
            for (var seed = 0; seed < 6; seed++)
                data.Add(count, seed, seed % 3 == 0 ? 1 : 4);
        data.Add(2000, 1, 1);
        data.Add(4000, 2, 10);
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Nms_RandomBoxes_EqualsBruteForce(int count, int seed, int classes)
    {
        var candidates = Random(count, seed, classes);
        foreach (var threshold in count > 1000 ? [0.5] : new[] { 0, 0.3, 0.5, 1 })
        {
            var (kept, scores) = new Nms(new(threshold)).Apply(candidates);
            Assert.Equal(BruteForce(candidates, (float)threshold), kept);
            Assert.Equal(kept.Select(i => candidates.Scores[i]), scores);
        }
    }

    [Fact]
    public void Nms_OverlapAtTheThreshold_Stays()
    {
        // 10 x 10 and its left half: 50 / 100. Above the threshold only where it is lower.
        var pair = new Candidates([0, 0, 10, 10, 0, 0, 5, 10], [0.9f, 0.8f], [0, 0]);
        Assert.Equal([0, 1], new Nms(new(0.5)).Apply(pair).Kept);
        Assert.Equal([0], new Nms(new(0.499)).Apply(pair).Kept);
    }

    [Fact]
    public void Nms_EqualScores_TheFirstWins()
    {
        var same = new Candidates(
            [.. Enumerable.Repeat(new float[] { 0, 0, 4, 4 }, 20).SelectMany(box => box)],
            [.. Enumerable.Repeat(0.5f, 20)],
            new int[20]
        );
        Assert.Equal([0], new Nms(new()).Apply(same).Kept);
    }

    [Fact]
    public void Nms_OtherClass_NeverTouched()
    {
        var pair = new Candidates([0, 0, 10, 10, 0, 0, 10, 10], [0.9f, 0.8f], [0, 1]);
        Assert.Equal([0, 1], new Nms(new(0)).Apply(pair).Kept);
        Assert.Equal([0], new Nms(new(0)).Apply(pair, limit: 1).Kept);
    }

    [Fact]
    public void Nms_NoNumbers_DoNotCrash()
    {
        var bad = new Candidates([float.NaN, 0, 1, 1, 0, 0, float.PositiveInfinity, 1, 0, 0, 1, 1], [0.9f, 0.8f, float.NaN], [0, 0, 0]);
        Assert.Equal([0, 1], new Nms(new()).Apply(bad).Kept);
    }

    [Theory]
    [InlineData(SoftNmsMethod.Linear)]
    [InlineData(SoftNmsMethod.Gaussian)]
    public void SoftNms_RandomBoxes_EqualsBruteForce(SoftNmsMethod method)
    {
        for (var seed = 0; seed < 10; seed++)
        {
            var candidates = Random(60, seed, 3);
            var options = new SoftNmsOptions(0.3, method, 0.5, 0.05);
            var (kept, scores) = new SoftNms(options).Apply(candidates);
            var wanted = SoftBruteForce(candidates, options);
            Assert.Equal(wanted.Select(pair => pair.Index), kept);
            Assert.All(wanted.Zip(scores), pair => Assert.Equal(pair.First.Score, pair.Second, 1e-6));
        }
    }

    [Fact]
    public void SoftNms_HalfCovered_LosesHalfItsScore()
    {
        var pair = new Candidates([0, 0, 10, 10, 0, 0, 5, 10], [0.9f, 0.8f], [0, 0]);
        Assert.Equal([0.9f, 0.8f * 0.5f], new SoftNms(new()).Apply(pair).Scores);
        Assert.Equal(0.8f * MathF.Exp(-0.25f / 0.5f), new SoftNms(new(Method: SoftNmsMethod.Gaussian)).Apply(pair).Scores[1], 1e-6f);
    }

    /// <summary>Boxes on a coarse grid, so that ties, equal boxes and boxes without area are many.</summary>
    private static Candidates Random(int count, int seed, int classes)
    {
        var random = new Random(seed);
        var corners = new float[count * 4];
        for (var i = 0; i < count; i++)
        {
            var (x, y) = (random.Next(count > 1000 ? 200 : 20), random.Next(20));
            (corners[i * 4], corners[i * 4 + 1], corners[i * 4 + 2], corners[i * 4 + 3]) = (x, y, x + random.Next(12), y + random.Next(12));
        }
        return new Candidates(
            corners,
            [.. Enumerable.Range(0, count).Select(_ => random.Next(12) / 12f)],
            [.. Enumerable.Range(0, count).Select(_ => random.Next(classes))]
        );
    }

    private static float Iou(Candidates c, int a, int b)
    {
        float At(int i, int side) => c.Corners[i * 4 + side];
        var shared =
            MathF.Max(0, MathF.Min(At(a, 2), At(b, 2)) - MathF.Max(At(a, 0), At(b, 0)))
            * MathF.Max(0, MathF.Min(At(a, 3), At(b, 3)) - MathF.Max(At(a, 1), At(b, 1)));
        var areas = (At(a, 2) - At(a, 0)) * (At(a, 3) - At(a, 1)) + (At(b, 2) - At(b, 0)) * (At(b, 3) - At(b, 1));
        return shared / (areas - shared); // no number for two boxes without area
    }

    private static List<int> BruteForce(Candidates c, float threshold)
    {
        var kept = new List<int>();
        foreach (var i in Enumerable.Range(0, c.Count).OrderByDescending(i => c.Scores[i]))
            if (!kept.Any(better => c.Labels[better] == c.Labels[i] && Iou(c, better, i) > threshold))
                kept.Add(i);
        return kept;
    }

    private static List<(int Index, double Score)> SoftBruteForce(Candidates c, SoftNmsOptions options)
    {
        var scores = c.Scores.Select(score => (double)score).ToArray();
        var left = Enumerable.Range(0, c.Count).ToList();
        var kept = new List<(int Index, double Score)>();
        while (left.Count > 0)
        {
            var best = left.MaxBy(i => scores[i]);
            left.Remove(best);
            if (scores[best] < options.MinScore)
                continue;
            kept.Add((best, scores[best]));
            foreach (var i in left.Where(i => c.Labels[i] == c.Labels[best]))
            {
                var iou = Iou(c, best, i) is var ratio && float.IsNaN(ratio) ? 0 : ratio;
                scores[i] *=
                    options.Method == SoftNmsMethod.Gaussian ? Math.Exp(-iou * iou / options.Sigma)
                    : iou >= (float)options.IouThreshold ? 1 - iou
                    : 1;
            }
        }
        return [.. kept.OrderByDescending(pair => (float)pair.Score).ThenBy(pair => pair.Index)];
    }
}
