using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Datasets.Synthetic;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Visualization;
using Tessera.Tests.Tools.Output;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>From image labels to a segmentor: a small multi-label classifier, label images made from it, and a segmentor that trains on
/// them.</summary>
[Collection(InProcess.Name)]
public sealed class PseudoLabelTests(PseudoLabelTests.Classifier classifier) : IClassFixture<PseudoLabelTests.Classifier>
{
    private const string Config = """
        {
          "seed": 3, "precision": "fp32", "threads": 1, "device": "cpu",
          "model": {
            "type": "ImageClassifier",
            "backbone": { "type": "ResNet", "depth": 18, "stem": "small", "base_channels": 8, "strides": [1, 2, 2, 1] },
            "head": { "type": "LinearHead" }
          },
          "train": {
            "loop": "iterations", "iterations": 6, "validate_every": 0,
            "loader": { "batch_size": 8, "workers": 0, "sampler": { "type": "RandomSampler" } },
            "dataset": { "type": "Shapes", "task": "multi_label", "truth": true, "count": 7, "size": 32, "max_shapes": 2, "classes": ["circle", "star", "cross"],
              "pipeline": [ { "type": "LoadImage" }, { "type": "RandomFlip" }, { "type": "Normalize" } ] }
          },
          "test": {
            "loader": { "batch_size": 4, "workers": 0 },
            "dataset": { "type": "Shapes", "task": "multi_label", "split": "test", "count": 4, "size": 32, "classes": ["circle", "star", "cross"],
              "pipeline": [ { "type": "LoadImage" }, { "type": "Resize", "size": [32, 32] }, { "type": "Normalize" } ] },
            "metrics": { "map": { "type": "AveragePrecision" } }
          },
          "optimizer": { "type": "AdamW", "lr": 0.01 },
          "hooks": { "checkpoint": { "type": "CheckpointHook", "every_iterations": 6 } }
        }
        """;

    private const string Segmentor = """
        {
          "seed": 1, "precision": "fp32", "threads": 1, "device": "cpu",
          "model": {
            "type": "Segmentor",
            "backbone": { "type": "ResNet", "depth": 18, "base_channels": 8, "stem": "small", "output_stride": 8 },
            "decode_head": { "type": "FcnHead", "channels": 8, "num_convs": 1 }
          },
          "train": {
            "loop": "iterations", "iterations": 2, "validate_every": 0,
            "loader": { "batch_size": 4, "workers": 0, "sampler": { "type": "RandomSampler" } },
            "dataset": { "type": "Shapes", "task": "segmentation", "count": 7, "size": 32, "max_shapes": 2, "classes": ["circle", "star", "cross"], "labels": "MASKS",
              "pipeline": [ { "type": "LoadImage" }, { "type": "LoadSegmentation" }, { "type": "RandomFlip" }, { "type": "Normalize" } ] }
          },
          "test": {
            "loader": { "batch_size": 4, "workers": 0 },
            "dataset": { "type": "Shapes", "task": "segmentation", "split": "train", "count": 7, "size": 32, "max_shapes": 2, "classes": ["circle", "star", "cross"],
              "pipeline": [ { "type": "LoadImage" }, { "type": "Resize", "size": [32, 32] }, { "type": "Normalize" }, { "type": "LoadSegmentation" } ] },
            "metrics": { "iou": { "type": "MeanIoU", "bootstrap": 0 } }
          },
          "optimizer": { "type": "AdamW", "lr": 0.01 },
          "hooks": { "checkpoint": { "type": "CheckpointHook", "every_iterations": 2 } }
        }
        """;

    /// <summary>A classifier after six iterations.</summary>
    public sealed class Classifier : IDisposable
    {
        public Classifier()
        {
            File.WriteAllText(ConfigPath, Config);
            Tool.Run("train", ConfigPath, "--work-dir", At("run")).Succeeds();
        }

        public string Folder { get; } = Directory.CreateTempSubdirectory("tessera-pseudo").FullName;

        public string ConfigPath => At("classifier.json");

        public string Checkpoint => At("run", "iter_6.safetensors");

        public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

        public string New() => At(Guid.NewGuid().ToString("N"));

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }

    [Fact]
    public void Chain_FromImageLabelsToASegmentor()
    {
        var folder = classifier.New();
        var said = Make(folder, "--scales", "0.5,1", "--flip", "--affinity", "pixel", "--background", "two:0.3,0.6").Succeeds();
        Assert.Contains("7 label images in", said.Output, StringComparison.Ordinal);

        var data = Truth();
        var description = Description(folder);
        Assert.Equal(["circle", "star", "cross"], description["classes"]!.AsArray().Select(name => name!.GetValue<string>()));
        Assert.Equal(("grad_cam", "two:0.3,0.6", 7), (Text("source"), Text("background"), description["images"]!.GetValue<int>()));
        var values = new HashSet<byte>();
        for (var i = 0; i < 7; i++)
        {
            var (file, image) = Mask(folder, i);
            Assert.Equal((32, 32), (image.Height, image.Width));
            var shown = data.Get(i).Truth.MultiLabel!;
            Assert.All(image.Bytes.Distinct(), value => Assert.True(value is 0 or 255 || shown[value - 1] == 1, $"{value} in {file}"));
            values.UnionWith(image.Bytes);
            // VOC's colours.
            var colored = ImageCodec.Decode(File.ReadAllBytes(file), file, new DecodeOptions(ColorType.Color));
            var first = Array.FindIndex(image.Bytes, value => value is not (0 or 255));
            if (first >= 0)
            {
                var color = ClassColors.Pascal(4)[image.Bytes[first]];
                Assert.Equal([color.Red, color.Green, color.Blue], colored.Bytes.AsSpan(3 * first, 3).ToArray());
            }
        }
        Assert.True(values.Contains(0) && values.Contains(255) && values.Count > 2);

        // A segmentor takes the folder by its path, and the maps can be measured as predictions are.
        File.WriteAllText(
            classifier.At("segmentor.json"),
            Segmentor.Replace("MASKS", Path.Combine(folder, "masks"), StringComparison.Ordinal)
        );
        Assert.Contains(
            "Done: 2 iterations",
            Tool.Run("train", classifier.At("segmentor.json"), "--work-dir", classifier.New()).Succeeds().All,
            StringComparison.Ordinal
        );
        var plain = classifier.New();
        Make(plain, "--background", "fixed:0.4").Succeeds();
        var metrics = classifier.New() + ".json";
        Tool.Run("eval-metric", classifier.At("segmentor.json"), Path.Combine(plain, "masks"), "--out", metrics).Succeeds();
        Assert.InRange(JsonNode.Parse(File.ReadAllText(metrics))!["mIoU"]!.GetValue<double>(), 0.01, 1);

        string Text(string key) => description[key]!.GetValue<string>();
    }

    [Fact]
    public void Scores_ThresholdedAgain_AreTheMasks()
    {
        var folder = classifier.New();
        Make(folder, "--scores", "--source", "patch_similarity", "--label-thr", "0.4").Succeeds();
        var plain = classifier.New();
        Make(plain, "--source", "patch_similarity").Succeeds();
        for (var i = 0; i < 7; i++)
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            using var file = WeightsFile.Open(Path.Combine(folder, "scores", $"{i:D6}.safetensors"));
            Assert.Equal((ElementType.Float16, ElementType.Int64, ElementType.UInt8), (Of("scores"), Of("classes"), Of("labels")));
            var scores = file.Read("scores").to(TorchSharp.torch.ScalarType.Float32);
            Assert.Equal([file.Tensors["classes"].Count, 32, 32], scores.shape);
            var mask = Mask(folder, i).Image.Bytes;
            for (var pixel = 0; pixel < mask.Length; pixel++)
            {
                var (best, label) = (0.45f, 0L);
                for (var k = 0; k < scores.shape[0]; k++)
                {
                    var score = scores[k, pixel / 32, pixel % 32].item<float>();
                    if ((file.Read("labels")[k].item<byte>() & 1) != 0 && score > best)
                        (best, label) = (score, file.Read("classes")[k].item<long>() + 1);
                }
                Assert.Equal(label, mask[pixel]);
            }
            Assert.Equal(mask, Mask(plain, i).Image.Bytes);

            ElementType Of(string name) => file.Tensors[name].Type;
        }
    }

    [Fact]
    public void Search_ChoosesOnHalf_AndGoesOnWhereItWasBrokenOff()
    {
        var folder = classifier.New();
        var said = Make(folder, "--background", "search").Succeeds();
        // SHA-256 of "000003", "000005" and "000006" begin with an even byte.
        Assert.Contains("on 3 images whose pixels are known", said.Output, StringComparison.Ordinal);
        var search = Description(folder)["result"]!["search"]!;
        var threshold = search["threshold"]!.GetValue<double>();
        Assert.Equal("mIoU", search["criterion"]!.GetValue<string>());
        Assert.Equal(search["value"]!.GetValue<double>(), search["curve"]!.AsArray().Max(point => point![1]!.GetValue<double>()), 12);
        var fixedFolder = classifier.New();
        Make(fixedFolder, "--background", FormattableString.Invariant($"fixed:{threshold}")).Succeeds();
        var masks = Enumerable.Range(0, 7).Select(i => File.ReadAllBytes(Mask(folder, i).File)).ToArray();
        for (var i = 0; i < 7; i++)
            Assert.Equal(masks[i], File.ReadAllBytes(Mask(fixedFolder, i).File));

        File.Delete(Path.Combine(folder, "scores", "000003.safetensors"));
        File.Delete(Mask(folder, 5).File);
        Assert.Contains(
            "6 images had been labelled before",
            Make(folder, "--background", "search").Succeeds().All,
            StringComparison.Ordinal
        );
        for (var i = 0; i < 7; i++)
            Assert.Equal(masks[i], File.ReadAllBytes(Mask(folder, i).File));
    }

    [Fact]
    public void AnotherRunsFolder_IsNotGoneOnWith()
    {
        var folder = classifier.New();
        Make(folder).Succeeds();
        File.Delete(Mask(folder, 2).File);
        var written = File.GetLastWriteTimeUtc(Mask(folder, 1).File);
        Make(folder).Succeeds();
        Assert.True(File.Exists(Mask(folder, 2).File));
        Assert.Equal(written, File.GetLastWriteTimeUtc(Mask(folder, 1).File));
        Make(folder, "--flip").IsMistake("holds pseudo labels that were made otherwise", "flip is false, now it is true");
        Tool.Run("train", classifier.ConfigPath, "--work-dir", classifier.At("other"), "--seed", "4").Succeeds();
        Tool.Run("pseudo-labels", classifier.ConfigPath, classifier.At("other", "iter_6.safetensors"), "--out-dir", folder)
            .IsMistake("their checkpoint_sha256 is");
        File.AppendAllText(Path.Combine(folder, "pseudo-labels.json"), "x");
        Make(folder).IsMistake("this is not what this tool writes");
        Make(classifier.Folder).IsMistake("isn't empty and holds no pseudo-labels.json");
        Make(classifier.ConfigPath).IsMistake("this is a file");
    }

    [Fact]
    public void PredictedLabels_NeedNoTruth_AndTellEmptyImages()
    {
        var folder = classifier.New();
        var said = Make(folder, "--labels", "predicted", "--label-thr", "1").Succeeds();
        Assert.Contains("7 images show no class by a probability of 1: all background", said.Error, StringComparison.Ordinal);
        Assert.All(Enumerable.Range(0, 7), i => Assert.Equal(new byte[32 * 32], Mask(folder, i).Image.Bytes));
        var all = classifier.New();
        Make(all, "--labels", "predicted", "--label-thr", "0", "--split", "test").Succeeds();
        Assert.Equal(4, Directory.GetFiles(Path.Combine(all, "masks")).Length);
    }

    [Theory]
    [InlineData("No source of class maps is named \"grad_cma\". Did you mean \"grad_cam\"?", "--source", "grad_cma")]
    [InlineData("--background is \"fixd:0.4\"; fixed:0.45", "--background", "fixd:0.4")]
    [InlineData("thresholds from 0 to 1", "--background", "two:0.7,0.25")]
    [InlineData("--scales is \"1,x\"; numbers from 0.05 to 8", "--scales", "1,x")]
    [InlineData("--affinity is \"patsh\"; none, patch, pixel, random_walk was expected. Did you mean \"patch\"?", "--affinity", "patsh")]
    [InlineData("\"trian\" is no part of the data. Did you mean \"train\"?", "--split", "trian")]
    [InlineData("--label-thr is 2; a number from 0 to 1", "--label-thr", "2")]
    [InlineData("no attention among all patches", "--affinity", "patch", "--affinity-from", "attention")]
    [InlineData("class 1 is \"star\" there and \"ring\" here", "--cfg-options", "train.dataset.classes=[\"circle\",\"ring\",\"cross\"]")]
    public void Mistakes_AreTold(string expected, params string[] arguments) => Make(classifier.New(), arguments).IsMistake(expected);

    [Fact]
    public void ASegmentor_IsNoSource()
    {
        File.WriteAllText(classifier.At("exact.json"), Segmentor.Replace(", \"labels\": \"MASKS\"", "", StringComparison.Ordinal));
        Tool.Run("pseudo-labels", classifier.At("exact.json"), classifier.Checkpoint, "--out-dir", classifier.New())
            .IsMistake("its data is for segmentation; pseudo labels are made from a classifier");
        var run = classifier.New();
        Tool.Run("train", classifier.At("exact.json"), "--work-dir", run).Succeeds();
        Tool.Run("pseudo-labels", classifier.ConfigPath, Path.Combine(run, "iter_2.safetensors"), "--out-dir", classifier.New())
            .IsMistake("it holds a model for segmentation");
    }

    [Fact]
    public void Photographs_OfAllSizes_AndOneThatIsBroken()
    {
        // Two folders of photographs, their names the classes.
        var data = classifier.New();
        foreach (var (name, i, height) in new[] { ("cat", 0, 24), ("cat", 1, 40), ("dog", 0, 31), ("dog", 1, 24) })
        {
            var image = new Image(height, 36, 3);
            new Random(height + i).NextBytes(image.Bytes);
            var folder = Directory.CreateDirectory(Path.Combine(data, "images", name)).FullName;
            File.WriteAllBytes(Path.Combine(folder, $"{i}.png"), ImageCodec.EncodePng(image));
        }
        var steps = """[ { "type": "LoadImage" }, { "type": "Resize", "size": [32, 32] }, { "type": "Normalize" } ]""";
        var part = $$"""{ "type": "ImageFolder", "path": "{{data}}", "split": "images", "pipeline": {{steps}} }""";
        var config = Path.Combine(data, "classifier.json");
        File.WriteAllText(
            config,
            $$"""
            {
              "seed": 3, "precision": "fp32", "threads": 1, "device": "cpu",
              "model": { "type": "ImageClassifier", "head": { "type": "LinearHead" },
                "backbone": { "type": "ResNet", "depth": 18, "stem": "small", "base_channels": 4, "strides": [1, 2, 2, 1] } },
              "train": { "loop": "iterations", "iterations": 1, "validate_every": 0, "loader": { "batch_size": 4, "workers": 0 }, "dataset": {{part}} },
              "val": { "loader": { "batch_size": 4, "workers": 0 }, "dataset": {{part}}, "metrics": { "accuracy": { "type": "Accuracy" } } },
              "optimizer": { "type": "AdamW", "lr": 0.01 },
              "hooks": { "checkpoint": { "type": "CheckpointHook", "every_iterations": 1 } }
            }
            """
        );
        var run = classifier.New();
        Tool.Run("train", config, "--work-dir", run).Succeeds();
        var out1 = Path.Combine(data, "pseudo");
        var checkpoint = Path.Combine(run, "iter_1.safetensors");
        Tool.Run(
                "pseudo-labels",
                config,
                checkpoint,
                "--out-dir",
                out1,
                "--background",
                "search",
                "--affinity",
                "random_walk",
                "--steps",
                "3"
            )
            .Succeeds();
        Assert.Equal("Otsu", Description(out1)["result"]!["search"]!["criterion"]!.GetValue<string>()); // no pixel is known
        foreach (var (name, height, label) in new[] { ("cat/0", 24, 1), ("cat/1", 40, 1), ("dog/0", 31, 2), ("dog/1", 24, 2) })
        {
            var mask = ImageCodec.Load(Path.Combine(out1, "masks", name + ".png"), new DecodeOptions(ColorType.Index));
            Assert.Equal((height, 36), (mask.Height, mask.Width));
            Assert.All(mask.Bytes.Distinct(), value => Assert.True(value == 0 || value == label));
        }

        // The folder beside the photographs' is a segmentor's label folder.
        var segmentation = new Datasets.Segmentation.SegmentationFolder(
            new Datasets.Segmentation.SegmentationFolderOptions(data, ImageFolder: "images", LabelFolder: "pseudo/masks")
            {
                LabelMap = new Dictionary<string, string>
                {
                    ["0"] = "background",
                    ["1"] = "cat",
                    ["2"] = "dog",
                    ["255"] = "ignore",
                },
            }
        );
        Assert.Equal(4, segmentation.Count);
        Assert.All(Enumerable.Range(0, 4), i => Assert.NotNull(segmentation.Get(i).SegmentationFile!.Read));
        Assert.Empty(segmentation.LeftOut);

        File.WriteAllBytes(Path.Combine(data, "images", "cat", "1.png"), [1, 2, 3]);
        var out2 = classifier.New();
        var said = Tool.Run("pseudo-labels", config, checkpoint, "--out-dir", out2).Succeeds();
        Assert.Contains("left out: ", said.Error, StringComparison.Ordinal);
        Assert.Contains("3 label images in", said.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(out2, "masks", "cat", "1.png")));
    }

    [Fact]
    public void Output_IsAsWritten()
    {
        var folder = classifier.At("shown");
        WholeOutput.OfGoodRun("pseudo-labels", Make(folder, "--background", "fixed:0.4", "--scores"), classifier.Folder);
    }

    private Said Make(string folder, params string[] arguments) =>
        Tool.Run(["pseudo-labels", classifier.ConfigPath, classifier.Checkpoint, "--out-dir", folder, .. arguments]);

    private static Shapes Truth() =>
        new(new ShapesOptions(Count: 7, Size: 32, Task: DataTask.MultiLabel, MaxShapes: 2, Classes: ["circle", "star", "cross"]));

    private static JsonObject Description(string folder) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "pseudo-labels.json")))!.AsObject();

    private static (string File, Image Image) Mask(string folder, int index)
    {
        var file = Path.Combine(folder, "masks", $"{index:D6}.png");
        return File.Exists(file)
            ? (file, ImageCodec.Decode(File.ReadAllBytes(file), file, new DecodeOptions(ColorType.Index)))
            : (file, new Image(1, 1, 1));
    }
}
