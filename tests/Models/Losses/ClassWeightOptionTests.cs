using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Losses;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Losses;

/// <summary>What "class_weight" may say in a config.</summary>
public sealed class ClassWeightOptionTests
{
    [Theory]
    [InlineData("[1, 2.5, 1e-3]")]
    [InlineData("\"inverse\"")]
    [InlineData("\"max_over_count\"")]
    [InlineData("""{ "rule": "effective" }""")]
    [InlineData("""{ "rule": "effective", "beta": 0.99, "values": [1, 2, 3] }""")]
    public void Option_Known_IsTaken(string weight)
    {
        foreach (
            var loss in new[]
            {
                "CrossEntropyLoss",
                "BinaryCrossEntropyLoss",
                "FocalLoss",
                "OhemCrossEntropyLoss",
                "DiceLoss",
                "TverskyLoss",
                "LovaszLoss",
                "BoundaryLoss",
                "AsymmetricLoss",
            }
        )
            using (Build.From<Loss>($$"""{ "type": "{{loss}}", "class_weight": {{weight}} }""")) { }
    }

    [Theory]
    [InlineData("\"invers\"")]
    [InlineData("[]")]
    [InlineData("[1, \"a\"]")]
    [InlineData("""{ "rule": "effective", "beta": 1 }""")]
    [InlineData("""{ "rule": "inverse", "beta": 0.5 }""")]
    [InlineData("""{ "rule": "inverse", "value": [1] }""")]
    [InlineData("""{ "values": [1, 2] }""")]
    public void Option_Unknown_IsAMistake_ThatSaysWhatIs(string weight) =>
        Assert.Contains(
            "\"inverse\", \"max_over_count\", \"effective\"",
            Assert
                .Throws<UserErrorException>(() => Build.From<Loss>($$"""{ "type": "CrossEntropyLoss", "class_weight": {{weight}} }"""))
                .Message,
            StringComparison.Ordinal
        );

    /// <summary>Labels 0, 1 and logits 0: ln 2 each, whatever the weights; so the second logit is 1 for the second image: its loss is
    /// ln(1 + e^-1) = 0.31326. Weighted by 1 and 3: (0.69315 + 3 · 0.31326) / 4 = 0.40823.</summary>
    [Fact]
    public void Values_OfARule_CountAsAList()
    {
        using var scope = NewDisposeScope();
        using var loss = Build.From<Loss>("""{ "type": "CrossEntropyLoss", "class_weight": { "rule": "inverse", "values": [1, 3] } }""");
        var logits = tensor(new float[] { 0, 0, 0, 1 }, [2, 2]);
        Assert.Equal(0.40823, loss.Compute(logits, new LossTargets(tensor(new long[] { 0, 1 })), default).item<float>(), 5);
    }

    [Fact]
    public void Rule_WithoutValues_IsAMistakeWhenTheLossIsComputed()
    {
        using var scope = NewDisposeScope();
        using var loss = Build.From<Loss>("""{ "type": "FocalLoss", "class_weight": "effective" }""");
        var mistake = Assert.Throws<UserErrorException>(() =>
            loss.Compute(zeros(2, 2), new LossTargets(tensor(new long[] { 0, 1 })), default)
        );
        Assert.Contains(
            "FocalLoss: class_weight is \"effective\", a rule that a training run fills in",
            mistake.Message,
            StringComparison.Ordinal
        );
    }
}
