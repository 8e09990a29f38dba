namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>What tools/doctor finds before the first epoch.</summary>
[Collection(InProcess.Name)]
public sealed class DoctorTests(TinyRun run) : IClassFixture<TinyRun>
{
    private Said Doctor(params string[] changes) =>
        Tool.Run(["doctor", run.ConfigPath, "--device", "cpu", .. changes.SelectMany(change => (string[])["--cfg-options", change])]);

    private Said Fails(string expected, params string[] changes)
    {
        var said = Doctor(changes);
        Assert.True(said.Code == 1, said.All);
        Assert.Contains("FAIL", said.Output, StringComparison.Ordinal);
        Assert.Contains("1 failed.", said.Output, StringComparison.Ordinal);
        Assert.Contains(expected, said.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", said.All, StringComparison.Ordinal);
        return said;
    }

    [Fact]
    public void Good_PassesEveryCheck()
    {
        var said = Doctor().Succeeds();
        foreach (var name in new[] { "config", "torch", "data", "sample", "model", "training", "evaluation", "saving" })
            Assert.Matches($@"(?m)^ok +{name} ", said.Output);
        Assert.DoesNotContain("FAIL", said.Output, StringComparison.Ordinal);
        Assert.Contains("train: 64 samples, 10 classes", said.Output, StringComparison.Ordinal);
        Assert.Contains("[4 x 3 x 32 x 32]", said.Output, StringComparison.Ordinal);
        Assert.Contains("a gradient in every parameter", said.Output, StringComparison.Ordinal);
        Assert.Contains("metrics: accuracy/top1", said.Output, StringComparison.Ordinal);
        Assert.Matches("All is well|Nothing stands in the way", said.Output);
    }

    [Fact]
    public void Data_Missing() =>
        Fails("doesn't exist", "train.dataset={\"_delete_\": true, \"type\": \"ImageFolder\", \"path\": \"/nowhere/at/all\"}");

    [Fact]
    public void Classes_ThatDisagree() =>
        Fails("val.dataset: its classes are others than those of train.dataset", "val.dataset.classes=[\"circle\"]");

    [Fact]
    public void Metric_ThatNothingGives() =>
        Fails("\"accuracy/top1\"", "hooks.checkpoint.save_best.metric=accuracy/top")
            .Output.Contains("hooks.checkpoint.save_best.metric", StringComparison.Ordinal);

    [Fact]
    public void Schedule_WaitsForAMetricThatNothingGives() =>
        Fails(
            "schedule.0 follows the metric \"accuracy/top\", which evaluation does not give. Did you mean \"accuracy/top1\"?",
            "schedule=[{\"type\": \"ReduceOnPlateau\", \"metric\": \"accuracy/top\"}]"
        );

    [Fact]
    public void Metric_ThatDoesNotFitTheData() =>
        Fails("The metric RegressionErrors is for regression data", "val.metrics.errors={\"type\": \"RegressionErrors\"}");

    [Fact]
    public void Loss_NotFinite() =>
        Fails(
            "the loss \"loss\" is NaN on the first batch",
            "model.head.loss={\"type\": \"CrossEntropyLoss\", \"class_weight\": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}"
        );

    [Fact]
    public void Normalize_Missing_IsWorthAWarning()
    {
        var said = Doctor("train.dataset.pipeline=[{\"type\": \"LoadImage\"}]");
        Assert.Contains("is a Normalize step missing from train.dataset.pipeline?", said.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Pretrained_Missing_FailsAtTheModel() =>
        Fails("There is no such file", "model.backbone.init={\"type\": \"Pretrained\", \"checkpoint\": \"gone.pth\"}");

    [Fact]
    public void ConfigMistake_IsTold() =>
        Doctor("model.backbone.depht=3").IsMistake("ResNet has no option \"depht\". Did you mean \"depth\"?");

    [Fact]
    public void Overfit_LearnsAFewByHeart()
    {
        var said = Tool.Run("doctor", run.ConfigPath, "--overfit", "4").Succeeds();
        Assert.Matches(@"(?m)^ok +overfit ", said.Output);
        Assert.Contains("100 % right", said.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Overfit_OfWhatCannotLearn_SaysWhereItStops()
    {
        var said = Tool.Run("doctor", run.ConfigPath, "--overfit", "4", "--overfit-minutes", "0.02", "--cfg-options", "optimizer.lr=0");
        Assert.Equal(1, said.Code);
        Assert.Contains("the model did not learn 4 samples by heart", said.Output, StringComparison.Ordinal);
        Assert.Contains("gradient over weight by part: ", said.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Softmax_OfMultiLabelData_IsWarnedOf_AndOfOthersNot()
    {
        string[] several =
        [
            "train.dataset.task=multi_label",
            "val.dataset.task=multi_label",
            "test=null",
            "val.metrics={\"map\": {\"type\": \"AveragePrecision\"}, \"accuracy\": null}",
            "hooks.checkpoint.save_best.metric=mAP",
        ];
        var said = Doctor([.. several, "model.head.loss={\"type\": \"CrossEntropyLoss\"}"]).Succeeds();
        Assert.Contains("head.loss_loss (CrossEntropyLoss) compares classes by a softmax", said.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("by a softmax", Doctor(several).Succeeds().Output, StringComparison.Ordinal);
        Assert.DoesNotContain("by a softmax", Doctor().Succeeds().Output, StringComparison.Ordinal);
    }

    /// <summary>A decay that takes six tenths of every weight at each step: soon all logits are zeros, whatever the image.</summary>
    [Fact]
    public void StandingAtLn2_IsNamed_ByTheOverfitCheck_AndByTheLog()
    {
        string[] changes =
        [
            "train.dataset.task=multi_label",
            "val=null",
            "test=null",
            "hooks.checkpoint=null",
            "hooks.ema=null",
            "model.head.loss={\"type\": \"BinaryCrossEntropyLoss\"}",
            "optimizer={\"_delete_\": true, \"type\": \"Sgd\", \"lr\": 0.01, \"weight_decay\": 60}",
        ];
        var args = changes.SelectMany(change => (string[])["--cfg-options", change]).ToArray();
        var said = Tool.Run(["doctor", run.ConfigPath, "--device", "cpu", "--overfit", "4", "--overfit-minutes", "0.2", .. args]);
        Assert.Matches(
            @"(?s)warn +overfit +The loss ""loss"" has\s+stayed\s+near\s+0\.693\s+for\s+100\s+iterations",
            said.Output.Replace("\n", " ", StringComparison.Ordinal)
        );

        string Trained(string log) =>
            Tool.Run(["train", run.ConfigPath, "--work-dir", run.New(), "--device", "cpu", .. args, "--cfg-options", $"hooks.log={log}"])
                .Succeeds()
                .All;
        var text = Trained("{\"interval\": 2, \"standstill_after\": 4}"); // of 8 iterations
        Assert.Equal(1, text.Split("has stayed near 0.693 for 4 iterations").Length - 1);
        Assert.DoesNotContain("has stayed", Trained("{\"interval\": 2}"), StringComparison.Ordinal);
    }

    [Fact]
    public void Overfit_StepsAsTheRunWould()
    {
        // Gradients that are cut to next to nothing change nothing, whatever the learning rate.
        var said = Tool.Run(
            "doctor",
            run.ConfigPath,
            "--overfit",
            "4",
            "--overfit-minutes",
            "0.02",
            "--cfg-options",
            "optimizer={\"_delete_\": true, \"type\": \"Sgd\", \"lr\": 0.1}",
            "train.clip_grad={\"norm\": 1e-9}"
        );
        Assert.Equal(1, said.Code);
        Assert.Matches(@"loss (\d+\.\d{3}) to \1 in \d+ steps", said.Output);
    }
}
