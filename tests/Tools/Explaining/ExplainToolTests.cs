using System.Text;
using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Tests.Tools.EndToEnd;

namespace Tessera.Tests.Tools.Explaining;

/// <summary>tools/explain, from its arguments to its files.</summary>
[Collection(InProcess.Name)]
public sealed class ExplainToolTests(TinyRun run) : IClassFixture<TinyRun>
{
    [Fact]
    public void Image_GivesAPictureASheetAPageAndATable_AndSaysWhichLayerAndWhy()
    {
        var (image, folder) = (Shape(3), Path.Combine(run.New(), "out"));
        var said = Explain(image, "--out-dir", folder, "--method", "grad_cam,layer_cam", "--arrays").Succeeds();
        Assert.Matches(@"epoch_2: layer backbone\.layer4\S*, 4 x 4 places: the last map with a gradient", said.Output);
        Assert.Contains(Path.Combine(folder, "index.html"), said.Output, StringComparison.Ordinal);

        var lines = Table(folder);
        Assert.Equal(["grad_cam", "layer_cam"], lines.Select(line => (string?)line["method"]));
        foreach (var line in lines)
        {
            Assert.Equal(image, (string?)line["name"]);
            Assert.InRange((double)line["score"]!, 0, 1);
            Assert.Contains($"{line["target"]} ", said.Output, StringComparison.Ordinal);
            var picture = ImageCodec.Load(Path.Combine(folder, (string)line["picture"]!));
            Assert.True(picture.Width >= 320 && picture.Height >= 160, $"{picture.Width} x {picture.Height}");
            var (shape, values) = Numpy(Path.Combine(folder, (string)line["array"]!));
            Assert.Equal("(32, 32)", shape);
            Assert.Equal(32 * 32, values.Length);
            Assert.True(values.Min() >= 0);
            // Enlarged bilinearly, a map has no value beyond its own.
            Assert.True(values.Max() <= (double)line["greatest"]! + 1e-4);
        }
        Assert.True(File.Exists(Path.Combine(folder, Path.GetFileNameWithoutExtension(image) + ".png")));
        Assert.False(File.Exists(Path.Combine(folder, "sheet.png"))); // of one image it would be the same again
    }

    [Fact]
    public void Faithfulness_GivesATableBesideRandomMaps_AndAFile()
    {
        var folder = Path.Combine(run.New(), "out");
        var said = Explain("val", "--count", "3", "--out-dir", folder, "--method", "grad_cam,eigen_cam", "--faithfulness").Succeeds();
        Assert.Contains("Faithfulness, 3 images", said.Output, StringComparison.Ordinal);
        Assert.Matches(@"\nrandom_map \(control\) ", said.Output);
        var values = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "faithfulness.json")))!.AsObject();
        foreach (var method in new[] { "grad_cam", "eigen_cam", "random_map" })
            Assert.InRange((double)values[$"{method}/insertion"]!, 0, 1);
    }

    [Fact]
    public void CfgOptions_ChangeTheCheckpointsConfig()
    {
        var folder = Path.Combine(run.New(), "out");
        Explain("val", "--out-dir", folder, "--cfg-options", "val.dataset.count=2").Succeeds();
        Assert.Equal(2, Table(folder).Length);
        Explain("val", "--out-dir", folder, "--cfg-options", "val.dataset.cuont=2").IsMistake("cuont", "count");
    }

    [Fact]
    public void Folder_WithBadFiles_ExplainsTheOthers_AndEscapesNames()
    {
        var images = Directory.CreateDirectory(Path.Combine(run.New(), "images")).FullName;
        File.WriteAllBytes(Path.Combine(images, "<script>&.png"), TinyRun.Png(1));
        File.WriteAllBytes(Path.Combine(images, "b.png"), TinyRun.Png(2));
        File.WriteAllText(Path.Combine(images, "text.jpg"), "hello");
        File.WriteAllBytes(Path.Combine(images, "cut.png"), TinyRun.Png(0)[..200]);
        var folder = Path.Combine(run.New(), "out");
        var said = Explain(images, "--out-dir", folder).Succeeds();
        Assert.Equal(2, said.Error.Split('\n').Count(line => line.StartsWith("left out: ", StringComparison.Ordinal)));
        Assert.Equal(2, Table(folder).Length);
        Assert.True(File.Exists(Path.Combine(folder, "sheet.png")));
        var page = File.ReadAllText(Path.Combine(folder, "index.html"));
        Assert.Contains("&lt;script&gt;&amp;.png", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.DoesNotContain("src=\"http", page, StringComparison.Ordinal);
        Assert.Equal(2, page.Split("data:image/jpeg;base64,").Length - 1);
        Assert.Contains("text.jpg", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Folder_OfBadFilesOnly_IsAMistake_AndLeavesNothing()
    {
        var images = Directory.CreateDirectory(Path.Combine(run.New(), "images")).FullName;
        File.WriteAllText(Path.Combine(images, "text.jpg"), "hello");
        File.WriteAllText(Path.Combine(images, "more.jpg"), "hello");
        var folder = Path.Combine(run.New(), "out");
        Explain(images, "--out-dir", folder).IsMistake("None of its 2 images can be explained", "not an image that can be read");
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public void Part_HasItsLabels()
    {
        var folder = Path.Combine(run.New(), "out");
        Explain("val", "--count", "3", "--target", "labels,top1", "--out-dir", folder).Succeeds();
        using var session = Session.Open(run.ConfigPath);
        var data = session.Data[DataPart.Val];
        for (var i = 0; i < 3; i++)
        {
            var label = data.Info.Classes[data.LabelOf(i)!.Value];
            var lines = Table(folder).Where(line => (string?)line["name"] == data.Get(i).Name).ToArray();
            Assert.Equal(label, (string?)lines[0]["target"]);
            Assert.InRange(lines.Length, 1, 2); // the label may be the best class
        }
    }

    [Fact]
    public void Labels_OfAFolderCalledAsAClass_AreIt()
    {
        using var session = Session.Open(run.ConfigPath);
        var name = session.Data[DataPart.Val].Info.Classes[4];
        var images = Directory.CreateDirectory(Path.Combine(run.New(), name)).FullName;
        File.WriteAllBytes(Path.Combine(images, "a.png"), TinyRun.Png(1));
        var folder = Path.Combine(run.New(), "out");
        Explain(images, "--target", "labels", "--out-dir", folder).Succeeds();
        Assert.Equal(name, (string?)Assert.Single(Table(folder))["target"]);
    }

    [Fact]
    public void TwoModels_StandBesideOneAnother()
    {
        var folder = Path.Combine(run.New(), "out");
        var said = Explain(Shape(2), "--beside", run.At("run", "epoch_1.safetensors"), "--target", "top2", "--out-dir", folder).Succeeds();
        Assert.Contains("epoch_1: layer ", said.Output, StringComparison.Ordinal);
        Assert.Contains("epoch_2: layer ", said.Output, StringComparison.Ordinal);
        Assert.Equal(["epoch_2", "epoch_1", "epoch_2", "epoch_1"], Table(folder).Select(line => (string?)line["model"]));
    }

    [Fact]
    public void AllMethods_AreOnOneSheet()
    {
        var folder = Path.Combine(run.New(), "out");
        Explain(Shape(2), "--method", "all", "--out-dir", folder).Succeeds();
        var methods = Table(folder).Select(line => (string?)line["method"]).ToArray();
        Assert.Contains("grad_cam", methods);
        Assert.Contains("eigen_cam", methods);
        Assert.Equal(methods.Distinct().Count(), methods.Length);
    }

    [Fact]
    public void Smoothing_ChangesTheMap()
    {
        var image = Shape(2);
        var plain = Values();
        Assert.NotEqual(plain, Values("--aug-smooth"));
        Assert.NotEqual(plain, Values("--eigen-smooth"));
        Assert.Equal(plain, Values());

        float[] Values(params string[] more)
        {
            var folder = Path.Combine(run.New(), "out");
            Explain([image, "--arrays", "--out-dir", folder, .. more]).Succeeds();
            return Numpy(Path.Combine(folder, (string)Assert.Single(Table(folder))["array"]!)).Values;
        }
    }

    [Theory]
    [InlineData("--target circel", "There is no class \"circel\" that could be explained. Did you mean \"circle\"?")]
    [InlineData("--target top99", "The best 99 classes are asked for; the model has 10.")]
    [InlineData("--target labels", "shape.png: its labels are unknown.", "train, val or test")]
    [InlineData("--method grad_can", "\"grad_can\"", "Did you mean \"grad_cam\"?")]
    [InlineData("--layer backbone.layer5", "no layer \"backbone.layer5\"", "Did you mean \"backbone.layer")]
    [InlineData("--layer head.fc", "The layer \"head.fc\" gives [1, 10], which is no map of the image")]
    [InlineData("--batch 0", "--batch is 0; 1 to 1024 was expected.")]
    [InlineData("--count 0", "--count is 0; at least 1 was expected.")]
    public void Mistake_IsToldWithItsRemedy(string arguments, params string[] parts)
    {
        var image = Path.Combine(run.New(), "shape.png");
        File.WriteAllBytes(image, TinyRun.Png(1));
        var folder = Path.Combine(run.New(), "out");
        Explain([image, "--out-dir", folder, .. arguments.Split(' ')]).IsMistake(parts);
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public void Files_ThatAreNoCheckpointOrNoImage_AreNamed()
    {
        var text = Path.Combine(run.New(), "text.safetensors");
        File.WriteAllText(text, "hello");
        Tool.Run("explain", text, Shape(1)).IsMistake("text.safetensors");
        Explain(run.At("nowhere")).IsMistake("nowhere: there is no such file or folder.");
        var image = Path.Combine(run.New(), "text.png");
        File.WriteAllText(image, "hello");
        Explain(image).IsMistake("text.png", "not an image that can be read");
        Explain(Shape(1), "--out-dir", image).IsMistake("pictures are written into a folder, but this is a file.");
        Explain("train").IsMistake("it has no train.dataset");
        Explain(Shape(1), "--beside", text).IsMistake("text.safetensors");
    }

    private Said Explain(params string[] arguments) => Tool.Run(["explain", run.Checkpoint, .. arguments]);

    private string Shape(int index)
    {
        var path = Path.Combine(run.New(), $"shape{index}.png");
        File.WriteAllBytes(path, TinyRun.Png(index));
        return path;
    }

    private static JsonNode[] Table(string folder) =>
        [.. File.ReadAllLines(Path.Combine(folder, "explanations.jsonl")).Select(line => JsonNode.Parse(line)!)];

    // As NumPy's format description has it: magic, version 1.0, two bytes of length, a Python dictionary, the values.
    private static (string Shape, float[] Values) Numpy(string path)
    {
        var bytes = File.ReadAllBytes(path);
        Assert.Equal([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0], bytes[..8]);
        var length = BitConverter.ToUInt16(bytes, 8);
        Assert.Equal(0, (10 + length) % 64);
        var header = Encoding.ASCII.GetString(bytes, 10, length);
        Assert.EndsWith("\n", header, StringComparison.Ordinal);
        Assert.Contains("'descr': '<f4', 'fortran_order': False", header, StringComparison.Ordinal);
        var values = new float[(bytes.Length - 10 - length) / 4];
        Buffer.BlockCopy(bytes, 10 + length, values, 0, 4 * values.Length);
        return (header[header.IndexOf('(', StringComparison.Ordinal)..(header.IndexOf(')', StringComparison.Ordinal) + 1)], values);
    }
}
