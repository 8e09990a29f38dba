using System.Text.Json.Nodes;
using Tessera.Features;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Models.TaskModels;
using Tessera.Tests.Tools.EndToEnd;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Tools.Transfer;

/// <summary>From a checkpoint to features, to a head, and back to a whole model.</summary>
[Collection(InProcess.Name)]
public sealed class FeatureTests(TinyRun run) : IClassFixture<TinyRun>
{
    [Fact]
    public void Extract_WritesWhatTheLastLayerReads_WithTruthAndNames()
    {
        var path = Extract("val");
        using var file = FeatureFile.Open(path);
        Assert.Equal((20, 64), (file.Count, file.Width));
        using var session = Session.OfCheckpoint(run.Checkpoint, new SessionOptions { Device = "cpu" });
        var data = session.Data[DataPart.Val];
        Assert.Equal(Enumerable.Range(0, 20).Select(i => (long)data.LabelOf(i)!), file.Labels!);
        Assert.Equal(Enumerable.Range(0, 20).Select(i => data.Get(i).Name), file.Names);

        // The head over the features gives the model's own logits.
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        var model = (ImageClassifier)session.Model;
        var state = model.state_dict();
        var logits = file.Features.matmul(state["head.fc.weight"].t()) + state["head.fc.bias"];
        using var batch = session.Data.Loader(DataPart.Val).Epoch(0).First();
        Assert.True(logits.narrow(0, 0, batch.Count).allclose(model.Logits(batch.Images), 1e-4, 1e-5));
    }

    [Fact]
    public void Extract_Half_IsTheSameRounded()
    {
        using var whole = FeatureFile.Open(Extract("val"));
        using var half = FeatureFile.Open(Extract("val", "--dtype", "fp16"));
        using var scope = NewDisposeScope();
        Assert.True(whole.Features.to(ScalarType.Float16).to(ScalarType.Float32).equal(half.Features).all().ToBoolean());
    }

    /// <summary>Weights, order and batches alike: training a head on the file gives the very bits of training it over the frozen
    /// network.</summary>
    [Fact]
    public void Train_OnFeatures_IsBitForBitTraining_OverAFrozenBackbone()
    {
        var folder = run.New();
        const string Online = """
            {
              "seed": 5, "precision": "fp32", "threads": 1, "device": "cpu",
              "model": {
                "type": "ImageClassifier", "init": { "type": "Pretrained", "checkpoint": "CHECKPOINT", "weights": "trained" },
                "backbone": { "type": "ResNet", "depth": 18, "stem": "small", "base_channels": 8, "strides": [2, 2, 2, 1] },
                "head": { "type": "LinearHead" }
              },
              "train": {
                "epochs": 3, "freeze": ["backbone"],
                "loader": { "batch_size": 16, "workers": 1, "sampler": { "type": "RandomSampler" } },
                "dataset": DATA
              },
              "optimizer": { "type": "Sgd", "lr": 0.05, "momentum": 0.9 },
              "hooks": { "checkpoint": { "type": "CheckpointHook", "every_epochs": 3 } }
            }
            """;
        const string Images =
            """{ "type": "Shapes", "count": 64, "size": 32, "pipeline": [ { "type": "LoadImage" }, { "type": "Normalize" } ] }""";
        var checkpoint = JsonValue.Create(run.Checkpoint)!.ToJsonString().Trim('"');
        var online = Write(folder, "online", Online.Replace("CHECKPOINT", checkpoint).Replace("DATA", Images));
        var features = Path.Combine(folder, "train.safetensors");
        Tool.Run("extract-features", online, run.Checkpoint, features, "--weights", "trained", "--device", "cpu").Succeeds();
        var offline = Write(
            folder,
            "offline",
            Online
                .Replace("CHECKPOINT", checkpoint)
                .Replace(
                    """{ "type": "ResNet", "depth": 18, "stem": "small", "base_channels": 8, "strides": [2, 2, 2, 1] }""",
                    """{ "type": "IdentityBackbone", "channels": 64 }"""
                )
                .Replace("\"freeze\": [\"backbone\"],", "")
                .Replace(
                    "DATA",
                    $$"""{ "type": "FeatureDataset", "file": {{JsonValue.Create(features)!.ToJsonString()}}, "checkpoint": "{{checkpoint}}" }"""
                )
        );
        Tool.Run("train", online, "--work-dir", Path.Combine(folder, "a")).Succeeds();
        var said = Tool.Run("train", offline, "--work-dir", Path.Combine(folder, "b")).Succeeds();
        Assert.Contains("there is no augmentation", said.All, StringComparison.Ordinal);
        using var first = Checkpoint.Open(Path.Combine(folder, "a", "epoch_3.safetensors"));
        using var second = Checkpoint.Open(Path.Combine(folder, "b", "epoch_3.safetensors"));
        using var before = Checkpoint.Open(run.Checkpoint);
        foreach (var name in (string[])["head.fc.weight", "head.fc.bias"])
        {
            using var scope = NewDisposeScope();
            var a = first.Read(first.ModelNames()[name]);
            Assert.False(a.equal(before.Read(before.ModelNames()[name])).all().ToBoolean(), "it was trained");
            Assert.True(a.equal(second.Read(second.ModelNames()[name])).all().ToBoolean(), name);
        }
    }

    [Fact]
    public void Dataset_OfOtherWeightsOrTransforms_IsRefused_AndSaysWhatDiffers()
    {
        var path = Extract("val", "--weights", "trained");
        using (var _ = FeatureFile.Open(path)) { }
        Assert.Equal(20, new FeatureDataset(new(path, run.Checkpoint, run.ConfigPath)).Count);
        var earlier = run.At("run", "epoch_1.safetensors");
        Says(
            () => new FeatureDataset(new(path, earlier)),
            "is stale",
            "weights: made with epoch_2.safetensors (",
            "epoch_1.safetensors has "
        );

        string Changed(string old, string changed) => Write(run.New(), "changed", TinyRun.Config.Replace(old, changed));
        Says(
            () =>
                new FeatureDataset(
                    new(
                        path,
                        null,
                        Changed(
                            "\"split\": \"test\", \"pipeline\": [ { \"type\": \"LoadImage\" }, { \"type\": \"Resize\", \"size\": [32, 32] }",
                            "\"split\": \"test\", \"pipeline\": [ { \"type\": \"LoadImage\" }, { \"type\": \"Resize\", \"size\": [40, 40] }"
                        )
                    )
                ),
            "transform, step 1: ",
            "[32, 32]",
            "[40, 40]"
        );
        Says(
            () =>
                new FeatureDataset(
                    new(
                        path,
                        null,
                        Changed(
                            "\"count\": 20, \"size\": 32, \"split\": \"val\"",
                            "\"count\": 20, \"size\": 32, \"seed\": 9, \"split\": \"val\""
                        )
                    )
                ),
            "data: the samples of val"
        );
        Says(() => new FeatureDataset(new(run.Checkpoint)), "it is no file of features");
        var data = new FeatureDataset(new(path)) { Pipeline = [new Datasets.Transforms.LoadImage(new())] };
        Says(() => data.Check(), "takes no pipeline");
    }

    private static void Says(Func<object> act, params string[] parts)
    {
        var message = Assert.Throws<UserErrorException>(act).Message;
        Assert.All(parts, part => Assert.Contains(part, message, StringComparison.Ordinal));
    }

    /// <summary>A checkpoint of another architecture doesn't fill the network.</summary>
    [Fact]
    public void Extract_OfAnotherNetwork_IsAMistake() =>
        Tool.Run(
                "extract-features",
                run.ConfigPath,
                run.Checkpoint,
                run.At("x.safetensors"),
                "--cfg-options",
                "model.backbone.base_channels=4"
            )
            .IsMistake("doesn't fill the model", "backbone.");

    [Fact]
    public void Probe_Saved_IsWhatTestMeasures()
    {
        var folder = run.New();
        string[] parts = ["train", "val", "test"];
        var files = parts.ToDictionary(part => part, part => Extract(part));
        var (saved, metrics) = (Path.Combine(folder, "probed.safetensors"), Path.Combine(folder, "metrics.json"));
        var said = Tool.Run(
                "linear-probe",
                files["train"],
                files["val"],
                "--test",
                files["test"],
                "--lrs",
                "0.1,1,10",
                "--batch-size",
                "16",
                "--checkpoint",
                run.Checkpoint,
                "--save",
                saved,
                "--out",
                metrics,
                "--device",
                "cpu"
            )
            .Succeeds();
        Assert.Contains("chosen by val: lr ", said.Output, StringComparison.Ordinal);
        Assert.Contains("test, which had no part in the choice: top-1 ", said.Output, StringComparison.Ordinal);
        var expected = JsonNode.Parse(File.ReadAllText(metrics))!["test/top1"]!.GetValue<double>();
        var tested = Path.Combine(folder, "tested.json");
        Tool.Run("test", run.ConfigPath, saved, "--out", tested, "--device", "cpu").Succeeds();
        Assert.Equal(expected, JsonNode.Parse(File.ReadAllText(tested))!["accuracy/top1"]!.GetValue<double>(), 6);
        using var predictor = Predictor.Load(saved, new PredictorOptions { Device = "cpu" });
        var picture = Path.Combine(folder, "shape.png");
        File.WriteAllBytes(picture, TinyRun.Png(0));
        Assert.Equal(10, predictor.Classify(picture).Ranked.Count);
        Assert.False(File.Exists(Path.Combine(folder, "last_checkpoint")));

        Tool.Run("linear-probe", files["train"], files["val"], "--checkpoint", run.At("run", "epoch_1.safetensors"), "--save", saved)
            .IsMistake("was made with other weights than those of");
        Tool.Run("linear-probe", files["train"], files["val"], "--save", saved).IsMistake("Give both or none");
        Tool.Run("linear-probe", files["train"], Extract("val", "--weights", "trained")).IsMistake("can't be used together", "weights: ");
    }

    [Fact]
    public void Knn_TellsAccuracyForEachNumber()
    {
        var said = Tool.Run("knn", Extract("train"), Extract("val"), "--k", "1,5", "--device", "cpu").Succeeds();
        Assert.Matches("(?m)^ *1 +0\\.\\d{4}", said.Output);
        Tool.Run("knn", Extract("train"), Extract("val")).IsMistake("200 neighbours are asked for, but");
        Tool.Run("knn", Extract("train"), Extract("val"), "--k", "1.5").IsMistake("whole numbers were expected");
        Tool.Run("knn", Extract("train"), Extract("val"), "--temperature", "0").IsMistake("above 0");
    }

    private string Extract(string part, params string[] options)
    {
        var path = run.At($"{part}-{Guid.NewGuid():N}.safetensors");
        Tool.Run(["extract-features", run.ConfigPath, run.Checkpoint, path, "--split", part, "--device", "cpu", .. options]).Succeeds();
        return path;
    }

    private static string Write(string folder, string name, string config)
    {
        var path = Path.Combine(folder, name + ".json");
        File.WriteAllText(path, config);
        return path;
    }
}
