using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>What is known of data as a whole before a run: every file by itself would pass.</summary>
[Collection(InProcess.Name)]
public sealed class DataJudgementTests : IDisposable
{
    private readonly JudgedFiles _files = new();

    public void Dispose() => _files.Dispose();

    // Masks.

    [Fact]
    public void Masks_Of0And255_AreRefused_AndBothRemediesWork()
    {
        var config = _files.Segmentation((_, y, _) => y < 10 ? (byte)255 : (byte)0); // 640 of 4,096 pixels each
        _files
            .Train(config)
            .IsMistake(
                "train.dataset\n",
                "no pixel is \"crack\"; 2,560 pixels are 255, which is ignored, and all others (13,824) are 0",
                "val.dataset\n",
                "\"label_map\": { \"0\": \"background\", \"255\": \"crack\" }",
                "\"label_map\": { \"0\": \"background\", \"1\": \"crack\", \"255\": \"ignore\" }"
            );
        string[] Map(string map) => [.. new[] { "train", "val" }.Select(part => $"{part}.dataset.label_map={map}")];
        var said = _files.Doctor(config, Map("{ \"0\": \"background\", \"255\": \"crack\" }")).Succeeds();
        Assert.DoesNotContain("no pixel", said.Output, StringComparison.Ordinal);
        said = _files.Train(config, Map("{ \"0\": \"background\", \"1\": \"crack\", \"255\": \"ignore\" }")).Succeeds();
        Assert.Contains("no pixel is \"crack\"; 2,560 are 255, which is ignored.", said.All, StringComparison.Ordinal);
    }

    [Fact]
    public void Masks_Of0And255_ForOneClass_AreRefused() =>
        _files
            .Train(_files.Segmentation((_, y, _) => y < 10 ? (byte)255 : (byte)0, "\"classes\": [\"crack\"]"))
            .IsMistake("every pixel is \"crack\" or ignored; 2,560 pixels are 255", "\"classes\": [\"background\", \"crack\"]");

    [Fact]
    public void Masks_MostlyIgnored_AreTold()
    {
        var config = _files.Segmentation((_, y, x) => y < 48 ? (byte)255 : (byte)(x % 2)); // three quarters
        var said = _files.Train(config).Succeeds();
        Assert.Contains("train.dataset: 75 % of all pixels are ignored (12,288 are 255)", said.All, StringComparison.Ordinal);
        Assert.Contains("75 % of all pixels are ignored", _files.Doctor(config).Succeeds().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Masks_ThatCountFromOne_AreTold()
    {
        _files
            .Train(_files.Segmentation((_, y, _) => (byte)(y < 10 ? 2 : 1)))
            .IsMistake("4 of 4 samples can't be used", "\"reduce_zero_label\": true makes 1 the first class");
        var reduced = _files.Segmentation(
            (_, y, _) => (byte)(y < 10 ? 2 : 1),
            "\"classes\": [\"background\", \"crack\"], \"reduce_zero_label\": true"
        );
        _files.Doctor(reduced).Succeeds();
        var said = _files
            .Doctor(_files.Segmentation((_, y, _) => (byte)(y < 10 ? 2 : 1), "\"classes\": [\"background\", \"crack\", \"hole\"]"))
            .Succeeds();
        Assert.Contains(
            "no pixel is \"background\". If the values count from 1, \"reduce_zero_label\": true makes 1 the first class.",
            said.Output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Masks_OfAConcatDataset_AreJudgedByTheWholesPipeline()
    {
        var config = _files.Segmentation((_, y, _) => y < 10 ? (byte)255 : (byte)0);
        var part = $"{{\"type\": \"SegmentationFolder\", \"path\": \"{_files.Folder}\", \"classes\": [\"background\", \"crack\"]}}";
        _files
            .Train(
                config,
                "val=null",
                $"train.dataset={{\"_delete_\": true, \"type\": \"ConcatDataset\", \"datasets\": [{part}, {part}], \"pipeline\": "
                    + $"[{{\"type\": \"LoadImage\"}}, {{\"type\": \"LoadSegmentation\"}}, {{\"type\": \"Normalize\"}}]}}"
            )
            .IsMistake("no pixel is \"crack\"");
    }

    [Fact]
    public void Masks_OfExifPhotographs_FollowApplyOrientation()
    {
        var config = _files.Segmentation((_, y, _) => (byte)(y < 10 ? 1 : 0), count: 1);
        foreach (var part in new[] { "train", "val" })
        {
            File.Delete(_files.At(part, "image", "0.png"));
            _files.Write($"{part}/image/0.jpg", JudgedFiles.TurnedJpeg(32, 64, part == "val" ? 4 : 3)); // shown: 64 high, 32 wide
            _files.Write($"{part}/label/0.png", ImageCodec.EncodePng(Half(32, 64)));
        }
        _files
            .Train(config, "train.loader.batch_size=1")
            .IsMistake("turned as its EXIF orientation says", "set \"apply_orientation\": false in LoadImage");
        _files
            .Train(
                config,
                "train.loader.batch_size=1",
                "train.dataset.pipeline.LoadImage.apply_orientation=false",
                "val.dataset.pipeline.LoadImage.apply_orientation=false"
            )
            .Succeeds();
        foreach (var part in new[] { "train", "val" })
            _files.Write($"{part}/label/0.png", ImageCodec.EncodePng(Half(64, 32)));
        _files.Train(config, "train.loader.batch_size=1").Succeeds();
        _files
            .Train(config, "train.loader.batch_size=1", "train.dataset.pipeline.LoadImage.apply_orientation=false")
            .IsMistake("as its EXIF orientation turns it: set \"apply_orientation\": true in LoadImage");

        static Image Half(int height, int width)
        {
            var labels = new Image(height, width, 1);
            labels.Bytes.AsSpan(0, height * width / 2).Fill(1);
            return labels;
        }
    }

    // Boxes.

    [Fact]
    public void Boxes_InFractions_AreRefused() =>
        _files
            .Train(_files.Detection(box => JudgedFiles.Json([.. box.Select(value => value / 64)])))
            .IsMistake(
                "boxes.json: all 6 boxes lie within 0 to 1: they are written as fractions",
                "would be less than a pixel of its image of 64 x 64"
            );

    [Fact]
    public void Boxes_AsCorners_AreRefused() =>
        _files
            .Train(_files.Detection(box => JudgedFiles.Json(box[0], box[1], box[0] + box[2], box[1] + box[3])))
            .IsMistake(
                "boxes.json: the boxes are written as two corners, [x1, y1, x2, y2]: so all 6 lie within their images, but as [x, y, "
                    + "width, height], which is expected, 3 reach beyond.",
                "Write width = x2 - x1 and height = y2 - y1"
            );

    [Fact]
    public void Boxes_AsTheyShouldBe_AreNotDoubted()
    {
        var said = _files.Doctor(_files.Detection(box => JudgedFiles.Json(box))).Succeeds();
        Assert.DoesNotMatch("(?m)^warn +(train|val) ", said.Output);
    }

    [Fact]
    public void Boxes_AsText_AreReadAndTold() =>
        Assert.Contains(
            "24 numbers are written as text; they are read as numbers",
            _files
                .Train(
                    _files.Detection(box => new System.Text.Json.Nodes.JsonArray([
                        .. box.Select(value => (System.Text.Json.Nodes.JsonNode)$"{value}"),
                    ]))
                )
                .Succeeds()
                .All,
            StringComparison.Ordinal
        );

    [Fact]
    public void Images_OfAnotherSize_AreToldAllAtOnce()
    {
        var config = _files.Detection(box => JudgedFiles.Json([.. box.Select(value => 2 * value)]), scale: 2);
        var said = _files
            .Train(config)
            .IsMistake(
                "3 of 3 images have another size than their annotations say:",
                "p0.png",
                "p1.png",
                "p2.png: the image is 64 x 64 pixels, its annotation was made for 128 x 128",
                "All of them are 0.5 times as large as annotated",
                "\"check_size\": false"
            );
        Assert.Contains("val.dataset\n", said.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(32, 64, "annotated without their EXIF orientation: \"apply_orientation\": false", false)]
    [InlineData(64, 32, "annotated as their EXIF orientation shows them", true)]
    public void Images_AnnotatedInTheOtherOrientation_NameExif(int height, int width, string expected, bool fits)
    {
        _files.Write("images/turned.jpg", JudgedFiles.TurnedJpeg(32, 64)); // shown: 64 high, 32 wide
        _files.Write(
            "turned.json",
            $$"""
            { "images": [{ "id": 1, "file_name": "turned.jpg", "height": {{height}}, "width": {{width}} }], "categories": [{ "id": 1, "name": "a" }],
              "annotations": [{ "id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 6, 20, 16] }] }
            """
        );
        string[] changes = ["train.loader.batch_size=1"];
        var oriented = _files.DetectionConfig("images", "turned.json");
        var said = fits ? _files.Train(oriented, changes).Succeeds() : _files.Train(oriented, changes).IsMistake(expected);
        var stored = _files.DetectionConfig("images", "turned.json", "{ \"type\": \"LoadImage\", \"apply_orientation\": false }");
        said = fits ? _files.Train(stored, changes).IsMistake(expected) : _files.Train(stored, changes).Succeeds();
    }

    [Fact]
    public void Images_MeasuredTurned_AreJudgedAsTheyAreLoaded()
    {
        _files.Write("images/turned.jpg", JudgedFiles.TurnedJpeg(32, 64)); // shown: 64 high, 32 wide
        _files.Write(
            "turned.json",
            """
            { "images": [{ "id": 1, "file_name": "turned.jpg" }], "categories": [{ "id": 1, "name": "a" }],
              "annotations": [{ "id": 1, "image_id": 1, "category_id": 1, "bbox": [40, 6, 20, 16] }] }
            """
        );
        _files
            .Doctor(_files.DetectionConfig("images", "turned.json", "{ \"type\": \"LoadImage\", \"apply_orientation\": false }"))
            .Succeeds();
        var said = _files.Doctor(_files.DetectionConfig("images", "turned.json"));
        Assert.Contains("lies outside its image of 32 x 64", said.Output, StringComparison.Ordinal);
    }

    // Files of results.

    [Fact]
    public void Results_AreJudgedAsAWhole()
    {
        var config = _files.Detection(box => JudgedFiles.Json(box));
        string[] changes = ["--out", _files.At("metrics.json")];
        var good = Tool.Run(["eval-metric", config, _files.Results("good.json", _ => { }), .. changes]).Succeeds();
        Assert.DoesNotContain("warning", good.All, StringComparison.Ordinal);

        var corners = Tool.Run(
                "eval-metric",
                config,
                _files.Results("corners.json", result => Change(result, box => [box[0], box[1], box[0] + box[2], box[1] + box[3]]))
            )
            .Succeeds();
        Assert.Contains(
            "corners.json: the boxes seem to be written as two corners, [x1, y1, x2, y2]: read so, they overlap the truth by 1.00",
            corners.Error,
            StringComparison.Ordinal
        );

        Tool.Run(
                "eval-metric",
                config,
                _files.Results("fractions.json", result => Change(result, box => [.. box.Select(value => value / 64)]))
            )
            .IsMistake("fractions.json: all 6 boxes lie within 0 to 1: they are written as fractions");

        var percent = Tool.Run(
                "eval-metric",
                config,
                _files.Results("percent.json", result => Change(result, box => [.. box.Select(value => value / 0.64)]))
            )
            .Succeeds();
        Assert.Contains(
            "seem to be written as percent of the image's sides: read so, they overlap the truth by 1.00",
            percent.Error,
            StringComparison.Ordinal
        );

        var scores = Tool.Run(
                "eval-metric",
                config,
                _files.Results("scores.json", result => result["score"] = 100 * (double)result["score"]!)
            )
            .Succeeds();
        Assert.Contains("scores reach 90, where 0 to 1 is expected", scores.Error, StringComparison.Ordinal);

        static void Change(System.Text.Json.Nodes.JsonObject result, Func<double[], double[]> change) =>
            result["bbox"] = JudgedFiles.Json(change([.. result["bbox"]!.AsArray().Select(value => (double)value!)]));
    }

    [Theory]
    [InlineData(0, "no result; the first is")]
    [InlineData(1, "no result; the first is")]
    [InlineData(100, null)]
    public void Results_OfFewImages_AreTold(int images, string? said)
    {
        var config = _files.Detection(box => JudgedFiles.Json(box));
        var results = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(_files.Results("all.json", _ => { })))!.AsArray();
        var kept = results.Select(result => (long)result!["image_id"]!).Distinct().Take(images).ToHashSet();
        var some = new System.Text.Json.Nodes.JsonArray([
            .. results.Where(result => kept.Contains((long)result!["image_id"]!)).Select(result => result!.DeepClone()),
        ]);
        var told = Tool.Run("eval-metric", config, _files.Write("some.json", some.ToJsonString())).Succeeds().Error;
        if (said is null)
            Assert.DoesNotContain("no result", told, StringComparison.Ordinal);
        else
            Assert.Contains(said, told, StringComparison.Ordinal);
    }

    [Fact]
    public void Results_WithCategoriesOneTooLow_AreTold()
    {
        var config = _files.Detection(box => JudgedFiles.Json(box));
        var results = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(_files.Results("all.json", _ => { })))!.AsArray();
        var second = new System.Text.Json.Nodes.JsonArray([
            .. results.Where(result => (int)result!["category_id"]! == 2).Select(result => result!.DeepClone()),
        ]);
        foreach (var result in second)
            result!["category_id"] = 1;
        var said = Tool.Run("eval-metric", config, _files.Write("low.json", second.ToJsonString())).Succeeds();
        Assert.Contains("3 results lie where the truth has an object of the next category", said.Error, StringComparison.Ordinal);
    }

    // Classes and pixels.

    [Fact]
    public void Class_AbsentInVal_IsAllowedWhereTheNamesAreGiven()
    {
        string[] names = ["bird", "cat", "dog"];
        var config = _files.Classification(names, ["cat", "dog"]);
        _files
            .Train(config)
            .IsMistake(
                "val.dataset: its classes are others than those of train.dataset (2 and 3). It lacks bird.",
                "give both data sets the names: \"classes\": [\"bird\", \"cat\", \"dog\"]"
            );
        const string Remedy = "val.dataset.classes=[\"bird\", \"cat\", \"dog\"]";
        var said = _files.Train(config, Remedy).Succeeds();
        Assert.Contains(
            "val.dataset: 1 of 3 classes has no sample: \"bird\". Nothing is measured of what isn't there.",
            said.All,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "1 of 3 classes has no sample: \"bird\"",
            _files.Doctor(config, Remedy).Succeeds().Output,
            StringComparison.Ordinal
        );
        _files
            .Train(config, "val.dataset.classes=[\"bird\", \"cta\", \"dog\"]")
            .IsMistake("no class folder \"cta\". Did you mean \"cat\"?");
    }

    [Theory]
    [InlineData("caf\u00E9", "cafe\u0301")]
    [InlineData("\u304C", "\u304B\u3099")] // kana
    [InlineData("\uAC01", "\u1100\u1161\u11A8")] // Hangul
    [InlineData("ti\u1EC7n", "tie\u0323\u0302n")]
    public void ClassFolders_InAnotherUnicodeForm_AreTheSame(string composed, string decomposed)
    {
        Assert.Equal(composed, ClassNames.Normalize(decomposed));
        Assert.Equal(composed, ClassNames.Normalize(composed));
        var config = _files.Classification(["dog", composed], ["dog", decomposed]);
        _files.Train(config).Succeeds();
        _files
            .Train(config, $"val.dataset.classes=[\"{decomposed}\", \"dog\"]", $"train.dataset.classes=[\"{composed}\", \"dog\"]")
            .Succeeds();
    }

    [Theory]
    [InlineData(
        "001,002,003,001",
        "labels are written with leading zeros (\"001\", \"002\", \"003\") and are taken as numbers, which count from 0: \"001\" is "
            + "class 1.",
        "1 of 4 classes has no sample: \"0\". What isn't there can't be learned. If the labels count from 1"
    )]
    [InlineData("1,2,3,1", "1 of 4 classes has no sample: \"0\"", "If the labels count from 1, all of them are one too high.")]
    [InlineData("0,01,1,02", "\"01\" and \"1\" are one class", "leading zeros")]
    public void Labels_ThatAreNumbers_AreJudged(string labels, params string[] expected)
    {
        var config = _files.Classification(["x"], ["x"]);
        var rows = labels.Split(',').Select((label, i) => $"folders/train/x/{i}.png,{label}");
        _files.Write("list.csv", "image,label\n" + string.Join('\n', rows) + "\n");
        var dataset =
            $"{{\"_delete_\": true, \"type\": \"ImageList\", \"path\": \"{_files.At("list.csv")}\", \"pipeline\": [{{\"type\": "
            + $"\"LoadImage\"}}, {{\"type\": \"Normalize\"}}]}}";
        var said = _files.Train(config, $"train.dataset={dataset}", "val=null").Succeeds();
        Assert.All(expected, part => Assert.Contains(part, said.All, StringComparison.Ordinal));
    }

    [Fact]
    public void Labels_FromOne_OutOfRange_SaySo()
    {
        var config = _files.Classification(["x"], ["x"]);
        _files.Write("list.csv", "image,label\nfolders/train/x/0.png,1\nfolders/train/x/1.png,2\n");
        _files
            .Train(
                config,
                $"train.dataset={{\"_delete_\": true, \"type\": \"ImageList\", \"path\": \"{_files.At("list.csv")}\", \"classes\": "
                    + $"[\"a\", \"b\"]}}",
                "val=null"
            )
            .IsMistake("list.csv:3  label 2 is out of range", "Do the labels count from 1?");
    }

    [Theory]
    [InlineData(4095, true)]
    [InlineData(1000, true)]
    [InlineData(65000, false)]
    public void Pixels_OfFewerBitsThanTheirFiles_AreTold(int greatest, bool told)
    {
        var said = _files.Doctor(_files.Classification(["a", "b"], ["a", "b"], seed => Deep(seed, greatest))).Succeeds();
        Assert.Equal(
            told,
            said.Output.Contains("the images' files have 16 bits a channel, but their values reach only", StringComparison.Ordinal)
        );
        if (greatest == 4095)
            Assert.Contains("so that they hold 12 bits", said.Output, StringComparison.Ordinal);

        static byte[] Deep(int seed, int greatest)
        {
            var image = new Image(32, 32, 1, PixelType.UInt16, new byte[32 * 32 * 2]);
            var random = new Random(seed);
            var values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ushort>(image.Bytes.AsSpan());
            for (var i = 0; i < values.Length; i++)
                values[i] = (ushort)random.Next(greatest);
            values[0] = (ushort)greatest;
            return ImageCodec.EncodePng(image);
        }
    }
}
