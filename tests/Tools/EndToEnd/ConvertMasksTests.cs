using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Tools.EndToEnd;

[Collection(InProcess.Name)]
public sealed class ConvertMasksTests : IDisposable
{
    private static readonly byte[] Red = [255, 0, 0],
        Green = [0, 255, 0],
        Black = [0, 0, 0],
        NearRed = [250, 4, 0];

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-masks").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string At(string name) => Path.Combine(_folder, name);

    private void Mask(string name, params byte[][] pixels)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllBytes(
            At(name),
            ImageCodec.EncodePng(new Image(1, pixels.Length, 3, PixelType.UInt8, [.. pixels.SelectMany(pixel => pixel)]))
        );
    }

    private byte[] Indices(string name) => ImageCodec.Load(At(name), new DecodeOptions(ColorType.Index)).Bytes;

    [Fact]
    public void LegendFound_ByColour_AndAPaletteThatLooksAlike()
    {
        Mask("in/a.png", Red, Green, Green);
        Mask("in/deep/b.png", Green, Black, Red);
        var said = Tool.Run("convert-masks", At("in"), At("out")).Succeeds();
        Assert.Equal([2, 1, 1], Indices("out/a.png"));
        Assert.Equal([1, 0, 2], Indices("out/deep/b.png"));
        Assert.Contains($"--legend {At("out/legend.json")} gives them the same numbers", said.Error, StringComparison.Ordinal);
        Assert.Equal([255, 0, 0, 0, 255, 0, 0, 255, 0], ImageCodec.Load(At("out/a.png")).Bytes);
        Assert.Contains(
            "\"label_map\": { \"0\": \"class_0\", \"1\": \"class_1\", \"2\": \"class_2\" }",
            said.Output,
            StringComparison.Ordinal
        );
        var legend = JsonNode.Parse(File.ReadAllText(At("out/legend.json")))!;
        Assert.Equal(
            ["#000000 1", "#00FF00 3", "#FF0000 2"],
            legend["classes"]!.AsArray().Select(item => $"{item!["color"]} {item["pixels"]}")
        );
        // What was written serves as a legend, with names changed.
        File.WriteAllText(At("legend.json"), legend.ToJsonString().Replace("class_1", "grass", StringComparison.Ordinal));
        Assert.Contains(
            "\"1\": \"grass\"",
            Tool.Run("convert-masks", At("in"), At("again"), "--legend", At("legend.json")).Succeeds().Output,
            StringComparison.Ordinal
        );
        Assert.Equal(Indices("out/deep/b.png"), Indices("again/deep/b.png"));
    }

    /// <summary>Whatever is frequent in a split, its colours have the same numbers; but for colours that it lacks.</summary>
    [Fact]
    public void LegendFound_OfTwoSplits_IsTheSame()
    {
        Mask("train/a.png", Red, Green, Green, Black);
        Mask("val/a.png", Red, Red, Red, Green, Black);
        Tool.Run("convert-masks", At("train"), At("train2")).Succeeds();
        Tool.Run("convert-masks", At("val"), At("val2")).Succeeds();
        Assert.Equal([2, 1, 1, 0], Indices("train2/a.png"));
        Assert.Equal([2, 2, 2, 1, 0], Indices("val2/a.png"));
        Mask("test/a.png", Red, Black);
        Tool.Run("convert-masks", At("test"), At("test2"), "--legend", At("train2/legend.json")).Succeeds();
        Assert.Equal([2, 0], Indices("test2/a.png"));
    }

    [Theory]
    [InlineData("legend.json", """{ "grass": "#00FF00", "car": [255, 0, 0], "ignore": "0,0,0" }""")]
    [InlineData("legend.json", """{ "#00FF00": "grass", "255,0,0": "car", "#000000": "ignore" }""")]
    [InlineData("legend.csv", "name,r,g,b\ngrass,0,255,0\r\ncar,255,0,0\nignore,0,0,0\n")]
    [InlineData("legend.csv", "grass;#00FF00\ncar;#FF0000\nignore;#000000")]
    [InlineData("legend.tsv", "\uFEFF\n\"grass\"\t\"0,255,0\"\n\n  \ncar\t255\t0\t0\r\nignore\t0 \t 0\t0")]
    public void LegendGiven_Orders_AndIgnores(string name, string text)
    {
        File.WriteAllText(At(name), text);
        Mask("in/a.png", Red, Green, Black);
        Assert.Contains(
            "\"label_map\": { \"0\": \"grass\", \"1\": \"car\", \"255\": \"ignore\" }",
            Tool.Run("convert-masks", At("in"), At("out"), "--legend", At(name)).Succeeds().Output,
            StringComparison.Ordinal
        );
        Assert.Equal([1, 0, 255], Indices("out/a.png"));
    }

    [Fact]
    public void Tolerance_TakesTheNearest()
    {
        Mask("in/a.png", Red, Red, NearRed, Green);
        File.WriteAllText(At("legend.csv"), "car,255,0,0\ngrass,0,255,0");
        Tool.Run("convert-masks", At("in"), At("out"), "--legend", At("legend.csv"))
            .IsMistake("a.png: the legend lacks 1 of its colours: #FA0400 (1 pixels)", "--tolerance N");
        Tool.Run("convert-masks", At("in"), At("out"), "--legend", At("legend.csv"), "--tolerance", "5").Succeeds();
        Assert.Equal([0, 0, 0, 1], Indices("out/a.png"));
        Tool.Run("convert-masks", At("in"), At("found"), "--tolerance", "5").Succeeds();
        Assert.Equal([1, 1, 1, 0], Indices("found/a.png"));
    }

    /// <summary>Indices of 0, 1 and 2 in a JPEG: a tolerance that takes them together loses them, and says so.</summary>
    [Fact]
    public void Tolerance_ThatLosesFrequentColours_IsRefusedOrTold()
    {
        var mask = new Image(64, 64, 1);
        for (var i = 0; i < 1024; i++)
            mask.Bytes[i] = 1;
        Directory.CreateDirectory(At("in"));
        File.WriteAllBytes(At("in/a.jpg"), ImageCodec.EncodeJpeg(mask, 100));
        Tool.Run("convert-masks", At("in"), At("out"), "--tolerance", "10")
            .IsMistake(
                "--tolerance 10 takes colours together that are each frequent: #010101 (1,024 pixels) is taken for #000000 (3,072 pixels)",
                "--tolerance 0 keeps them apart",
                "nothing but one class would be left"
            );
        Assert.False(Directory.Exists(At("out")));
        Assert.Contains(
            "1 mask may have been compressed with losses",
            Tool.Run("convert-masks", At("in"), At("apart"), "--tolerance", "0").Succeeds().Error,
            StringComparison.Ordinal
        );
        Assert.Equal(1024, Indices("apart/a.png").Count(value => value == 1));
        File.WriteAllText(At("legend.csv"), "ground,#000000\nroad,#010101");
        Tool.Run("convert-masks", At("in"), At("named"), "--legend", At("legend.csv"), "--tolerance", "10").Succeeds();
        Assert.Equal(1024, Indices("named/a.png").Count(value => value == 1));

        Mask("two/a.png", Red, Red, NearRed, Green);
        var said = Tool.Run("convert-masks", At("two"), At("told"), "--tolerance", "9").Succeeds();
        Assert.Contains("#FA0400 (1 pixels) is taken for #FF0000 (2 pixels)", said.Error, StringComparison.Ordinal);
        Assert.Contains("--tolerance 4 keeps them apart", said.Error, StringComparison.Ordinal);
    }

    /// <summary>Saturated colours in a JPEG leave colours of few pixels beyond any small tolerance; the advice is right.</summary>
    [Fact]
    public void JpegMasks_RareColours_AreTold_AndTheAdviceHelps()
    {
        var mask = new Image(480, 480, 3);
        for (var i = 0; i < 480 * 480; i++)
        {
            var (x, y) = (i % 480, i / 480);
            if (x is >= 20 and < 32 && y is >= 20 and < 32)
                mask.Bytes[3 * i] = 255;
            else if (x is >= 53 and < 66 && y is >= 50 and < 62)
                mask.Bytes[3 * i + 1] = 255;
        }
        Directory.CreateDirectory(At("in"));
        File.WriteAllBytes(At("in/a.jpg"), ImageCodec.EncodeJpeg(mask, 85));
        var said = Tool.Run("convert-masks", At("in"), At("out"), "--tolerance", "20").Succeeds();
        Assert.Contains("less than 0.1 % of all pixels: #", said.Error, StringComparison.Ordinal);
        Assert.Contains("--legend that names the colours that are meant, with --tolerance 255", said.Error, StringComparison.Ordinal);
        File.WriteAllText(At("legend.csv"), "ground,#000000\ncar,#FF0000\ngrass,#00FF00");
        var advised = Tool.Run("convert-masks", At("in"), At("named"), "--legend", At("legend.csv"), "--tolerance", "255").Succeeds();
        Assert.DoesNotContain("less than", advised.Error, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(0, 3), Indices("named/a.png").Distinct().Order().Select(index => (int)index));
    }

    [Fact]
    public void FilesThatAreNoMasks_AreCounted()
    {
        Mask("in/b.PNG", Red, Green);
        File.WriteAllText(At("in/a.gif"), "GIF89a");
        File.WriteAllText(At("in/a.txt"), "x");
        var said = Tool.Run("convert-masks", At("in"), At("out")).Succeeds();
        Assert.Contains("left out: GIF files, which can't be read: 1. The first: ", said.Error, StringComparison.Ordinal);
        Assert.Contains("left out: files that are no images: 1. The first: ", said.Error, StringComparison.Ordinal);
        File.Delete(At("in/b.PNG"));
        Tool.Run("convert-masks", At("in"), At("out")).IsMistake("holds no images", "GIF files, which can't be read: 1");
    }

    [Fact]
    public void TooManyColours_AreRefused()
    {
        Mask("in/a.png", [.. Enumerable.Range(0, 300).Select(i => (byte[])[(byte)i, (byte)(i / 256), 7])]);
        Tool.Run("convert-masks", At("in"), At("out"))
            .IsMistake("The masks hold more than 255 colours (300).", "--legend", "--tolerance 20");
        Assert.False(Directory.Exists(At("out")));
    }

    /// <summary>Masks of 0 and 255 become classes 0 and 1; JPEG's noise is taken to the nearest.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void GrayMasks_AreColoursLikeOthers(bool jpeg)
    {
        var mask = new Image(16, 16, 1);
        for (var i = 0; i < 64; i++)
            mask.Bytes[i] = 255;
        Directory.CreateDirectory(At("in"));
        File.WriteAllBytes(At(jpeg ? "in/a.jpg" : "in/a.png"), jpeg ? ImageCodec.EncodeJpeg(mask, 80) : ImageCodec.EncodePng(mask));
        File.WriteAllText(At("legend.json"), """{ "crack": "#FFFFFF", "ground": "#000000" }""");
        Tool.Run("convert-masks", At("in"), At("out"), "--legend", At("legend.json"), "--tolerance", jpeg ? "100" : "0").Succeeds();
        var map = ImageCodec.Decode(File.ReadAllBytes(At("out/a.png")), "a.png", new DecodeOptions(ColorType.Index));
        Assert.Equal(Enumerable.Range(0, 256).Select(i => (byte)(i < 64 ? 0 : 1)), map.Bytes.ToArray());
    }

    [Fact]
    public void Mistakes_AreTold()
    {
        Mask("in/a.png", Red);
        Tool.Run("convert-masks", At("in"), At("in/out")).IsMistake("can't lie in the masks' folder");
        Tool.Run("convert-masks", At("gone"), At("out")).IsMistake("gone doesn't exist");
        File.WriteAllText(At("bad.csv"), "road,1,2");
        Tool.Run("convert-masks", At("in"), At("out"), "--legend", At("bad.csv"))
            .IsMistake("bad.csv:1  3 fields; name, red, green, blue were expected");
        File.WriteAllText(At("bad.csv"), "name,color\n\"sky\nor sea\",#0000FF\n\"road,#FF0000");
        Tool.Run("convert-masks", At("in"), At("out"), "--legend", At("bad.csv"))
            .IsMistake("bad.csv:4  a quote is opened and never closed");
        File.WriteAllText(At("bad.json"), """{ "road": "#1", "sky": "#000000" }""");
        Tool.Run("convert-masks", At("in"), At("out"), "--legend", At("bad.json")).IsMistake("the colour of \"road\" is \"#1\"");
        File.WriteAllBytes(At("in/gray.png"), ImageCodec.EncodePng(new Image(1, 2, 1, PixelType.UInt16)));
        Tool.Run("convert-masks", At("in"), At("out")).IsMistake("gray.png: the mask has one channel of 16-bit values, not colours");
        Tool.Run("convert-masks", At("in"), At("out"), "--tolerance", "300").IsMistake("--tolerance");
    }
}
