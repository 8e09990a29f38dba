using Tessera.Framework.Data;
using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Losses;

/// <summary>Losses that don't fit the data, probabilities where logits belong, and losses that stand still.</summary>
public sealed class SupervisionTests
{
    private static readonly DataInfo s_several = new(["a", "b", "c"], DataTask.MultiLabel);

    [Theory]
    [InlineData("""{ "type": "CrossEntropyLoss" }""", true)]
    [InlineData("""{ "type": "FocalLoss" }""", true)]
    [InlineData("""{ "type": "FocalLoss", "use_sigmoid": true }""", false)]
    [InlineData("""{ "type": "BinaryCrossEntropyLoss" }""", false)]
    [InlineData("""{ "type": "AsymmetricLoss" }""", false)]
    public void Mismatches_OfMultiLabelData_NameTheSoftmax(string loss, bool named)
    {
        using var model = Classifier(loss, s_several);
        var texts = Supervision.Mismatches(model, s_several).ToArray();
        Assert.Equal(named ? 1 : 0, texts.Length);
        Assert.All(texts, text => Assert.StartsWith("head.loss_loss (", text, StringComparison.Ordinal));
        Assert.Empty(Supervision.Mismatches(model, s_several with { Task = DataTask.Classification }));
    }

    [Theory]
    [InlineData("BinaryCrossEntropyLoss")]
    [InlineData("CrossEntropyLoss")]
    public void Probabilities_InPlaceOfLogits_AreNoticed(string type)
    {
        using var scope = NewDisposeScope();
        var logits = Formula.Values("images", 6, 20);
        var truth = new LossTargets(SoftLabels: nn.functional.one_hot(arange(6), 20).to(ScalarType.Float32));
        foreach (var (given, noticed) in new[] { (logits, false), (logits.sigmoid(), false), (logits.softmax(1), true) })
        {
            using var loss = Build.From<Loss>($$"""{ "type": "{{type}}" }""");
            _ = loss.Compute(given, truth, default);
            Assert.Equal(noticed, loss.Suspicion is not null);
            _ = loss.Compute(logits.softmax(1), truth, default); // looked at the first time alone
            Assert.Equal(noticed, loss.Suspicion is not null);
            if (noticed)
                Assert.Contains(type[0] == 'B' ? "below 0.674 so" : "below 2.078 so", loss.Suspicion, StringComparison.Ordinal);
        }
    }

    /// <summary>
    /// The plateau by arithmetic: with all probability on the true class, its term is ln(1 + 1/e) = 0.31326 and each of the 19 others
    /// ln 2 = 0.69315; (0.31326 + 13.16980) / 20 = 0.67415.
    /// </summary>
    [Fact]
    public void BinaryCrossEntropy_BehindASoftmax_IsAtItsLeastWhereTheTruthHasAll()
    {
        using var loss = Build.From<Loss>("""{ "type": "BinaryCrossEntropyLoss" }""");
        using var scope = NewDisposeScope();
        var hot = nn.functional.one_hot(arange(20), 20).to(ScalarType.Float32);
        var at = loss.Compute(hot, new LossTargets(SoftLabels: hot), default).item<float>();
        Assert.Equal(0.67415, at, 4);
        Assert.Equal(at, loss.Standstills(20).Last().Value, 4);
        Assert.Equal(Math.Log(2), loss.Compute(zeros(4, 20), new LossTargets(SoftLabels: hot[..4]), default).item<float>(), 5);
        Assert.Equal(Math.Log(2), loss.Standstills(20).First().Value, 12);
    }

    /// <summary>Twenty images of twenty classes, learned by heart through a softmax: the loss comes to its bound and is named there.</summary>
    [Fact]
    public void Training_BehindASoftmax_IsNamedAtItsBound()
    {
        manual_seed(0);
        using var model = Classifier("""{ "type": "BinaryCrossEntropyLoss" }""", Build.Classes(20));
        var loss = (Loss)model.named_modules().Single(entry => entry.module is Loss).module;
        using var scope = NewDisposeScope();
        using var weight = nn.Parameter(zeros(20, 20));
        using var optimizer = optim.Adam([weight], lr: 0.2);
        var truth = new LossTargets(SoftLabels: eye(20));
        var standstill = new LossStandstill(model, 20, 100);
        var told = new List<(int Step, string Text)>();
        for (var step = 1; step <= 400; step++)
        {
            using var inner = NewDisposeScope();
            optimizer.zero_grad();
            var value = loss.Compute(weight.softmax(1), truth, default);
            value.backward();
            optimizer.step();
            if (standstill.See("loss", value.item<float>(), step) is { } text)
                told.Add((step, text));
        }
        var (when, said) = Assert.Single(told);
        Assert.InRange(when, 100, 399);
        Assert.Contains("has stayed near 0.674 for", said, StringComparison.Ordinal);
        Assert.Contains("Leave the softmax out of the model", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("loss", 0.6931, true)]
    [InlineData("loss", 0.6975, true)] // 0.0044 above
    [InlineData("loss", 0.7, false)] // 0.0069 above
    [InlineData("loss", 0.68, false)] // between the two
    [InlineData("loss", 0.6741, true)]
    [InlineData("decode.loss", 0.6931, true)]
    [InlineData("other", 0.6931, false)]
    public void Standstill_NamesALossOnce_InItsBandAndUnderItsName(string name, double value, bool named)
    {
        using var model = Classifier("""{ "type": "BinaryCrossEntropyLoss" }""", Build.Classes(20));
        var standstill = new LossStandstill(model, 20, 100, from: 1000);
        var texts = Enumerable.Range(1, 10).Select(row => standstill.See(name, value, 1000 + (row * 20))).ToArray();
        Assert.All(texts[..4], Assert.Null);
        Assert.Equal(named, texts[4] is not null); // after 100 iterations
        Assert.All(texts[5..], Assert.Null);
    }

    [Fact]
    public void Standstill_InterruptedOrBeforeItsWeight_BeginsAgain()
    {
        using var model = Classifier("""{ "type": "BinaryCrossEntropyLoss", "weight": 2 }""", Build.Classes(20));
        var standstill = new LossStandstill(model, 20, 100);
        Assert.Null(standstill.See("loss", 0.6931, 200)); // half of it
        Assert.Null(standstill.See("loss", 1.3863, 290));
        Assert.Null(standstill.See("loss", 1.2, 310));
        Assert.Null(standstill.See("loss", 1.3863, 400));
        Assert.Contains("near 1.386 for 100 iterations", standstill.See("loss", 1.3863, 410), StringComparison.Ordinal);
    }

    private static VisionModel Classifier(string loss, DataInfo data) =>
        Build.From<VisionModel>(
            $$"""{ "type": "ImageClassifier", "backbone": { "type": "CifarResNet", "depth": 8 }, "head": { "type": "LinearHead", "loss": {{loss}} } }""",
            data
        );
}
