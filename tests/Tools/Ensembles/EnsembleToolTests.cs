using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;
using static TorchSharp.torch;

namespace Tessera.Tests.Tools.Ensembles;

[Collection(InProcess.Name)]
public sealed class EnsembleToolTests(EnsembleFolder folder) : IClassFixture<EnsembleFolder>
{
    private static readonly double s_tolerance = 1e-9;

    // Members are as tools/test measures them, and the whole is the mean of what tools/test --predictions writes of each.
    [Fact]
    public void Classifiers_AreMeasuredAsByTest_AndTogetherAsTheMeanOfTheirPredictions()
    {
        var members = folder.Classifier();
        var found = folder.Ensemble(folder.ConfigOf("classifier"), members);
        var stored = new List<Dictionary<string, Dictionary<string, double>>>();
        for (var m = 0; m < 2; m++)
        {
            var lines = folder.At($"predicted{m}.jsonl");
            Equal(folder.Test(folder.ConfigOf("classifier"), members[m], "--predictions", lines), found["members"]![m]!["metrics"]!);
            stored.Add(
                File.ReadLines(lines)
                    .Select(line => JsonNode.Parse(line)!)
                    .ToDictionary(
                        line => (string)line["name"]!,
                        line => line["scores"]!.AsObject().ToDictionary(score => score.Key, score => (double)score.Value!)
                    )
            );
        }
        var mean = folder.At("mean.jsonl");
        File.WriteAllLines(
            mean,
            stored[0]
                .Select(sample =>
                    new JsonObject
                    {
                        ["name"] = sample.Key,
                        ["scores"] = new JsonObject(
                            sample.Value.Select(score =>
                                KeyValuePair.Create(score.Key, (JsonNode?)((score.Value + stored[1][sample.Key][score.Key]) / 2))
                            )
                        ),
                    }.ToJsonString()
                )
        );
        var output = folder.At("mean.json");
        Tool.Run("eval-metric", folder.ConfigOf("classifier"), mean, "--out", output).Succeeds();
        Equal(EnsembleFolder.Values(JsonNode.Parse(File.ReadAllText(output))!), found["ensemble"]!["metrics"]!);

        Assert.Equal(("test", 12), ((string)found["part"]!, (int)found["samples"]!));
        var pair = found["pairs"]![0]!;
        Assert.Equal(12, new[] { "both_right", "both_wrong", "first_right", "second_right" }.Sum(key => (int)pair[key]!));
        Assert.Equal(
            (double)found["members"]![0]!["metrics"]!["accuracy/top1"]!,
            ((int)pair["both_right"]! + (int)pair["first_right"]!) / 12.0,
            s_tolerance
        );
        foreach (var row in new[] { found["members"]![0]!, found["ensemble"]! })
            Assert.InRange(
                (double)row["metrics"]!["accuracy/top1"]!,
                (double)row["intervals"]!["accuracy/top1"]![0]! - s_tolerance,
                (double)row["intervals"]!["accuracy/top1"]![1]! + s_tolerance
            );
    }

    // What the members say together is stored as tools/test stores predictions: it measures the same, and is compared with a member.
    [Fact]
    public void OutDir_StoresThePredictionsOfAll()
    {
        var members = folder.Classifier();
        var (together, alone) = (folder.At("together"), folder.At("alone"));
        var found = folder.Ensemble(folder.ConfigOf("classifier"), [.. members, "--out-dir", together]);
        Assert.Equal(Path.Combine(together, "predictions", "test.jsonl"), (string)found["predictions"]!);
        var output = folder.At("together.json");
        Tool.Run("eval-metric", folder.ConfigOf("classifier"), together, "--out", output).Succeeds();
        Equal(EnsembleFolder.Values(JsonNode.Parse(File.ReadAllText(output))!), found["ensemble"]!["metrics"]!);

        folder.Test(folder.ConfigOf("classifier"), members[1], "--work-dir", alone);
        var compared = Tool.Run("compare-runs", alone, together, "--config", folder.ConfigOf("classifier"));
        Assert.True(compared.Code is 0 or 4 or 5, compared.Error);
    }

    [Fact]
    public void MemberOfAnotherArchitecture_IsMeasuredAsItsOwnConfigDoes()
    {
        var members = folder.Classifier();
        var other = folder.Train(
            "transformer",
            """
            { "type": "ImageClassifier", "head": { "type": "LinearHead" },
              "backbone": { "type": "VisionTransformer", "arch": "tiny", "depth": 1, "image_size": 32, "patch_size": 8 } }
            """,
            """{ "accuracy": { "type": "Accuracy" }, "auc": { "type": "Auroc" } }"""
        )[1];
        var found = folder.Ensemble(folder.ConfigOf("classifier"), members[1], other, "--vote", "hard");
        Equal(folder.Test(folder.ConfigOf("transformer"), other), found["members"]![1]!["metrics"]!);
        Tool.Run("ensemble", folder.ConfigOf("classifier"), members[1], other, "--soup", "uniform", "--out-dir", folder.At("no"))
            .IsMistake("another architecture", "an ensemble of their predictions takes both");
        Assert.False(Directory.Exists(folder.At("no")));
    }

    [Fact]
    public void MemberWithItsClassesInAnotherOrder_IsMeasuredAsByTest()
    {
        var members = folder.Classifier();
        var turned = folder.Classifier("turned", "\"classes\": [\"star\", \"circle\", \"square\"]", seed: 2)[1];
        var found = folder.Ensemble(folder.ConfigOf("classifier"), members[0], turned);
        Equal(folder.Test(folder.ConfigOf("classifier"), turned), found["members"]![1]!["metrics"]!);
        Tool.Run("ensemble", folder.ConfigOf("classifier"), members[0], turned, "--soup", "uniform", "--out-dir", folder.At("no"))
            .IsMistake("its classes are in another order");
    }

    [Fact]
    public void Weights_AreChosenOnVal_OrToldToFlatter()
    {
        var members = folder.Classifier();
        var found = folder.Ensemble(folder.ConfigOf("classifier"), [.. members, "--vote", "weighted"]);
        Assert.Equal(1, found["weights"]!.AsArray().Sum(weight => (double)weight!), s_tolerance);
        Assert.StartsWith("val, by", (string)found["weights_from"]!, StringComparison.Ordinal);
        Assert.Empty(found["notes"]!.AsArray());
        var flattered = folder.Ensemble(folder.ConfigOf("classifier"), [.. members, "--vote", "weighted", "--part", "val"]);
        Assert.Contains("flatter", (string)Assert.Single(flattered["notes"]!.AsArray())!, StringComparison.Ordinal);
        Assert.Equal(
            found["weights"]!.AsArray().Select(weight => (double)weight!),
            flattered["weights"]!.AsArray().Select(weight => (double)weight!)
        );
    }

    [Fact]
    public void SoupOfOne_IsItselfBitForBit_AndToolsTakeIt()
    {
        var members = folder.Classifier();
        var found = folder.Ensemble(folder.ConfigOf("classifier"), members[1], "--soup", "greedy", "--out-dir", folder.At("one"));
        var soup = (string)found["soup"]!["path"]!;
        var (expected, written) = (EnsembleFolder.Weights(members[1]), EnsembleFolder.Weights(soup));
        Assert.Equal(expected.Keys.Order(), written.Keys.Order());
        Assert.All(expected, entry => Assert.Equal(entry.Value, written[entry.Key]));
        Equal(folder.Test(folder.ConfigOf("classifier"), members[1]), found["soup"]!["metrics"]!);
        Equal(folder.Test(folder.ConfigOf("classifier"), soup), found["soup"]!["metrics"]!);
        Tool.Run("publish", soup, folder.At("published.safetensors")).Succeeds();
    }

    [Fact]
    public void UniformSoup_IsTheMeanOfTheWeights()
    {
        var members = folder.Classifier();
        var found = folder.Ensemble(folder.ConfigOf("classifier"), [.. members, "--soup", "uniform", "--out-dir", folder.At("uniform")]);
        using var soup = Checkpoint.Open((string)found["soup"]!["path"]!);
        using var first = Checkpoint.Open(members[0]);
        using var second = Checkpoint.Open(members[1]);
        foreach (var (name, full) in soup.ModelNames())
        {
            using var scope = NewDisposeScope();
            var (a, b, mean) = (first.Read(first.ModelNames()[name]), second.Read(second.ModelNames()[name]), soup.Read(full));
            if (mean.is_floating_point())
                Assert.True(((a.@double() + b.@double()) / 2).to(mean.dtype).allclose(mean, 0, 0), name);
        }
        Assert.Equal(2, found["soup"]!["members"]!.AsArray().Count);
        Assert.Equal(6, soup.Info.Iteration);
        Assert.Contains("mean of the weights", soup.Info.Source, StringComparison.Ordinal);
    }

    [Fact]
    public void GreedySoup_NeverFallsOnVal()
    {
        string[] members = [.. folder.Classifier(), folder.Classifier("again", seed: 7)[1]];
        var found = folder.Ensemble(
            folder.ConfigOf("classifier"),
            [.. members, "--soup", "greedy", "--part", "val", "--out-dir", folder.At("greedy")]
        );
        var best = found["members"]!.AsArray().Max(member => (double)member!["metrics"]!["accuracy/top1"]!);
        Assert.True((double)found["soup"]!["metrics"]!["accuracy/top1"]! >= best);
        Assert.Contains("flatter", (string)Assert.Single(found["notes"]!.AsArray())!, StringComparison.Ordinal);
        using var soup = Checkpoint.Open((string)found["soup"]!["path"]!);
        Assert.Equal((double)found["soup"]!["metrics"]!["accuracy/top1"]!, soup.Info.Metrics["accuracy/top1"], s_tolerance);
    }

    [Fact]
    public void SeveralLabels_AreVotedClassByClass()
    {
        var members = folder.Train(
            "labels",
            $$"""{ "type": "ImageClassifier", "backbone": {{EnsembleFolder.ResNet}}, "head": { "type": "LinearHead", "loss": { "type": "BinaryCrossEntropyLoss" } } }""",
            """{ "map": { "type": "AveragePrecision" } }""",
            "\"task\": \"multi_label\", \"classes\": [\"circle\", \"square\", \"star\"]"
        );
        foreach (var vote in new[] { "mean", "hard", "weighted" })
        {
            var found = folder.Ensemble(folder.ConfigOf("labels"), [.. members, "--vote", vote]);
            Equal(folder.Test(folder.ConfigOf("labels"), members[0]), found["members"]![0]!["metrics"]!);
            Assert.Equal(("label", 36), ((string)found["right"]!["case"]!, (int)found["right"]!["cases"]!));
            Assert.NotNull(found["ensemble"]!["metrics"]!["mAP"]);
        }
    }

    [Fact]
    public void Regression_IsDecomposed()
    {
        var members = folder.Train(
            "regression",
            $$"""{ "type": "ImageRegressor", "backbone": {{EnsembleFolder.ResNet}}, "head": { "type": "RegressionHead" } }""",
            """{ "errors": { "type": "RegressionErrors" } }""",
            "\"task\": \"regression\""
        );
        var found = folder.Ensemble(folder.ConfigOf("regression"), [.. members, "--vote", "weighted"]);
        Equal(folder.Test(folder.ConfigOf("regression"), members[1]), found["members"]![1]!["metrics"]!);
        var parts = found["decomposition"]!;
        Assert.Equal((double)parts["ensemble_error"]!, (double)parts["mean_error"]! - (double)parts["mean_ambiguity"]!, 1e-6);
        // Three targets: the mean of their squared errors is the decomposed one.
        var squares = new[] { "x", "y", "diameter" }.Average(name =>
            Math.Pow((double)found["ensemble"]!["metrics"]![$"rmse/target/{name}"]!, 2)
        );
        Assert.Equal(squares, (double)parts["ensemble_error"]!, 1e-4 * squares);
        Assert.Null(found["right"]);
        Assert.InRange((double)found["pairs"]![0]!["correlation"]!, -1, 1);
        Tool.Run(["ensemble", folder.ConfigOf("regression"), .. members, "--vote", "hard"])
            .IsMistake("--vote hard counts votes for classes");
    }

    [Fact]
    public void Segmentors_AreMeasuredAsByTest_AndVoteOnPixels()
    {
        var members = folder.Train(
            "segmentation",
            $$"""{ "type": "Segmentor", "backbone": {{EnsembleFolder.ResNet}}, "decode_head": { "type": "FcnHead", "channels": 8 } }""",
            """{ "iou": { "type": "MeanIoU", "bootstrap": 20 } }""",
            "\"task\": \"segmentation\", \"classes\": [\"circle\", \"square\"]",
            maps: true
        );
        foreach (var vote in new[] { "mean", "hard", "weighted" })
        {
            var found = folder.Ensemble(folder.ConfigOf("segmentation"), [.. members, "--vote", vote]);
            for (var m = 0; m < 2; m++)
                Equal(folder.Test(folder.ConfigOf("segmentation"), members[m]), found["members"]![m]!["metrics"]!);
            Assert.Equal(("pixel", 12 * 32 * 32), ((string)found["right"]!["case"]!, (int)found["right"]!["cases"]!));
            Assert.InRange((double)found["ensemble"]!["metrics"]!["mIoU"]!, 0, 1);
            Assert.NotNull(found["ensemble"]!["intervals"]!["mIoU"]);
        }
        // A vote of one is its own map.
        var alone = folder.Ensemble(folder.ConfigOf("segmentation"), members[1]);
        Assert.Equal(alone["members"]![0]!["metrics"]!.ToJsonString(), alone["ensemble"]!["metrics"]!.ToJsonString());
    }

    [Fact]
    public void Detectors_AreFused()
    {
        var members = folder.Train(
            "detection",
            """
            {
              "type": "Detector",
              "backbone": { "type": "ResNet", "depth": 18, "stage_blocks": [1, 1, 1, 1], "base_channels": 16, "stem": "small", "strides": [2, 2, 2, 2] },
              "neck": { "type": "Fpn", "out_channels": 16, "start_level": 2 },
              "bbox_head": { "type": "RetinaHead", "stacked_convs": 1, "anchor_generator": { "type": "AnchorGenerator", "octave_base_scale": 2, "scales_per_octave": 1, "ratios": [1] } },
              "test": { "score_thr": 0.0, "nms": { "type": "Nms", "iou_threshold": 0.5 }, "nms_pre": 50, "max_per_img": 20 }
            }
            """,
            """{ "coco": { "type": "CocoAp", "bootstrap": 20 } }""",
            "\"task\": \"detection\", \"classes\": [\"circle\", \"square\", \"star\"]"
        );
        foreach (var vote in new[] { "mean", "weighted" })
        {
            var found = folder.Ensemble(folder.ConfigOf("detection"), [.. members, "--vote", vote]);
            for (var m = 0; m < 2; m++)
                Equal(folder.Test(folder.ConfigOf("detection"), members[m]), found["members"]![m]!["metrics"]!);
            Assert.InRange((double)found["ensemble"]!["metrics"]!["bbox/AP50"]!, 0, 1);
            Assert.Equal("object", (string)found["right"]!["case"]!);
        }
        Tool.Run(["ensemble", folder.ConfigOf("detection"), .. members, "--vote", "hard"]).IsMistake("boxes are fused instead");
        Tool.Run(["ensemble", folder.ConfigOf("detection"), .. members, "--fuse-iou", "1.5"]).IsMistake("--fuse-iou is 1.5");
    }

    [Fact]
    public void Console_TellsMembersPairsAndWhy()
    {
        var members = folder.Classifier();
        var said = Tool.Run(["ensemble", folder.ConfigOf("classifier"), .. members, "--bootstrap", "10"]).Succeeds().Output;
        Assert.Contains("12 samples of test, vote: mean", said, StringComparison.Ordinal);
        Assert.Contains("2 together", said, StringComparison.Ordinal);
        foreach (
            var word in new[] { "disagreement", "Q", "both wrong", "kappa", "1, 2", "gain", "majority", "if they erred independently" }
        )
            Assert.Contains(word, said, StringComparison.Ordinal);
    }

    [Fact]
    public void Mistakes_AreTold()
    {
        var members = folder.Classifier();
        var config = folder.ConfigOf("classifier");
        var others = folder.Classifier("others", "\"classes\": [\"circle\", \"square\", \"triangle\"]", seed: 3);
        Tool.Run("ensemble", config, members[0], others[0]).IsMistake(others[0], "triangle");
        Tool.Run("ensemble", config, members[0], members[0]).IsMistake("named twice");
        Tool.Run("ensemble", config, members[0], "nowhere.safetensors").IsMistake("nowhere.safetensors: there is no such file");
        Tool.Run("ensemble", config, members[0], config).IsMistake("this is no checkpoint of tools/train");
        Tool.Run("ensemble", config, members[0], "--soup", "greedy").IsMistake("--out-dir DIR");
        Tool.Run("ensemble", config, members[0], "--part", "train").IsMistake("--part train");
        Tool.Run("ensemble", config, members[0], "--soup", "greedy", "--out-dir", folder.At("x"), "--metric", "accuracy/top2")
            .IsMistake("accuracy/top2", "Did you mean \"accuracy/top1\"?");
    }

    private static void Equal(Dictionary<string, double?> expected, JsonNode found)
    {
        var values = EnsembleFolder.Values(found);
        Assert.Equal(expected.Keys.Order(), values.Keys.Order());
        foreach (var (name, value) in expected)
            if (value is null)
                Assert.Null(values[name]);
            else
                Assert.Equal(value.Value, values[name]!.Value, s_tolerance);
    }
}
