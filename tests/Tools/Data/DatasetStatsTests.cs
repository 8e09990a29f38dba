using System.Text.Json.Nodes;
using Tessera.Datasets.Images;

namespace Tessera.Tests.Tools.Data;

[Collection(InProcess.Name)]
public sealed class DatasetStatsTests : IDisposable
{
    private readonly SegmentationFiles _files = new();

    public void Dispose() => _files.Dispose();

    // train: a has 4 sky, 3 road, 1 ignored; b has 6 road, 2 of value 7, which no class claims. Together sky 4, road 9, car 0.
    [Fact]
    public void Segmentation_TinySet_CountsByHand()
    {
        _files.Add("train", "a", 1, 2, 4, 0, 0, 0, 0, 1, 1, 1, 9);
        _files.Add("train", "b", 2, 2, 4, 1, 1, 1, 1, 1, 1, 7, 7);
        _files.Add("val", "c", 1, 2, 4, 2, 2, 2, 2, 2, 2, 2, 2); // the photograph of a
        var path = Path.Combine(_files.Path, "stats.json");
        var picture = Path.Combine(_files.Path, "classes.png");
        var said = Tool.Run("dataset-stats", _files.Config, "--out", path, "--picture", picture, "--beta", "0.5").Succeeds().Output;
        var stats = JsonNode.Parse(File.ReadAllText(path))!;
        var train = stats["parts"]!["train"]!;
        Assert.Equal((4, 9, 0), (Pixels("sky"), Pixels("road"), Pixels("car")));
        Assert.Equal((1, 2, 0), (Images("sky"), Images("road"), Images("car")));
        Assert.Equal(1, (int)train["ignored_pixels"]!);
        Assert.Equal(2.25, (double)train["ratio_max_min"]!);
        var unclaimed = Assert.Single(train["unclaimed"]!.AsArray())!;
        Assert.Equal(("7", 2, 1), ((string)unclaimed["value"]!, (int)unclaimed["pixels"]!, (int)unclaimed["images"]!));
        Assert.EndsWith("b.png", (string)unclaimed["first"]!, StringComparison.Ordinal);
        Assert.Equal(1, (int)stats["leakage"]!["train/val"]!["exact"]!);

        // Frequencies 4 / 7 and 9 / 13, whose median is 0.6319.
        Assert.Equal([2.25, 1, 1], Weights("max_count"));
        Assert.Equal([1.106, 0.9127, 1], Weights("median_frequency"));
        Assert.Equal([1.031, 0.9687, 1], Weights("effective_number")); // 0.5 / (1 - 2^-4) and 0.5 / (1 - 2^-9), over their mean
        foreach (
            var text in new[]
            {
                "\"class_weight\": [2.25, 1, 1]",
                "1 value in the labels belongs to no class",
                "1 of 1 images of val are in train",
                "1 class never occurs: car",
            }
        )
            Assert.Contains(text, said, StringComparison.Ordinal);
        Assert.True(ImageCodec.Load(picture).Width > 500);

        int Pixels(string name) => (int)train["per_class"]![name]!["pixels"]!;
        int Images(string name) => (int)train["per_class"]![name]!["images"]!;
        double[] Weights(string name) => [.. stats["class_weight"]![name]!.AsArray().Select(value => (double)value!)];
    }

    [Fact]
    public void Segmentation_WhatIsWrong_IsNamed_AndNothingStops()
    {
        _files.Add("train", "good", 1, 1, 2, 0, 1);
        _files.Add("train", "void", 2, 1, 2, 9, 9);
        _files.Add("train", "other-size", 3, 2, 2, 0, 0, 1, 1);
        _files.Image("train", "other-size", 3, 2, 3);
        _files.Add("train", "broken", 4, 1, 2, 0, 1);
        _files.Write("train", "image", "broken", [0x89, (byte)'P', (byte)'N', (byte)'G', 1, 2]);
        _files.Add("train", "bad-label", 5, 1, 2, 0, 1);
        _files.Write("train", "label", "bad-label", [1, 2, 3]);
        _files.Image("train", "alone", 6, 1, 2);
        _files.Add("train", "colours", 7, 1, 2, 0, 1);
        _files.Write("train", "label", "colours", File.ReadAllBytes(Path.Combine(_files.Path, "train", "image", "colours.png")));
        var path = Path.Combine(_files.Path, "stats.json");
        var said = Tool.Run("dataset-stats", _files.Config, "--split", "train", "--out", path).Succeeds().Output;
        var train = JsonNode.Parse(File.ReadAllText(path))!["parts"]!["train"]!;
        Assert.Equal("broken", Only("unreadable"));
        Assert.Equal("other-size", Only("other_size"));
        Assert.Equal("void", Only("only_ignored"));
        Assert.Equal("alone", Only("without_labels"));
        Assert.Equal(
            ["bad-label", "colours"],
            train["unreadable_labels"]!["images"]!.AsArray().Select(name => Path.GetFileNameWithoutExtension((string)name!))
        );
        Assert.Contains("tools/convert-masks", said, StringComparison.Ordinal);
        Assert.Contains("2 x 2, the photograph 2 x 3", said, StringComparison.Ordinal);

        string Only(string what) => Path.GetFileNameWithoutExtension((string)Assert.Single(train[what]!["images"]!.AsArray())!);
    }

    [Fact]
    public void Detection_Shapes_CountsBoxesByClass()
    {
        var config = Path.Combine(_files.Path, "shapes.json");
        File.WriteAllText(
            config,
            """
            { "model": { "type": "ImageClassifier", "backbone": { "type": "CifarResNet", "depth": 20 }, "head": { "type": "LinearHead" } },
              "train": { "dataset": { "type": "Shapes", "count": 30, "task": "detection", "pipeline": [{ "type": "LoadImage" }] } } }
            """
        );
        var path = Path.Combine(_files.Path, "stats.json");
        Tool.Run("dataset-stats", config, "--out", path).Succeeds();
        var train = JsonNode.Parse(File.ReadAllText(path))!["parts"]!["train"]!;
        var data = new Tessera.Datasets.Synthetic.Shapes(new(Count: 30, Task: Framework.Data.DataTask.Detection));
        var expected = Enumerable
            .Range(0, 30)
            .SelectMany(i => data.Get(i).Truth.Boxes!.Labels)
            .CountBy(label => data.Info.Classes[label])
            .ToDictionary();
        foreach (var (name, row) in train["per_class"]!.AsObject())
            Assert.Equal(expected.GetValueOrDefault(name), (int)row!["boxes"]!);
        Assert.Equal(expected.Values.Sum(), (int)train["boxes"]!["count"]!);
    }

    [Theory]
    [InlineData("--beta is 1", "--beta", "1")]
    [InlineData("it has no test.dataset", "--split", "test")]
    [InlineData("\"trian\" is no part of the data. Did you mean \"train\"?", "--split", "trian")]
    [InlineData("written as .png or .svg", "--picture", "x.gif")]
    public void Wrong_IsOneMessage(string expected, params string[] arguments)
    {
        _files.Add("train", "a", 1, 1, 2, 0, 1);
        Tool.Run(["dataset-stats", _files.Config, .. arguments]).IsMistake(expected);
    }
}
