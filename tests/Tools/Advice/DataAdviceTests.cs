using System.Text.Json.Nodes;
using SkiaSharp;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Tests.Tools.EndToEnd;

namespace Tessera.Tests.Tools.Advice;

/// <summary>Mistakes in files of data: each remedy that the message names is carried out. No tool sends a user to another that sends him
/// back.</summary>
[Collection(InProcess.Name)]
public sealed class DataAdviceTests : IDisposable
{
    private readonly AdviceFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private void Masks(Func<int, Image> mask, string extension = "png", Func<Image, byte[]>? encode = null)
    {
        for (var i = 0; i < 4; i++)
        {
            _folder.Write($"data/train/image/{i}.png", ImageCodec.EncodePng(new Image(32, 32, 3)));
            _folder.Write($"data/train/label/{i}.{extension}", (encode ?? (image => ImageCodec.EncodePng(image)))(mask(i)));
        }
    }

    /// <summary>Left half one value, right half another, in so many channels.</summary>
    private static Image Halves(byte[] left, byte[] right)
    {
        var image = new Image(32, 32, left.Length);
        for (var i = 0; i < 32 * 32; i++)
            (i % 32 < 16 ? left : right).CopyTo(image.Bytes.AsSpan(i * left.Length));
        return image;
    }

    /// <summary>The label_map that convert-masks gives to paste.</summary>
    private string Converted(params string[] options)
    {
        var said = Tool.Run(["convert-masks", _folder.At("data/train/label"), _folder.At("index"), .. options]).Succeeds();
        Directory.Delete(_folder.At("data/train/label"), true);
        Directory.Move(_folder.At("index"), _folder.At("data/train/label"));
        File.Delete(_folder.At("data/train/label/legend.json"));
        var line = said.Output.Split('\n').Single(text => text.StartsWith("\"label_map\": ", StringComparison.Ordinal));
        return JsonNode.Parse($"{{ {line} }}")!["label_map"]!.ToJsonString();
    }

    [Fact]
    public void ColoursForValues_ByColour_OrConverted()
    {
        Masks(_ => Halves([255, 0, 0], [0, 255, 0]));
        var byValue = """{ "0": "car", "1": "grass" }""";
        _folder
            .Train(_folder.Masks(byValue))
            .IsMistake("Write label_map by colour (\"#804080\": \"road\"), or turn the masks into indices with tools/convert-masks.");
        _folder.Train(_folder.Masks("""{ "#FF0000": "car", "#00FF00": "grass" }""")).Succeeds();
        _folder.Train(_folder.Masks(Converted())).Succeeds();
    }

    [Fact]
    public void GrayWithAlpha_IsNotSentInACircle()
    {
        Masks(_ => Halves([0, 255], [1, 255]));
        _folder.Train(_folder.Masks("""{ "0": "car", "1": "grass" }""")).IsMistake("2 channels", "tools/convert-masks");
        _folder.Train(_folder.Masks(Converted())).Succeeds();
    }

    [Theory]
    [InlineData("webp", "One channel was expected", null)]
    [InlineData("jpg", "tools/convert-masks with --tolerance", "8")]
    public void GrayOfALossyFormat_IsNotSentInACircle(string extension, string says, string? tolerance)
    {
        // JPEG puts values between the two.
        Masks(_ => Halves([0], [200]), extension, image => extension == "jpg" ? ImageCodec.EncodeJpeg(Noisy(image)) : WebP(image));
        _folder.Train(_folder.Masks("""{ "0": "car", "200": "grass" }""")).IsMistake(says);
        _folder.Write("legend.json", """{ "car": "#000000", "grass": "#C8C8C8" }""");
        string[] options = tolerance is null ? [] : ["--legend", _folder.At("legend.json"), "--tolerance", tolerance];
        _folder.Train(_folder.Masks(Converted(options))).Succeeds();
    }

    [Fact]
    public void SoftValuesOfAGrayMask_AreGathered_AsTheMessageSays()
    {
        Masks(_ => Noisy(Halves([0], [200])));
        _folder
            .Train(_folder.Masks("""{ "0": "car", "200": "grass" }"""))
            .IsMistake("which label_map lacks. Give each value a class, or \"ignore\".");
        _folder.Train(_folder.Masks("""{ "0": "car", "200": "grass", "3": "ignore", "203": "ignore" }""")).Succeeds();
        Tool.Run("convert-masks", _folder.At("data/train/label"), _folder.At("out")).IsMistake("It needs no converting", "--tolerance N");
        _folder.Train(_folder.Masks(Converted("--tolerance", "5"))).Succeeds();
    }

    [Fact]
    public void ValuesForColours_ByValue()
    {
        Masks(_ => Halves([0], [1]));
        _folder
            .Train(_folder.Masks("""{ "#FF0000": "car", "#00FF00": "grass" }"""))
            .IsMistake("Write label_map by value (\"0\": \"road\").");
        _folder.Train(_folder.Masks("""{ "0": "car", "1": "grass" }""")).Succeeds();
    }

    [Fact]
    public void SegmentationMaps_Missing_AreLoaded()
    {
        Masks(_ => Halves([0], [1]));
        var config = _folder.Masks("""{ "0": "car", "1": "grass" }""");
        _folder
            .Train(config, "train.dataset.pipeline=[{\"type\": \"LoadImage\"}, {\"type\": \"Normalize\"}]")
            .IsMistake("Put a LoadSegmentation step behind LoadImage in the pipeline.");
        _folder.Train(config).Succeeds(); // its pipeline has that step there
        _folder
            .Train(config, "train.dataset.pipeline=[{\"type\": \"LoadImage\"}, {\"type\": \"LoadAnnotations\"}, {\"type\": \"Normalize\"}]")
            .IsMistake("MMDetection", "LoadSegmentation");
    }

    [Fact]
    public void Images_StepsAndLimits()
    {
        for (var i = 0; i < 8; i++)
            _folder.Write($"images/{(i % 2 == 0 ? "a" : "b")}/{i}.png", TinyRun.Png(i));
        var images =
            $"train.dataset={{\"_delete_\": true, \"type\": \"ImageFolder\", \"path\": \"{_folder.At("images")}\", \"pipeline\": STEPS}}";
        Said Train(string steps, params string[] more) =>
            _folder.Train(_folder.Classifier(), [images.Replace("STEPS", steps, StringComparison.Ordinal), "val=null", .. more]);

        Train("""[{"type": "Normalize"}]""").IsMistake("Put a LoadImage step before.");
        Train("""[{"type": "LoadImage", "max_pixels": 100}, {"type": "Normalize"}]""")
            .IsMistake("Raise max_pixels of LoadImage if that is meant.");
        Train("""[{"type": "LoadImage", "max_pixels": 1024}, {"type": "Normalize"}]""").Succeeds();

        _folder.Write("lists/list.csv", "image,label\n../images/a/0.png,a\n../images/b/1.png,b\n");
        var list =
            $"train.dataset={{\"_delete_\": true, \"type\": \"ImageList\", \"path\": \"{_folder.At("lists/list.csv")}\", \"pipeline\": "
            + $"[{{\"type\": \"LoadImage\"}}, {{\"type\": \"Normalize\"}}]}}";
        _folder.Train(_folder.Classifier(), list, "val=null").IsMistake("Set allow_outside to true if that is meant.");
        _folder.Train(_folder.Classifier(), list, "val=null", "train.dataset.allow_outside=true").Succeeds();
    }

    [Fact]
    public void DataRoot_IsSetAsTheMessageSays()
    {
        for (var i = 0; i < 4; i++)
            _folder.Write($"there/images/{(i % 2 == 0 ? "a" : "b")}/{i}.png", TinyRun.Png(i));
        string[] changes =
        [
            "data_root=nowhere",
            "val=null",
            "train.dataset={\"_delete_\": true, \"type\": \"ImageFolder\", \"path\": \"${data_root}/images\", \"pipeline\": "
                + "[{\"type\": \"LoadImage\"}, {\"type\": \"Normalize\"}]}",
        ];
        _folder.Train(_folder.Classifier(), changes).IsMistake("Where the data lies is set by data_root (--cfg-options data_root=…).");
        _folder.Train(_folder.Classifier(), [.. changes, $"data_root={_folder.At("there")}"]).Succeeds();
    }

    [Theory]
    [InlineData("on_bad_box", "[5, 5, -3, 4]", 1, "a.png")]
    [InlineData("on_unknown_class", "[5, 5, 10, 10]", 9, "a.png")]
    [InlineData("on_missing_image", "[5, 5, 10, 10]", 1, "gone.png")]
    public void Annotations_ThatCannotBeUsed_AreSkipped(string option, string box, int category, string image)
    {
        _folder.Write("coco/a.png", TinyRun.Png(0));
        _folder.Write("coco/b.png", TinyRun.Png(1));
        _folder.Write(
            "coco/annotations.json",
            $$"""
            { "images": [ { "id": 1, "file_name": "b.png", "width": 32, "height": 32 }, { "id": 2, "file_name": "{{image}}", "width": 32, "height": 32 } ],
              "categories": [ { "id": 1, "name": "circle" } ],
              "annotations": [ { "id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 4, 20, 20], "area": 400, "iscrowd": 0 },
                               { "id": 2, "image_id": 2, "category_id": {{category}}, "bbox": {{box}}, "area": 12, "iscrowd": 0 } ] }
            """
        );
        var data =
            $"train.dataset={{\"_delete_\": true, \"type\": \"CocoDetection\", \"path\": \"{_folder.At("coco")}\", \"annotations\": "
            + $"\"{_folder.At("coco/annotations.json")}\", \"pipeline\": [{{\"type\": \"LoadImage\"}}, {{\"type\": \"Resize\", "
            + $"\"size\": [64, 64]}}, {{\"type\": \"Normalize\"}}]}}";
        _folder.Train(_folder.Detector(), data, $"train.dataset.{option}=error").IsMistake($"\"{option}\": \"skip\" leaves it out.");
        _folder.Train(_folder.Detector(), data, $"train.dataset.{option}=skip").Succeeds();
        if (option == "on_missing_image")
            return; // a conversion of COCO's file reads no images
        Tool.Run("convert-dataset", _folder.At("coco/annotations.json"), _folder.At("voc"), "--from", "coco")
            .IsMistake("--skip-bad leaves out what can't be used.");
        Tool.Run("convert-dataset", _folder.At("coco/annotations.json"), _folder.At("voc"), "--from", "coco", "--skip-bad").Succeeds();
    }

    [Fact]
    public void Conversion_OfWhatTellsNoClasses()
    {
        _folder.Write("plain/a.png", TinyRun.Png(0));
        Tool.Run("convert-dataset", _folder.At("plain"), _folder.At("o.json"), "--from", "images").IsMistake("name them with --classes");
        Tool.Run("convert-dataset", _folder.At("plain"), _folder.At("o.json"), "--from", "images", "--classes", "circle,square").Succeeds();
    }

    private static Image Noisy(Image mask)
    {
        for (var i = 0; i < mask.Bytes.Length; i += 7)
            mask.Bytes[i] += 3;
        return mask;
    }

    private static byte[] WebP(Image gray)
    {
        using var bitmap = new SKBitmap(gray.Width, gray.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        for (var i = 0; i < gray.Bytes.Length; i++)
            bitmap.SetPixel(i % gray.Width, i / gray.Width, new SKColor(gray.Bytes[i], gray.Bytes[i], gray.Bytes[i]));
        using var pixels = bitmap.PeekPixels();
        using var encoded = pixels.Encode(new SKWebpEncoderOptions(SKWebpEncoderCompression.Lossless, 100));
        return encoded!.ToArray();
    }
}
