using Microsoft.Extensions.DependencyInjection;
using Tessera.Models.Detection.Heads;
using Tessera.Torch;
using static Tessera.Tests.Models.Detection.DetectorScenes;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection;

public sealed class CandidateSelectionTests
{
    [Fact]
    public void Best_ManyCandidates_AreTheSortedFirst()
    {
        var random = new Random(4);
        foreach (var (shapes, classes, cells) in new[] { (1, 1, 3), (3, 7, 101), (9, 40, 260) })
        {
            // Few different values: ties everywhere.
            var logits = Enumerable.Range(0, shapes * classes * cells).Select(_ => random.Next(40) / 5f - 4).ToArray();
            var factors = Enumerable.Range(0, shapes * cells).Select(_ => random.Next(10) / 5f - 1).ToArray();
            foreach (var factored in new[] { false, true })
            {
                foreach (
                    var limits in new[] { new CandidateLimits(0.05f, 50), new CandidateLimits(0.6f, 1000), new CandidateLimits(0, 5000) }
                )
                {
                    static float Sigmoid(float x) => 1 / (1 + MathF.Exp(-x));
                    var wanted = (
                        from shape in Enumerable.Range(0, shapes)
                        from label in Enumerable.Range(0, classes)
                        from cell in Enumerable.Range(0, cells)
                        let p = Sigmoid(logits[(shape * classes + label) * cells + cell])
                        let score = factored ? MathF.Sqrt(p * Sigmoid(factors[shape * cells + cell])) : p
                        where score > limits.ScoreThr
                        orderby score descending, (cell * shapes + shape) * classes + label
                        select (score, (cell * shapes + shape) * classes + label)
                    ).Take(limits.NmsPre);
                    Assert.Equal(
                        wanted,
                        CandidateSelection.Best(
                            logits,
                            factored ? factors : [],
                            shapes,
                            classes,
                            cells,
                            new CandidateScore(CenternessScore.Root, ByClass: false),
                            limits
                        )
                    );
                }
            }
        }
    }

    /// <summary>
    /// Two places, one class, threshold 0.05, one candidate. The first: class 0.9, centreness 0.01; the second: class 0.6,
    /// centreness 0.9. By the class the first is taken, though its score is 0.009; by the score the second, 0.54.
    /// </summary>
    [Fact]
    public void Best_ByClass_LeavesTheCentrenessToTheEnd()
    {
        static float Logit(double p) => (float)Math.Log(p / (1 - p));
        float[] logits = [Logit(0.9), Logit(0.6)],
            factors = [Logit(0.01), Logit(0.9)];
        (float Score, int Index) One(bool byClass) =>
            Assert.Single(
                CandidateSelection.Best(
                    logits,
                    factors,
                    1,
                    1,
                    2,
                    new CandidateScore(CenternessScore.Product, byClass),
                    new CandidateLimits(0.05f, 1)
                )
            );
        Assert.Equal(0, One(byClass: true).Index);
        Assert.Equal(0.009f, One(byClass: true).Score, 1e-6f);
        Assert.Equal(1, One(byClass: false).Index);
        Assert.Equal(0.54f, One(byClass: false).Score, 1e-6f);
        // Both fit in: the best score comes first.
        var both = CandidateSelection.Best(
            logits,
            factors,
            1,
            1,
            2,
            new CandidateScore(CenternessScore.Product, true),
            new CandidateLimits(0.05f, 2)
        );
        Assert.Equal([1, 0], both.Select(candidate => candidate.Index));
    }

    /// <summary>What a device chooses is what the host would choose; here on the CPU's own operators.</summary>
    [Fact]
    public void DeviceCandidates_AreTheHosts()
    {
        var random = new Random(5);
        foreach (var (images, shapes, classes, height, width) in new[] { (1, 1, 1, 1, 3), (2, 3, 4, 7, 9), (3, 1, 5, 8, 8) })
        foreach (var factored in new[] { false, true })
        foreach (
            var score in new[]
            {
                CandidateScore.Alone,
                new CandidateScore(CenternessScore.Root, false),
                new CandidateScore(CenternessScore.Product, true),
            }
        )
        foreach (var limits in new[] { new CandidateLimits(0.05f, 10), new CandidateLimits(0.6f, 1000), new CandidateLimits(0.999f, 5) })
        {
            using var scope = NewDisposeScope();
            // Few different values: ties everywhere.
            Tensor Map(int channels) =>
                tensor(Enumerable.Range(0, images * channels * height * width).Select(_ => random.Next(40) / 5f - 4).ToArray())
                    .view(images, channels, height, width);
            var (logits, codes, factors) = (Map(shapes * classes), Map(shapes * 4), factored ? Map(shapes) : null);
            var found = DeviceCandidates.Best(logits, codes, factors, shapes, score, limits);
            for (var image = 0; image < images; image++)
            {
                var wanted = CandidateSelection.Best(
                    logits[image].contiguous().Values<float>(),
                    factors is null ? [] : factors[image].contiguous().Values<float>(),
                    shapes,
                    classes,
                    height * width,
                    score,
                    limits
                );
                Assert.Equal(wanted.Select(candidate => candidate.Index), found[image].Select(candidate => candidate.Index));
                Assert.All(wanted.Zip(found[image]), pair => Assert.Equal(pair.First.Score, pair.Second.Score, 1e-6f));
                foreach (var (_, index, code) in found[image])
                {
                    var (cell, shape) = Math.DivRem(index / classes, shapes);
                    Assert.Equal(
                        Enumerable.Range(0, 4).Select(side => codes[image, (shape * 4) + side, cell / width, cell % width].item<float>()),
                        code
                    );
                }
            }
        }
    }
}
