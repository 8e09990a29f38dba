using Microsoft.Extensions.DependencyInjection;
using Tessera.Datasets.Images;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Running;

namespace Tessera.Tests.Tools.Configs;

/// <summary>The bases of segmentation data, with a pair of files in each data set's layout.</summary>
[Collection(InProcess.Name)]
public sealed class DatasetBaseTests : IDisposable
{
    private const string Model = """
        "model": { "type": "Segmentor", "backbone": { "type": "ResNet", "depth": 18 }, "decode_head": { "type": "FcnHead", "channels": 8, "losses": { "ce": { "type": "CrossEntropyLoss" } } } }
        """;

    private readonly string _root = Directory.CreateTempSubdirectory("tessera-bases").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("camvid", 11, "camvid/{0}/image/a.png", "camvid/{0}/label/a.png", "train", "val")]
    [InlineData(
        "cityscapes",
        19,
        "cityscapes/leftImg8bit/{0}/ulm/a_leftImg8bit.png",
        "cityscapes/gtFine/{0}/ulm/a_gtFine_labelIds.png",
        "train",
        "val"
    )]
    [InlineData(
        "ade20k",
        150,
        "ADEChallengeData2016/images/{0}/a.jpg",
        "ADEChallengeData2016/annotations/{0}/a.png",
        "training",
        "validation"
    )]
    [InlineData("coco_stuff", 171, "coco_stuff164k/images/{0}/a.jpg", "coco_stuff164k/annotations/{0}/a.png", "train2017", "val2017")]
    [InlineData(
        "voc2012",
        21,
        "VOCdevkit/VOC2012/JPEGImages/{0}.jpg",
        "VOCdevkit/VOC2012/SegmentationClass/{0}.png",
        "train",
        "val",
        "VOCdevkit/VOC2012/ImageSets/Segmentation"
    )]
    [InlineData(
        "pascal_context",
        60,
        "VOCdevkit/VOC2010/JPEGImages/{0}.jpg",
        "VOCdevkit/VOC2010/SegmentationClassContext/{0}.png",
        "train",
        "val",
        "VOCdevkit/VOC2010/ImageSets/SegmentationContext"
    )]
    [InlineData("segmentation_folder", 2, "segmentation/{0}/image/a.png", "segmentation/{0}/label/a.png", "train", "val")]
    public void Base_ReadsItsLayout(string name, int classes, string image, string labels, string train, string val, string? lists = null)
    {
        foreach (var split in (string[])[train, val])
        {
            var map = new Image(60, 80, 1);
            map.Bytes.AsSpan(100).Fill(name == "cityscapes" ? (byte)7 : (byte)1); // road's id
            Write(string.Format(null, image, split), ImageCodec.EncodePng(new Image(60, 80, 3)));
            Write(string.Format(null, labels, split), ImageCodec.EncodePng(map));
            if (lists is not null)
                Write($"{lists}/{split}.txt", System.Text.Encoding.ASCII.GetBytes(split + "\n"));
        }
        var own =
            name == "segmentation_folder"
                ? """, "train": { "dataset": { "label_map": { "0": "sky", "1": "road" } } }, "val": { "dataset": { "label_map": "${train.dataset.label_map}" } }"""
                : "";
        var path = Path.Combine(_root, "config.json");
        File.WriteAllText(
            path,
            $$"""{ "_base_": "{{Path.Combine(Snippets.Repository, "configs/_base_/datasets", name + ".json")}}", {{Model}}{{own}} }"""
        );
        var document = ConfigDocument.Load(
            path,
            [$"data_root={_root}", "train.loader.batch_size=1", "train.loader.workers=0", "val.loader.workers=0"],
            environment: _ => null
        );
        using var session = Session.Open(document);
        var data = session.Data[DataPart.Train];
        Assert.Equal((classes, DataTask.Segmentation, 1), (data.Info.Classes.Count, data.Info.Task, data.Count));
        // one small image shows few classes
        Assert.All(data.Check(), note => Assert.Matches("^no pixel is |of all pixels " + "are ignored", note));
        using (var batch = session.Data.Loader(DataPart.Train).Epoch(0).Single())
        {
            Assert.Equal(batch.Images.shape[2..], batch.SegmentationMaps!.shape[1..]);
            var values = batch.SegmentationMaps.flatten().data<long>().ToArray();
            Assert.All(values, value => Assert.True(value == 255 || value < classes));
        }

        var evaluated = session.Data[DataPart.Val];
        Assert.Equal(data.Info.Classes, evaluated.Info.Classes);
        using var original = session.Data.Loader(DataPart.Val).Epoch(0).Single();
        var kept = original.Samples[0].Truth.SegmentationMap!;
        Assert.Equal((60, 80), (kept.Height, kept.Width)); // whatever size the image has come to
        if (original.Images.shape[2] != 60)
            Assert.Null(original.SegmentationMaps);
    }

    private void Write(string name, byte[] bytes)
    {
        var path = Path.Combine(_root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }
}
