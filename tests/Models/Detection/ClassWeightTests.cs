using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Models.Losses.Detection;
using static Tessera.Tests.Models.Detection.DetectorScenes;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection;

/// <summary>Class weights of a detector's scores.</summary>
public sealed class ClassWeightTests
{
    /// <summary>The loss is a sum over classes: with weights w it is the sum of w(c) times that of class c alone.</summary>
    [Theory]
    [InlineData("RetinaHead")]
    [InlineData("FcosHead")]
    [InlineData("AtssHead")]
    [InlineData("YoloxHead")]
    public void Loss_WithWeights_IsTheWeightedSumOfTheClasses(string head)
    {
        var plain = Loss(head, null);
        var alone = new[] { Loss(head, "[1, 0, 0]"), Loss(head, "[0, 1, 0]"), Loss(head, "[0, 0, 1]") };
        Assert.All(alone, value => Assert.True(value > 0.001 && value < plain));
        Assert.Equal(1, alone.Sum() / plain, 4);
        var weighted = alone[0] + (10 * alone[1]) + (0.5 * alone[2]);
        Assert.Equal(1, Loss(head, "[1, 10, 0.5]") / weighted, 4);
        Assert.Equal(1, Loss(head, """{ "rule": "inverse", "values": [1, 10, 0.5] }""") / weighted, 4);
    }

    [Fact]
    public void Weights_OfAnotherLength_OrNotFilledIn_AreTheUsersMistake()
    {
        var loss = new DenseFocalLoss(new()) { ClassWeight = new double[] { 1, 2 } };
        Assert.Equal(
            "DenseFocalLoss: class_weight has 2 values, but there are 3 outputs.",
            Assert.Throws<UserErrorException>(() => loss.WeightOfClasses(3, CPU)).Message
        );
        loss.ClassWeight = new(null, Tessera.Models.Losses.ClassWeightRule.MaxOverCount);
        Assert.Contains(
            "class_weight is \"max_over_count\"",
            Assert.Throws<UserErrorException>(() => loss.WeightOfClasses(3, CPU)).Message,
            StringComparison.Ordinal
        );
    }

    private static double Loss(string head, string? weights)
    {
        var loss = $$""", "loss_cls": { "type": "FocalLoss", "class_weight": {{weights ?? "null"}} }""";
        using var scope = NewDisposeScope();
        var norm = head == "YoloxHead" ? "" : """, "norm": "gn" """;
        using var model = Small($$"""{ "type": "{{head}}", "stacked_convs": 1{{norm}}{{loss}} }""");
        Formula.Fill(model);
        using var batch = Images(
            Formula.Values("images", 1, 3, 64, 64),
            null,
            new Boxes([4, 4, 40, 44, 20, 10, 60, 50, 2, 30, 30, 60], [0, 1, 2], [false, false, false])
        );
        return model.Loss(batch, default).Single(term => term.Key.Contains("cls", StringComparison.Ordinal)).Value.item<float>();
    }
}
