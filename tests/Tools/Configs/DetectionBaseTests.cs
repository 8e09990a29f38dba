using Microsoft.Extensions.DependencyInjection;
using Tessera.Datasets.Images;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Running;

namespace Tessera.Tests.Tools.Configs;

/// <summary>The bases of detection data, with an image in each data set's layout; and the tools that look at data.</summary>
[Collection(InProcess.Name)]
public sealed class DetectionBaseTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("tessera-boxes").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("bccd", 3, "RBC")]
    [InlineData("voc0712", 20, "dog")]
    [InlineData("coco_detection", 2, "person")]
    public void Base_ReadsItsLayout_AndTheToolsDo(string name, int classes, string one)
    {
        foreach (var folder in (string[])["bccd", "VOCdevkit/VOC2007", "VOCdevkit/VOC2012"])
        foreach (var split in (string[])["train", "val", "test", "trainval"])
        {
            Write($"{folder}/JPEGImages/{split}.jpg", Picture());
            Text($"{folder}/ImageSets/Main/{split}.txt", split + "\n");
            Text(
                $"{folder}/Annotations/{split}.xml",
                $"<annotation><object><name>{one}</name><bndbox><xmin>11</xmin><ymin>21</ymin><xmax>31</xmax><ymax>51</ymax></bndbox></object>"
                    + $"<object><name>{one}</name><bndbox><xmin>11</xmin><ymin>21</ymin><xmax>11</xmax><ymax>51</ymax></bndbox></object></annotation>"
            );
        }
        foreach (var split in (string[])["train2017", "val2017"])
        {
            Write($"coco/{split}/a.jpg", Picture());
            Text(
                $"coco/annotations/instances_{split}.json",
                """
                { "images": [{ "id": 7, "file_name": "a.jpg", "height": 60, "width": 80 }], "categories": [{ "id": 1, "name": "person" }, { "id": 90, "name": "brush" }],
                  "annotations": [{ "id": 1, "image_id": 7, "category_id": 1, "bbox": [10, 20, 20, 30] }, { "id": 2, "image_id": 7, "category_id": 90, "bbox": [10, 20, 0, 30] }] }
                """
            );
        }
        var path = Path.Combine(_root, "config.json");
        File.WriteAllText(
            path,
            $$"""
            { "_base_": "{{Path.Combine(Snippets.Repository, "configs/_base_/datasets", name + ".json")}}",
              "model": { "type": "Detector", "backbone": { "type": "ResNet", "depth": 18 }, "neck": { "type": "Fpn", "out_channels": 8 }, "bbox_head": { "type": "RetinaHead" } } }
            """
        );
        string[] overrides = [$"data_root={_root}", "train.loader.batch_size=1", "train.loader.workers=0", "val.loader.workers=0"];
        var document = ConfigDocument.Load(path, overrides, environment: _ => null);
        using (var session = Session.Open(document))
        {
            var data = session.Data[DataPart.Train];
            Assert.Equal((classes, DataTask.Detection), (data.Info.Classes.Count, data.Info.Task));
            Assert.Contains(data.Check(), note => note.Contains("1 box can't be used and is skipped", StringComparison.Ordinal));
            using var batch = session.Data.Loader(DataPart.Train).Epoch(0).First();
            Assert.All(batch.Images.shape[2..], side => Assert.Equal(0, side % 32));
            var sample = batch.Samples[0];
            Assert.Equal(1, sample.Truth.Boxes!.Count);
            var scale = sample.Geometry!.Transform.M22;
            Assert.Equal(30 * scale, sample.Truth.Boxes.Corners[3] - sample.Truth.Boxes.Corners[1], 1e-3);
            Assert.Equal([10, 20, 20, 30], sample.Truth.BoxAnnotation!.Boxes); // in the original's pixels
        }
        var stats = Tool.Run(["dataset-stats", path, "--split", "train", "--cfg-options", .. overrides]).Succeeds().Output;
        Assert.Contains("can't be used and is skipped", stats, StringComparison.Ordinal);
        Tool.Run(["browse-dataset", path, "--count", "1", "--out-dir", Path.Combine(_root, "shown"), "--cfg-options", .. overrides])
            .Succeeds();
        Assert.NotEmpty(Directory.EnumerateFiles(Path.Combine(_root, "shown"), "*.png", SearchOption.AllDirectories));
    }

    private static byte[] Picture()
    {
        var image = new Image(60, 80, 3);
        new Random(3).NextBytes(image.Bytes);
        return ImageCodec.EncodePng(image); // told by its content, whatever the name
    }

    private void Text(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    private void Write(string name, byte[] bytes)
    {
        var path = Path.Combine(_root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }
}
