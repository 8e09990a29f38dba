using Tessera.Framework.Errors;
using Tessera.Models.Losses.Detection;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Losses.Detection;

/// <summary>Losses whose targets lie between 0 and 1, and that of distributions.</summary>
public sealed class QualityLossTests
{
    private static readonly double _two = Math.Log(2);

    [Fact]
    public void QualityFocal_ByHand()
    {
        var loss = new QualityFocalLoss(new());
        // Logit 0: probability ½, cross entropy log 2 whatever the target; 0.3 off.
        Assert.Equal(0.09 * _two, Value(loss.Present(One(0), One(0.8f))), 1e-6);
        Assert.Equal(0.25 * _two, Value(loss.Absent(One(0))), 1e-6);
        // Logit log 3: probability ¾; the cross entropy is -¼ log ¾ - ¾ log ¼ at ¼, which is ½ off.
        var third = One((float)Math.Log(3));
        Assert.Equal(0.25 * (-0.25 * Math.Log(0.75) - 0.75 * Math.Log(0.25)), Value(loss.Present(third, One(0.25f))), 1e-6);
        Assert.Equal(0.5625 * -Math.Log(0.25), Value(loss.Absent(third)), 1e-6);
        Assert.Equal(0.0625 * -Math.Log(0.75), Value(loss.Present(third)), 1e-6);
        Assert.Equal(0.3 * _two, Value(new QualityFocalLoss(new(1)).Present(One(0), One(0.8f))), 1e-6);
        Assert.Equal(_two, Value(new QualityFocalLoss(new(0)).Present(One(0), One(0.8f))), 1e-6);
    }

    [Fact]
    public void Varifocal_ByHand()
    {
        var loss = new VarifocalLoss(new());
        Assert.Equal(0.8 * _two, Value(loss.Present(One(0), One(0.8f))), 1e-6);
        Assert.Equal(_two, Value(new VarifocalLoss(new(IouWeighted: false)).Present(One(0), One(0.8f))), 1e-6);
        Assert.Equal(0.75 * 0.25 * _two, Value(loss.Absent(One(0))), 1e-6);
        Assert.Equal(0.75 * 0.25 * _two, Value(loss.Present(One(0), One(0))), 1e-6); // nothing overlaps: as if it weren't there
        Assert.Equal(0.5 * 0.5 * _two, Value(new VarifocalLoss(new(0.5, 1)).Absent(One(0))), 1e-6);
        Assert.Equal(0.5 * _two, Value(new VarifocalLoss(new(0.5, 0)).Absent(One(0))), 1e-6);
        Assert.Equal(-Math.Log(0.75), Value(loss.Present(One((float)Math.Log(3)))), 1e-6);
    }

    [Fact]
    public void CrossEntropy_SoftTarget_ByHand()
    {
        var third = One((float)Math.Log(3));
        Assert.Equal(-0.2 * Math.Log(0.75) - 0.8 * Math.Log(0.25), Value(new DenseCrossEntropyLoss().Present(third, One(0.2f))), 1e-6);
    }

    [Fact]
    public void DistributionFocal_ByHand()
    {
        // Shares 1/8, 2/8, 5/8; 1.25 is three quarters 1 and a quarter 2. The second row counts double.
        var logits = tensor(
            new float[,]
            {
                { 0, (float)_two, (float)Math.Log(5) },
                { 0, 0, 0 },
            }
        );
        var loss = new DistributionFocalLoss();
        var first = (0.75 * -Math.Log(2 / 8.0)) + (0.25 * -Math.Log(5 / 8.0));
        var sum = loss.Sum(logits, tensor(new[] { 1.25f, 0f }), tensor(new[] { 1f, 2f }));
        Assert.Equal(first + (2 * Math.Log(3)), Value(sum), 1e-6);
        Assert.Equal(
            0.25 * (first + Math.Log(3)),
            Value(new DistributionFocalLoss { Weight = 0.25 }.Sum(logits, tensor(new[] { 1.25f, 0f }))),
            1e-6
        );
    }

    [Fact]
    public void DistributionFocal_NoNumbers_IsZero()
    {
        using var scope = NewDisposeScope();
        var none = zeros(0, 4).requires_grad_();
        var value = new DistributionFocalLoss().Sum(none, zeros(0));
        Assert.Equal(0, value.item<float>());
        value.backward();
    }

    public static TheoryData<string> Losses() =>
        [
            """{ "type": "QualityFocalLoss" }""",
            """{ "type": "QualityFocalLoss", "beta": 1.5 }""",
            """{ "type": "VarifocalLoss" }""",
            """{ "type": "VarifocalLoss", "gamma": 0.5, "iou_weighted": false }""",
            """{ "type": "CrossEntropyLoss" }""",
        ];

    [Theory]
    [MemberData(nameof(Losses))]
    public void Gradients_AreTheDifferences(string config)
    {
        var loss = Build.From<ClassLoss>(config);
        Assert.True(loss.TakesQuality);
        double[] logits = [-6, -1.3, 0.4, 2, 5];
        var quality = tensor(new[] { 0.0, 0.2, 0.9, 0.5, 1.0 });
        foreach (var value in new Func<Tensor, Tensor>[] { loss.Absent, loss.Present, x => loss.Present(x, quality) })
            AssertGradient(logits, value);
    }

    [Fact]
    public void DistributionFocal_Gradient_IsTheDifference() =>
        AssertGradient(
            [0.3, -1, 2, 0.7, 1, -0.2, 0, 0.4],
            logits => new DistributionFocalLoss().Sum(logits.view(2, 4), tensor(new[] { 0.3, 2.9 }), tensor(new[] { 1.0, 0.4 }))
        );

    [Theory]
    [MemberData(nameof(Losses))]
    public void LargeLogits_AreFinite(string config)
    {
        var loss = Build.From<ClassLoss>(config);
        using var scope = NewDisposeScope();
        var logits = tensor(new float[] { -200, -40, 0, 40, 200 }).requires_grad_();
        var quality = tensor(new[] { 0f, 1, 0.5f, 0, 0.3f });
        (loss.Absent(logits) + loss.Present(logits) + loss.Present(logits, quality)).sum().backward();
        Assert.True(logits.grad!.isfinite().all().item<bool>());
    }

    [Fact]
    public void Focal_WithQuality_IsTheUsersMistake()
    {
        var error = Assert.Throws<UserErrorException>(() => new DenseFocalLoss(new()).Present(One(0), One(0.5f)));
        Assert.Equal(
            "DenseFocalLoss has no target between 0 and 1 (ClassLoss.Present): it can't teach a score how good a box is.",
            error.Message
        );
    }

    private static void AssertGradient(double[] at, Func<Tensor, Tensor> loss)
    {
        const double step = 1e-6;
        using var scope = NewDisposeScope();
        var logits = tensor(at).requires_grad_();
        loss(logits).sum().backward();
        var found = logits.grad!.Values<double>();
        for (var i = 0; i < at.Length; i++)
        {
            double Moved(double by) => loss(tensor([.. at.Select((x, j) => j == i ? x + by : x)])).sum().item<double>();
            Assert.Equal((Moved(step) - Moved(-step)) / (2 * step), found[i], 1e-6);
        }
    }

    private static Tensor One(float value) => tensor(new[] { value });

    private static double Value(Tensor loss) => loss.item<float>();
}
