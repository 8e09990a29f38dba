using Tessera.Framework.Components;
using Tessera.Framework.Configuration;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>Parts of a config that don't fit each other or the data, and an evaluation that could not be done: known before an epoch is
/// lost.</summary>
[Collection(InProcess.Name)]
public sealed class BeforeTheRunTests : IDisposable
{
    private const string Gray = "{\"type\": \"Normalize\", \"mean\": [100], \"std\": [50]}";

    private readonly JudgedFiles _files = new();

    public void Dispose() => _files.Dispose();

    // The evaluation.

    [Fact]
    public void ValSamples_OfUnequalSizes_StopTheRunBeforeItBegins_AndTheRemedyWorks()
    {
        var config = _files.Segmentation((_, y, _) => (byte)(y < 10 ? 1 : 0));
        _files.Write("val/image/3.png", JudgedFiles.Png(9, 64, 80));
        _files.Write("val/label/3.png", Datasets.Images.ImageCodec.EncodePng(new Framework.Data.Image(64, 80, 1)));
        var said = _files.Train(config).IsMistake("val.dataset\n", "2.png is 64 x 64 x 3", "3.png is 64 x 80 x 3", "set batch_size to 1");
        Assert.DoesNotContain("epoch 1", said.All, StringComparison.OrdinalIgnoreCase);
        var doctor = _files.Doctor(config);
        Assert.Equal(1, doctor.Code);
        Assert.Matches(@"FAIL +sample +val.dataset\s+The images of a batch must be of one size", doctor.Output);
        _files.Train(config, "val.loader.batch_size=1").Succeeds();
    }

    [Fact]
    public void ValFile_CutOff_StopsTheRunBeforeItBegins_AndTheRemedyWorks()
    {
        var config = _files.Segmentation((_, y, _) => (byte)(y < 10 ? 1 : 0));
        _files.Write("val/image/3.png", File.ReadAllBytes(_files.At("val", "image", "3.png"))[..^60]);
        var said = _files.Train(config).IsMistake("val.dataset\n", "3.png", "truncated", "so that no epoch is lost");
        Assert.DoesNotContain("Evaluation after", said.All, StringComparison.Ordinal);
        var doctor = _files.Doctor(config);
        Assert.Contains("truncated", doctor.Output, StringComparison.Ordinal);
        Assert.Matches("(?m)^ok +training ", doctor.Output); // what doesn't depend on it is still looked at
        _files.Train(config, "val.loader.on_bad_sample=skip").Succeeds();
        Assert.Contains(
            "1 of 4 samples can't be read and are left out (on_bad_sample)",
            _files.Doctor(config, "val.loader.on_bad_sample=skip").Succeeds().Output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void FaultsOfTrainAndVal_AreToldTogether()
    {
        var config = _files.Detection(box => JudgedFiles.Json([.. box.Select(value => value / 64)]));
        var doctor = _files.Doctor(config);
        Assert.Equal(1, doctor.Code);
        Assert.Contains("2 failed.", doctor.Output, StringComparison.Ordinal);
        _files.Train(config).IsMistake("train.dataset\n", "val.dataset\n");
    }

    [Fact]
    public void DataWithoutTruth_IsAWarning()
    {
        var config = _files.Detection(box => JudgedFiles.Json(box));
        var annotations = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(_files.At("boxes.json")))!.AsObject();
        annotations["annotations"] = new System.Text.Json.Nodes.JsonArray();
        _files.Write("empty.json", annotations.ToJsonString());
        annotations.Remove("annotations");
        _files.Write("none.json", annotations.ToJsonString());
        foreach (var name in new[] { "empty.json", "none.json" })
        {
            var said = _files.Doctor(config, $"val.dataset.annotations={_files.At(name)}").Succeeds();
            Assert.Contains("none of the 3 images has a box, so there is nothing to find", said.Output, StringComparison.Ordinal);
            Assert.Matches("(?m)^ok +evaluation ", said.Output);
        }
        var ignored = _files.Doctor(_files.Segmentation((_, _, _) => 255)).Succeeds();
        Assert.Contains("4 of 4 label images hold nothing but ignored pixels", ignored.Output, StringComparison.Ordinal);
        Assert.Matches("(?m)^ok +training ", ignored.Output);
    }

    // The model and its input.

    [Fact]
    public void Channels_ThatDontAgree_AreAMistakeOfTheConfig_AndTheRemediesWork()
    {
        var config = _files.Classification(["a", "b"], ["a", "b"]);
        string[] gray = ["train.dataset.pipeline.LoadImage.color_type=grayscale", $"train.dataset.pipeline.Normalize={Gray}"];
        string[] alsoVal = [.. gray, "val.dataset.pipeline.LoadImage.color_type=grayscale", $"val.dataset.pipeline.Normalize={Gray}"];
        const string Expected = "ResNet (backbone.conv1, a Conv2d) can't take what it is given, [4 x 1 x 32 x 32]";
        _files
            .Train(config, [.. alsoVal])
            .IsMistake(
                "cls.json:",
                "  model.backbone\n",
                Expected,
                "They have 1 channel, the model takes 3.",
                "\"in_channels\": 1 in model.backbone",
                "color_type \"color\""
            );
        _files.Train(config, gray[0], gray[1], "val=null").IsMistake("cls.json:", Expected);
        _files.Train(config, alsoVal[2], alsoVal[3]).IsMistake("val.dataset\n", Expected); // before the first epoch
        var doctor = _files.Doctor(config, gray);
        Assert.Contains(Expected, doctor.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("defect", doctor.All, StringComparison.Ordinal);
        _files.Train(config, [.. alsoVal, "model.backbone.in_channels=1"]).Succeeds();
        _files
            .Train(config, "model.backbone.in_channels=4")
            .IsMistake(
                "They have 3 channels, the model takes 4. \"in_channels\": 3 in model.backbone",
                "color_type decides how many the images have"
            );
    }

    [Fact]
    public void Channels_OfAPredictedImage_AreAMistake()
    {
        var config = _files.Classification(["a", "b"], ["a", "b"]);
        var workDir = _files.At("run");
        Tool.Run("train", config, "--work-dir", workDir).Succeeds();
        var checkpoint = Path.Combine(workDir, "epoch_1.safetensors");
        Tool.Run(
                "test",
                config,
                checkpoint,
                "--cfg-options",
                "val.dataset.pipeline.LoadImage.color_type=grayscale",
                $"val.dataset.pipeline.Normalize={Gray}"
            )
            .IsMistake("model.backbone", "They have 1 channel, the model takes 3.");
    }

    [Fact]
    public void Loss_ThatDoesNotFit_IsToldWithItsPlace() =>
        _files
            .Train(
                _files.Classification(["a", "b"], ["a", "b"]),
                "model.head.loss={\"type\": \"CrossEntropyLoss\", \"class_weight\": [1, 2, 3]}"
            )
            .IsMistake("--cfg-options  model.head.loss\n", "CrossEntropyLoss: class_weight has 3 values, but there are 2 outputs.");

    [Fact]
    public void Loss_ThatBeginsLater_IsRunOnce()
    {
        var config = _files.Segmentation((_, y, _) => (byte)(y < 10 ? 1 : 0));
        var late = "model.decode_head.losses.late={\"type\": \"TverskyLoss\", \"warmup_iters\": 3, \"class_weight\": [1, 2, 3]}";
        var said = _files.Doctor(config, late);
        Assert.Equal(1, said.Code);
        Assert.Contains("TverskyLoss: class_weight has 3 values, but there are 2 outputs.", said.Output, StringComparison.Ordinal);

        said = _files.Doctor(config, late.Replace("[1, 2, 3]", "[1, 2]", StringComparison.Ordinal)).Succeeds();
        Assert.Matches(
            @"decode\.ce \d\.\d+, decode\.late 0\.000; with all terms begun \(TverskyLoss after 3 iterations\): decode\.ce \d\.\d+, decode\.late 0\.[1-9]",
            said.Output
        );
        Assert.DoesNotContain("never begins", said.Output, StringComparison.Ordinal);

        said = _files
            .Doctor(config, late.Replace("[1, 2, 3]", "[1, 2]", StringComparison.Ordinal).Replace(": 3,", ": 4,", StringComparison.Ordinal))
            .Succeeds();
        Assert.Contains(
            "(TverskyLoss) never begins: its warmup_iters is 4, and the run has 4 iterations.",
            said.Output,
            StringComparison.Ordinal
        ); // 2 epochs of 2
    }

    [Fact]
    public void Loss_ThatContrastsWithAMemory_IsRunOnce()
    {
        var config = _files.Segmentation((_, y, _) => (byte)(y < 10 ? 1 : 0));
        var said = _files
            .Doctor(
                config,
                "model.projection_head={\"type\": \"ProjectionHead\", \"dim\": 8}",
                "model.decode_head.losses.contrast={\"type\": \"PixelContrastLoss\", \"warmup_iters\": 3, \"memory\": {\"start_iters\": 2}}"
            )
            .Succeeds();
        Assert.Matches(
            @"decode\.contrast 0\.000; with all terms begun \(PixelContrastLoss after 3 iterations\): .*decode\.contrast [0-9.]*[1-9]",
            said.Output
        );
    }

    // Options written for another type.

    [Fact]
    public void Options_OfAnotherType_AreTold_AndTheRemediesSilenceIt()
    {
        _files.Classification(["a", "b"], ["a", "b"]);
        var whole = File.ReadAllText(_files.At("cls.json"));
        var start = whole.IndexOf("\"stage_blocks\"", StringComparison.Ordinal);
        var end = whole.IndexOf('}', start);
        _files.Write("base.json", whole[..start].TrimEnd().TrimEnd(',') + whole[end..]); // a ResNet with a depth alone
        string Child(string backbone) =>
            _files.Write("child.json", $"{{ \"_base_\": \"base.json\",\n  \"model\": {{ \"backbone\": {{ {backbone} }} }} }}");

        const string Small = "\"image_size\": 32, \"patch_size\": 16, \"embed_dim\": 16, \"num_heads\": 2";
        var swapped = Child($"\"type\": \"VisionTransformer\", {Small}");
        const string Expected = "  depth = 18 was written for ResNet; VisionTransformer, which stands there now (";
        var said = _files.Train(swapped).Succeeds();
        Assert.Contains("base.json:", said.All, StringComparison.Ordinal);
        Assert.Contains("  model.backbone.depth\n", said.All, StringComparison.Ordinal);
        Assert.Contains(Expected, said.All, StringComparison.Ordinal);
        Assert.Contains("child.json:2)", said.All, StringComparison.Ordinal);
        Assert.Contains(Expected, _files.Doctor(swapped).Succeeds().Output, StringComparison.Ordinal);
        Assert.Contains(Expected, Tool.Run("print-config", swapped).Succeeds().Error, StringComparison.Ordinal);

        foreach (
            var remedy in new[]
            {
                $"\"type\": \"VisionTransformer\", \"depth\": 18, {Small}",
                $"\"_delete_\": true, \"type\": \"VisionTransformer\", \"depth\": 2, {Small}",
            }
        )
            Assert.DoesNotContain("was written for", _files.Doctor(Child(remedy)).Succeeds().Output, StringComparison.Ordinal);

        // From the command line, and there and back.
        var commanded = _files
            .Doctor(
                _files.At("base.json"),
                "model.backbone.type=VisionTransformer",
                "model.backbone.image_size=32",
                "model.backbone.embed_dim=16",
                "model.backbone.num_heads=2"
            )
            .Succeeds();
        Assert.Contains(Expected, commanded.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("image_size = 32 was written", commanded.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "was written for",
            _files.Doctor(swapped, "model.backbone={\"_delete_\": true, \"type\": \"ResNet\", \"depth\": 18}").Succeeds().Output,
            StringComparison.Ordinal
        );
        var optimizer = _files.Doctor(_files.At("base.json"), "optimizer.type=AdamW").Succeeds();
        Assert.Contains("lr = 0.01 was written for Sgd; AdamW", optimizer.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_OfTesserasOwnConfigs_AreAllTheirOwn()
    {
        var registry = Composition.Registry();
        var found = Directory
            .EnumerateFiles(Path.Combine(Snippets.Repository, "configs"), "*.json", SearchOption.AllDirectories)
            .Where(path => Path.GetFileName(path) != "schema.json")
            .SelectMany(path => InheritedOptions.Find(registry, ConfigDocument.Load(path, environment: _ => "x")));
        Assert.Empty(found);
    }

    // Doctor itself.

    /// <summary>Faults of every kind: doctor says so and ends.</summary>
    [Theory]
    [InlineData("train.dataset.pipeline=[]")]
    [InlineData("val.dataset.pipeline=[]")]
    [InlineData("train.dataset.split=nowhere")]
    [InlineData("train.loader.batch_size=100", "train.loader.drop_last=true")]
    [InlineData("train.loader.batch_size=1")]
    [InlineData("model.neck={\"type\": \"Fpn\", \"out_channels\": 16, \"start_level\": 9}")]
    [InlineData("model.backbone.out_indices=[9]")]
    [InlineData("model.backbone.in_channels=5")]
    [InlineData("model.head.loss={\"type\": \"MseLoss\"}")]
    [InlineData("val.metrics.iou={\"type\": \"MeanIoU\"}")]
    [InlineData("val.metrics.accuracy.top_k=[5]")]
    [InlineData("train.freeze=[\"nothing\"]")]
    [InlineData("train.freeze=[\"*\"]")]
    [InlineData("optimizer.groups={\"nothing\": {\"lr_mult\": 0}}")]
    [InlineData("optimizer.lr=1e30")]
    [InlineData("train=null", "val=null")]
    [InlineData("train=null")]
    [InlineData("val=null")]
    [InlineData("optimizer=null")]
    [InlineData("device=cuda:9")]
    [InlineData("work_dir=/proc/nowhere")]
    public void Doctor_NeverEndsInAnException(params string[] changes)
    {
        var said = _files.Doctor(_files.Classification(["a", "b"], ["a", "b"]), changes);
        Assert.True(said.Code is 0 or 1, said.All);
        Assert.DoesNotContain("defect", said.All, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", said.All, StringComparison.Ordinal);
        Assert.Matches(said.Code == 0 ? @"All is well\.|Nothing stands in the way" : @"\d+ failed\.|\n|\.", said.All);
    }

    [Fact]
    public void Doctor_OfFilesThatAreNone_NeverEndsInAnException()
    {
        var config = _files.Classification(["a", "b"], ["a", "b"]);
        foreach (var bytes in new byte[][] { [], [1, 2, 3], JudgedFiles.Png(1)[..40], [.. "GIF89a"u8, 1, 0, 1, 0], [.. "hello"u8] })
        {
            _files.Write("folders/train/a/0.png", bytes);
            var said = _files.Doctor(config);
            Assert.Equal(1, said.Code);
            Assert.Contains("0.png", said.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("defect", said.All, StringComparison.Ordinal);
        }
        foreach (
            var text in new[] { "", "[]", "{}", "{\"images\": 3}", "{\"images\": [], \"annotations\": [], \"categories\": []}", "nonsense" }
        )
        {
            var detection = _files.Detection(box => JudgedFiles.Json(box));
            _files.Write("boxes.json", text);
            var said = _files.Doctor(detection);
            Assert.Equal(1, said.Code);
            Assert.DoesNotContain("defect", said.All, StringComparison.Ordinal);
        }
    }
}
