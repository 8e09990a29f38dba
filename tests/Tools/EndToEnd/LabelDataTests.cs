using Tessera.Datasets.Images;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>A tiny segmentor on label images of a folder: labels that can't be used are said before training, by every tool.</summary>
[Collection(InProcess.Name)]
public sealed class LabelDataTests : IDisposable
{
    private const string Config = """
        {
          "seed": 3, "precision": "fp32", "threads": 1, "device": "cpu",
          "model": {
            "type": "Segmentor",
            "backbone": { "type": "ResNet", "depth": 18, "stem": "small", "base_channels": 8, "strides": [2, 2, 2, 1] },
            "decode_head": { "type": "FcnHead", "channels": 8, "losses": { "ce": { "type": "CrossEntropyLoss" } } }
          },
          "train": {
            "loop": "iterations", "iterations": 2, "validate_every": 2,
            "loader": { "batch_size": 2, "workers": 1 },
            "dataset": {
              "type": "SegmentationFolder", "path": "DATA", "label_map": { "0": "sky", "1": "road", "9": "ignore" },
              "pipeline": [ { "type": "LoadImage" }, { "type": "LoadSegmentation" }, { "type": "RandomResize", "ratio_range": [0.5, 2.0] }, { "type": "RandomCrop", "size": 32 }, { "type": "Normalize" } ]
            }
          },
          "val": {
            "loader": { "batch_size": 1, "workers": 1 },
            "dataset": {
              "type": "SegmentationFolder", "path": "DATA", "split": "val", "label_map": { "0": "sky", "1": "road", "9": "ignore" },
              "pipeline": [ { "type": "LoadImage" }, { "type": "Resize", "shorter_side": 32 }, { "type": "Normalize" }, { "type": "LoadSegmentation" } ]
            },
            "metrics": { "iou": { "type": "MeanIoU" } }
          },
          "optimizer": { "type": "Sgd", "lr": 0.05 }
        }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-labels").FullName;

    public LabelDataTests()
    {
        foreach (var name in (string[])["train/a", "train/b", "train/c", "val/a", "val/b"])
        {
            var (split, stem) = (name.Split('/')[0], name.Split('/')[1]);
            var (height, width) = stem == "a" ? (40, 50) : (45, 37); // sizes that differ
            var photograph = new Image(height, width, 3);
            photograph.Bytes[0] = split == "val" ? (byte)1 : (byte)0; // the parts share none
            Write($"{split}/image/{stem}.png", photograph);
            Write($"{split}/label/{stem}.png", Filled(height, width, stem == "c" ? (byte)9 : (byte)1)); // c is all ignored
        }
        File.WriteAllText(At("tiny.json"), Config.Replace("DATA", At("data"), StringComparison.Ordinal));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string At(string name) => Path.Combine(_folder, name);

    private void Write(string name, Image image)
    {
        var path = At("data/" + name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, ImageCodec.EncodePng(image));
    }

    private static Image Filled(int height, int width, byte value)
    {
        var labels = new Image(height, width, 1);
        labels.Bytes.AsSpan().Fill(value);
        labels.Bytes[0] = value == 9 ? (byte)9 : (byte)0;
        return labels;
    }

    private Said Train(params string[] overrides) =>
        Tool.Run(["train", At("tiny.json"), "--work-dir", At("run"), "--cfg-options", "seed=3", .. overrides]);

    [Fact]
    public void GoodLabels_TrainAndTest_AndPrintTheirTable()
    {
        Assert.Contains("1 of 3 label images hold nothing but ignored pixels", Train().Succeeds().All, StringComparison.Ordinal);
        using (var checkpoint = Checkpoint.Open(At("run/epoch_1.safetensors")))
            Assert.Equal(["sky", "road"], checkpoint.Info.Data.Classes);
        Assert.Contains(
            "mIoU",
            Tool.Run("test", At("tiny.json"), At("run/epoch_1.safetensors")).Succeeds().Output,
            StringComparison.Ordinal
        );
        var printed = Tool.Run(
                "print-config",
                At("tiny.json"),
                "--cfg-options",
                "train.dataset.label_map=null",
                "train.dataset.label_class_ids=[0, 1]",
                "train.dataset.classes=[\"sky\", \"road\"]"
            )
            .Succeeds()
            .Output;
        Assert.Contains("\"*\": \"ignore\"", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("label_class_ids", printed, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(13, "train/label/b.png: 1,664 pixels have the value 13, which label_map lacks")]
    public void ValueOutsideTheMap_StopsEveryToolBeforeItsWork(byte value, string expected)
    {
        Write("train/label/b.png", Filled(45, 37, value));
        Train().IsMistake("train.dataset\n", expected);
        Assert.Empty(Directory.EnumerateFiles(At("run"), "*.safetensors", SearchOption.AllDirectories));
        Assert.Contains(expected, Tool.Run("doctor", At("tiny.json")).All, StringComparison.Ordinal);
        Write("val/label/b.png", Filled(45, 37, value));
        Train("train.loader.on_bad_sample=skip").IsMistake("val.dataset\n", "val/label/b.png: 1,664 pixels");
    }

    [Fact]
    public void BadLabel_SkippedInTheRun_IsSkippedByToolsThatReadItsPredictions()
    {
        File.WriteAllText(At("data/val/label/b.png"), "no image");
        Train("val.loader.on_bad_sample=skip").Succeeds();
        var config = At("run/config.json");
        var measured = Tool.Run("eval-metric", config, At("run"), "--out", At("m.json")).Succeeds();
        Assert.Contains("The figures cover 1 of 2 images", measured.All, StringComparison.Ordinal);
        Tool.Run("confusion-matrix", config, At("run"), "--out", At("matrix.png")).Succeeds();
        Tool.Run("analyze-errors", config, At("run"), "--out-dir", At("errors")).Succeeds();
    }

    [Fact]
    public void OtherSizes_Colours_AndMissingPartners_AreNamedBeforeTraining()
    {
        Write("train/label/a.png", Filled(40, 49, 1));
        var colored = new Image(45, 37, 3);
        colored.Bytes[0] = 200; // a red pixel: equal channels would be values
        Write("train/label/b.png", colored);
        File.Delete(At("data/train/label/c.png"));
        Train()
            .IsMistake(
                "3 of 3 samples can't be used:",
                "train/label/a.png: the labels have 40 x 49 pixels (height x width), their photograph",
                "train/label/b.png: the label image has 3 channels, so it holds colours",
                "train/image/c.png: there are no labels for it;"
            );
    }

    [Fact]
    public void ClassesThatDisagree_AreTold()
    {
        Train("train.dataset.num_classes=3")
            .IsMistake("--cfg-options", "train.dataset.num_classes", "num_classes is 3, but the labels' table has 2 classes (sky, road).");
        Train("val.dataset.classes=[\"road\", \"sky\"]")
            .IsMistake("val.dataset: its classes are others than those of train.dataset", "Their order differs.");
    }

    [Fact]
    public void LoadSegmentation_BehindTheResizeInTraining_IsTold() =>
        Train(
                "train.dataset.pipeline=[{\"type\": \"LoadImage\"}, {\"type\": \"Resize\", \"size\": [32, 32]}, {\"type\": "
                    + "\"Normalize\"}, {\"type\": \"LoadSegmentation\"}]",
                "train.loader.workers=0"
            )
            .IsMistake(
                "the image has come to 32 x 32 pixels, its segmentation map to ",
                "In training, LoadSegmentation stands before the steps that resize and crop."
            );
}
