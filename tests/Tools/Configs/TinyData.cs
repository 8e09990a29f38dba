using System.IO.Compression;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Tools.Configs;

/// <summary>A data_root with everything that the configs ask for, as small as can be: ten classes, an image each.</summary>
public sealed class TinyData : IDisposable
{
    public TinyData()
    {
        var random = new Random(1);
        foreach (var split in new[] { "train", "val" })
        {
            for (var label = 0; label < 10; label++)
            {
                var folder = Directory.CreateDirectory(Path.Combine(Root, "imagenet", split, $"class{label}")).FullName;
                File.WriteAllBytes(Path.Combine(folder, "1.png"), Png(random, 80, 72));
            }
        }
        foreach (var split in new[] { "train", "val", "test" })
        {
            for (var i = 0; i < 4; i++)
            {
                Write($"camvid/{split}/image/{i}.png", Png(random, 72, 96));
                Write($"camvid/{split}/label/{i}.png", Labels(random, 72, 96, 12));
            }
        }
        foreach (var (ade20k, cityscapes) in new[] { ("training", "train"), ("validation", "val") })
        {
            for (var i = 0; i < 4; i++)
            {
                Write($"ADEChallengeData2016/images/{ade20k}/{i}.jpg", Png(random, 72, 96)); // told by its content
                Write($"ADEChallengeData2016/annotations/{ade20k}/{i}.png", Labels(random, 72, 96, 151));
                Write($"cityscapes/leftImg8bit/{cityscapes}/ulm/{i}_leftImg8bit.png", Png(random, 72, 96));
                Write($"cityscapes/gtFine/{cityscapes}/ulm/{i}_gtFine_labelIds.png", Labels(random, 72, 96, 34));
            }
        }
        foreach (var (folder, name) in new[] { ("bccd", "RBC"), ("VOCdevkit/VOC2007", "dog"), ("VOCdevkit/VOC2012", "cat") })
        {
            foreach (var split in new[] { "train", "val", "trainval", "test" })
            {
                string[] images = [$"{split}1", $"{split}2"];
                Write($"{folder}/ImageSets/Main/{split}.txt", string.Join('\n', images));
                foreach (var image in images)
                {
                    Write($"{folder}/JPEGImages/{image}.jpg", Png(random, 72, 96)); // told by its content
                    Write(
                        $"{folder}/Annotations/{image}.xml",
                        $"<annotation><object><name>{name}</name><bndbox><xmin>11</xmin><ymin>21</ymin><xmax>41</xmax><ymax>51</ymax></bndbox></object></annotation>"
                    );
                }
            }
        }
        foreach (var (split, folder) in new[] { ("trainaug", "SegmentationClassAug"), ("val", "SegmentationClass") })
        {
            string[] images = [split == "val" ? "val1" : "train1", split == "val" ? "val2" : "train2"];
            Write($"VOCdevkit/VOC2012/ImageSets/Segmentation/{split}.txt", string.Join('\n', images));
            foreach (var image in images)
                Write($"VOCdevkit/VOC2012/{folder}/{image}.png", Labels(random, 72, 96, 21));
        }
        foreach (var split in new[] { "train2017", "val2017" })
        {
            foreach (var image in new[] { "a", "b" })
                Write($"coco/{split}/{image}.jpg", Png(random, 72, 96));
            Write(
                $"coco/annotations/instances_{split}.json",
                """
                { "images": [{ "id": 7, "file_name": "a.jpg", "height": 72, "width": 96 }, { "id": 8, "file_name": "b.jpg", "height": 72, "width": 96 }],
                  "categories": [{ "id": 1, "name": "person" }, { "id": 90, "name": "brush" }],
                  "annotations": [{ "id": 1, "image_id": 7, "category_id": 1, "bbox": [10, 20, 20, 30], "segmentation": [[10, 20, 30, 20, 30, 50]] },
                    { "id": 2, "image_id": 8, "category_id": 90, "bbox": [10, 20, 40, 30], "segmentation": [[10, 20, 50, 20, 50, 50, 10, 50]] }] }
                """
            );
            Write(
                $"coco/annotations/panoptic_{split}.json",
                """
                { "images": [{ "id": 7, "file_name": "a.jpg", "height": 72, "width": 96 }, { "id": 8, "file_name": "b.jpg", "height": 72, "width": 96 }],
                  "categories": [{ "id": 1, "name": "person", "isthing": 1 }, { "id": 90, "name": "sky", "isthing": 0 }],
                  "annotations": [{ "image_id": 7, "file_name": "a.png", "segments_info": [{ "id": 1, "category_id": 1, "iscrowd": 0 }] },
                    { "image_id": 8, "file_name": "b.png", "segments_info": [{ "id": 1, "category_id": 90, "iscrowd": 0 }] }] }
                """
            );
            var segment = Enumerable.Range(0, 72 * 96).SelectMany(_ => new byte[] { 1, 0, 0 }).ToArray(); // its id is 1
            foreach (var image in new[] { "a", "b" })
                Write(
                    $"coco/annotations/panoptic_{split}/{image}.png",
                    ImageCodec.EncodePng(new Image(72, 96, 3, PixelType.UInt8, segment))
                );
        }
        LargeVocabularies(random);
        Write("CUB_200_2011/classes.txt", "1 001.Albatross\n2 002.Tern\n3 003.Gull\n4 004.Wren\n5 005.Crow\n"); // the config measures the best five
        Write("CUB_200_2011/images.txt", string.Concat(Enumerable.Range(1, 8).Select(i => $"{i} {i}.png\n")));
        Write("CUB_200_2011/image_class_labels.txt", string.Concat(Enumerable.Range(1, 8).Select(i => $"{i} {1 + (i % 2)}\n")));
        Write("CUB_200_2011/train_test_split.txt", string.Concat(Enumerable.Range(1, 8).Select(i => $"{i} {(i <= 4 ? 1 : 0)}\n")));
        for (var i = 1; i <= 8; i++)
            Write($"CUB_200_2011/images/{i}.png", Png(random, 72, 96));
        for (var i = 0; i < 10; i++)
            Write($"shapes_pseudo/masks/{i:D6}.png", Labels(random, 64, 64, 11)); // of Shapes, by number
        using var zip = ZipFile.Open(Path.Combine(Root, "cifar10.zip"), ZipArchiveMode.Create);
        foreach (var split in new[] { "train", "test" })
        {
            for (var label = 0; label < 10; label++)
            {
                using var entry = zip.CreateEntry($"{split}/class{label}/1.png").Open();
                entry.Write(Png(random, 32, 32));
            }
        }
    }

    /// <summary>LVIS, Objects365 and Open Images, two images each.</summary>
    private void LargeVocabularies(Random random)
    {
        const string box = "\"bbox\": [10, 20, 40, 30], \"area\": 1200, \"segmentation\": [[10, 20, 50, 20, 50, 50, 10, 50]]";
        foreach (var split in new[] { "train", "val" })
        {
            foreach (var image in new[] { "1", "2" })
            {
                Write($"lvis_v1/{split}2017/{image}.jpg", Png(random, 72, 96)); // told by its content
                Write($"Objects365/Obj365_v2/{split}/patch0/{image}.jpg", Png(random, 72, 96));
                Write($"OpenImages/OpenImages/{(split == "val" ? "validation" : split)}/{image}.jpg", Png(random, 72, 96));
            }
            var url = $"\"coco_url\": \"http://images.cocodataset.org/{split}2017";
            Write(
                $"lvis_v1/annotations/lvis_v1_{split}.json",
                $$"""
                { "images": [{ "id": 1, {{url}}/1.jpg", "height": 72, "width": 96, "neg_category_ids": [4], "not_exhaustive_category_ids": [] },
                    { "id": 2, {{url}}/2.jpg", "height": 72, "width": 96, "neg_category_ids": [], "not_exhaustive_category_ids": [1] }],
                  "categories": [{ "id": 1, "name": "acorn", "frequency": "r" }, { "id": 4, "name": "zebra", "frequency": "f" }],
                  "annotations": [{ "id": 1, "image_id": 1, "category_id": 1, {{box}} }, { "id": 2, "image_id": 2, "category_id": 4, {{box}} }] }
                """
            );
            Write(
                $"Objects365/Obj365_v2/annotations/zhiyuan_objv2_{split}.json",
                $$"""
                { "images": [{ "id": 1, "file_name": "images/v1/patch0/1.jpg", "height": 72, "width": 96 },
                    { "id": 2, "file_name": "images/v2/patch0/2.jpg", "height": 72, "width": 96 }],
                  "categories": [{ "id": 2, "name": "Sneakers" }, { "id": 1, "name": "Person" }],
                  "annotations": [{ "id": 1, "image_id": 1, "category_id": 1, "isfake": 0, "iscrowd": 0, {{box}} },
                    { "id": 2, "image_id": 2, "category_id": 2, "isfake": 0, "iscrowd": 0, {{box}} }] }
                """
            );
            Write(
                $"OpenImages/annotations/{(split == "val" ? "validation" : "oidv6-train")}-annotations-bbox.csv",
                "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n"
                    + "1,xclick,/m/dog,1,0.1,0.6,0.2,0.8,0,0,0,0,0\n2,xclick,/m/animal,1,0.1,0.6,0.2,0.8,0,0,1,0,0\n"
            );
        }
        Write("OpenImages/annotations/class-descriptions-boxable.csv", "/m/animal,Animal\n/m/dog,Dog\n");
        Write(
            "OpenImages/annotations/bbox_labels_600_hierarchy.json",
            """{ "LabelName": "/m/0bl9f", "Subcategory": [{ "LabelName": "/m/animal", "Subcategory": [{ "LabelName": "/m/dog" }] }] }"""
        );
        Write(
            "OpenImages/annotations/validation-annotations-human-imagelabels-boxable.csv",
            "ImageID,Source,LabelName,Confidence\n2,verification,/m/dog,0\n"
        );
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("tessera-data").FullName;

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private void Write(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    private void Write(string name, byte[] bytes)
    {
        var path = Path.Combine(Root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }

    private static byte[] Labels(Random random, int height, int width, int values)
    {
        var pixels = new byte[height * width];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)random.Next(values);
        return ImageCodec.EncodePng(new Image(height, width, 1, PixelType.UInt8, pixels));
    }

    private static byte[] Png(Random random, int height, int width)
    {
        var pixels = new byte[height * width * 3];
        random.NextBytes(pixels);
        return ImageCodec.EncodePng(new Image(height, width, 3, PixelType.UInt8, pixels));
    }
}
