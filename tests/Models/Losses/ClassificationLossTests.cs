using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Losses;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Losses;

/// <summary>Losses against arithmetic in doubles, straight from their definitions.</summary>
public sealed class ClassificationLossTests
{
    private static readonly double[,] _logits =
    {
        { 2.0, -1.0, 0.5 },
        { 0.1, 0.2, -0.3 },
        { -2.0, 3.0, 1.0 },
        { 0.0, 0.0, 4.0 },
    };
    private static readonly long[] _labels = [0, 2, 1, 2];

    [Fact]
    public void CrossEntropy_TwoEqualLogits_IsLog2() =>
        // softmax(0, 0) = (1/2, 1/2); -log(1/2) = 0.693147…
        Assert.Equal(
            Math.Log(2),
            Value(
                new CrossEntropyLoss(new()),
                tensor(
                    new float[,]
                    {
                        { 0, 0 },
                    }
                ),
                new LossTargets(tensor(new long[] { 1 }))
            ),
            6
        );

    [Fact]
    public void CrossEntropy_HardLabels_IsMeanOfMinusLog() =>
        Assert.Equal(Rows().Average(row => -Math.Log(row.P[row.Label])), Value(new CrossEntropyLoss(new()), Logits(), Hard()), 5);

    [Fact]
    public void CrossEntropy_ClassWeights_AverageOverTheWeightsOfLabels()
    {
        double[] weight = [1, 2, 0.5];
        var expected = Rows().Sum(row => weight[row.Label] * -Math.Log(row.P[row.Label])) / Rows().Sum(row => weight[row.Label]);
        Assert.Equal(expected, Value(new CrossEntropyLoss(new(weight)), Logits(), Hard()), 5);
    }

    [Fact]
    public void CrossEntropy_LabelSmoothing_EqualsSoftLabels()
    {
        // Smoothing 0.3 over 3 classes: the truth has 0.7 + 0.1, the others 0.1.
        var smoothed = Rows().Average(row => -Enumerable.Range(0, 3).Sum(c => (c == row.Label ? 0.8 : 0.1) * Math.Log(row.P[c])));
        Assert.Equal(smoothed, Value(new CrossEntropyLoss(new(LabelSmoothing: 0.3)), Logits(), Hard()), 5);
        Assert.Equal(smoothed, Value(new CrossEntropyLoss(new()), Logits(), Soft(0.7, 0.1)), 5);
    }

    [Fact]
    public void CrossEntropy_Maps_LeavesOut255AndSurvivesNothing()
    {
        var maps = Logits().t().reshape(1, 3, 2, 2); // pixel i has row i's logits
        var labels = tensor(new long[] { 0, 255, 1, 255 }).reshape(1, 2, 2);
        var expected = Rows().Where(row => row.Index is 0 or 2).Average(row => -Math.Log(row.P[row.Label]));
        Assert.Equal(expected, Value(new CrossEntropyLoss(new()), maps, new LossTargets(labels)), 5);
        Assert.Equal(0, Value(new CrossEntropyLoss(new()), maps, new LossTargets(full_like(labels, 255))));
        Assert.Equal(expected, Value(new FocalLoss(new(Gamma: 0)), maps, new LossTargets(labels)), 5);
    }

    [Fact]
    public void BinaryCrossEntropy_PosWeightAndClassWeight_MatchDefinition()
    {
        double[] weight = [1, 2, 3],
            positive = [4, 1, 0.5];
        var expected = Cells()
            .Average(c => weight[c.Class] * -((positive[c.Class] * c.Y * Math.Log(c.Sigmoid)) + ((1 - c.Y) * Math.Log(1 - c.Sigmoid))));
        Assert.Equal(expected, Value(new BinaryCrossEntropyLoss(new(weight, positive)), Logits(), Soft(1, 0)), 5);
        Assert.Equal(expected, Value(new BinaryCrossEntropyLoss(new(weight, positive)), Logits(), Hard()), 5);
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(2)]
    public void Focal_Softmax_MatchesDefinition(double gamma)
    {
        double[] weight = [1, 2, 0.5];
        var expected =
            Rows().Sum(row => weight[row.Label] * Math.Pow(1 - row.P[row.Label], gamma) * -Math.Log(row.P[row.Label]))
            / Rows().Sum(row => weight[row.Label]);
        Assert.Equal(expected, Value(new FocalLoss(new(gamma, ClassWeight: weight)), Logits(), Hard()), 5);
        var even = Rows()
            .Average(row =>
                -Enumerable.Range(0, 3).Sum(c => (c == row.Label ? 0.8 : 0.1) * Math.Pow(1 - row.P[c], gamma) * Math.Log(row.P[c]))
            );
        Assert.Equal(even, Value(new FocalLoss(new(gamma)), Logits(), Soft(0.7, 0.1)), 5);
    }

    [Fact]
    public void Focal_Sigmoid_MatchesDefinition()
    {
        // gamma 2, alpha 0.25
        var expected = Cells()
            .Average(c =>
                c.Y == 1
                    ? 0.25 * Math.Pow(1 - c.Sigmoid, 2) * -Math.Log(c.Sigmoid)
                    : 0.75 * Math.Pow(c.Sigmoid, 2) * -Math.Log(1 - c.Sigmoid)
            );
        Assert.Equal(expected, Value(new FocalLoss(new(2, UseSigmoid: true, Alpha: 0.25)), Logits(), Hard()), 5);
    }

    [Fact]
    public void Focal_GammaZero_IsCrossEntropy()
    {
        Assert.Equal(Value(new CrossEntropyLoss(new()), Logits(), Hard()), Value(new FocalLoss(new(0)), Logits(), Hard()), 5);
        Assert.Equal(
            Value(new BinaryCrossEntropyLoss(new()), Logits(), Hard()),
            Value(new FocalLoss(new(0, UseSigmoid: true)), Logits(), Hard()),
            5
        );
    }

    [Fact]
    public void Focal_CertainTruth_HasFiniteGradient()
    {
        using var scope = NewDisposeScope();
        var logits = tensor(
                new float[,]
                {
                    { 200, -200 },
                    { -200, 200 },
                }
            )
            .requires_grad_();
        new FocalLoss(new(0.5)).Compute(logits, new LossTargets(tensor(new long[] { 0, 0 })), default).backward();
        Assert.True(logits.grad!.isfinite().all().item<bool>());
    }

    [Fact]
    public void Asymmetric_MatchesDefinition()
    {
        // Positives: (1-p)^1 log p. Negatives: pm^4 log(1-pm), pm = max(p - 0.05, 0).
        var expected = Cells()
            .Average(c =>
            {
                var shifted = Math.Max(c.Sigmoid - 0.05, 0);
                return -((c.Y * (1 - c.Sigmoid) * Math.Log(c.Sigmoid)) + ((1 - c.Y) * Math.Pow(shifted, 4) * Math.Log(1 - shifted)));
            });
        Assert.Equal(expected, Value(new AsymmetricLoss(new(GammaNeg: 4, GammaPos: 1, Clip: 0.05)), Logits(), Hard()), 5);
    }

    [Fact]
    public void Asymmetric_NoFocusNoClip_IsBinaryCrossEntropy() =>
        Assert.Equal(
            Value(new BinaryCrossEntropyLoss(new()), Logits(), Hard()),
            Value(new AsymmetricLoss(new(0, 0, 0)), Logits(), Hard()),
            5
        );

    [Fact]
    public void ClassWeight_OfAnotherLength_IsTheUsersMistake()
    {
        var mistake = Assert.Throws<UserErrorException>(() => Value(new CrossEntropyLoss(new(new double[] { 1, 2 })), Logits(), Hard()));
        Assert.Equal("CrossEntropyLoss: class_weight has 2 values, but there are 3 outputs.", mistake.Message);
    }

    [Fact]
    public void CrossEntropy_WithoutLabels_IsTheUsersMistake() =>
        Assert.Contains(
            "needs class labels",
            Assert.Throws<UserErrorException>(() => Value(new CrossEntropyLoss(new()), Logits(), new LossTargets())).Message,
            StringComparison.Ordinal
        );

    private static double Value(Loss loss, Tensor logits, LossTargets targets)
    {
        using var scope = NewDisposeScope();
        return loss.Compute(logits, targets, default).item<float>();
    }

    private static Tensor Logits() => tensor(_logits, dtype: ScalarType.Float32);

    private static LossTargets Hard() => new(tensor(_labels));

    // one-hot * own + rest
    private static LossTargets Soft(double own, double rest) =>
        new(SoftLabels: nn.functional.one_hot(tensor(_labels), 3).to(ScalarType.Float32) * own + rest);

    private static IEnumerable<(int Index, int Label, double[] P)> Rows() =>
        Enumerable
            .Range(0, 4)
            .Select(i =>
            {
                var exp = Enumerable.Range(0, 3).Select(c => Math.Exp(_logits[i, c])).ToArray();
                return (i, (int)_labels[i], exp.Select(e => e / exp.Sum()).ToArray());
            });

    private static IEnumerable<(int Class, double Y, double Sigmoid)> Cells() =>
        from i in Enumerable.Range(0, 4)
        from c in Enumerable.Range(0, 3)
        select (c, _labels[i] == c ? 1.0 : 0.0, 1 / (1 + Math.Exp(-_logits[i, c])));
}
