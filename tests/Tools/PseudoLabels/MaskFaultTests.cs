using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Tests.Tools.Data;

namespace Tessera.Tests.Tools.PseudoLabels;

/// <summary>What tools/score-masks says of masks that don't belong to the data, or are no masks of it.</summary>
[Collection(InProcess.Name)]
public sealed class MaskFaultTests : IDisposable
{
    private readonly SegmentationFiles _files = new();

    public MaskFaultTests()
    {
        Directory.CreateDirectory(Path.Combine(Folder, "masks"));
        File.WriteAllText(
            Path.Combine(Folder, "pseudo-labels.json"),
            new JsonObject
            {
                ["format"] = 1,
                ["part"] = "train",
                ["classes"] = new JsonArray("road", "car"),
            }.ToJsonString()
        );
    }

    private string Folder => Path.Combine(_files.Path, "pseudo");

    public void Dispose() => _files.Dispose();

    [Fact]
    public void OfOtherImages_IsAMistakeThatNamesSomeOfBoth()
    {
        _files.Add("train", "a", 1, 2, 2, 0, 1, 2, 0);
        Mask("b", 2, 2, 0, 1, 2, 0);
        Mask("c", 2, 2, 0, 1, 2, 0);
        Score()
            .IsMistake(
                "None of the 1 images could be scored",
                "1 of 1 images have no file in masks and are not scored by it: a.",
                "2 files in masks belong to no image of the data: b.png, c.png.",
                "--split"
            );
    }

    [Fact]
    public void OfAnotherSize_OrWithUnknownNumbers_AreNamedAndLeftOut_TheOthersDone()
    {
        foreach (var name in new[] { "right", "small", "strange" })
            _files.Add("train", name, name.Length, 2, 2, 0, 1, 2, 0);
        Mask("right", 2, 2, 0, 1, 2, 2);
        Mask("small", 1, 2, 0, 1);
        Mask("strange", 2, 2, 0, 1, 2, 7);
        Mask("further", 2, 2, 0, 1, 2, 0);
        var said = Score().Succeeds();
        Assert.Contains("Masks of 1 image", said.Output, StringComparison.Ordinal);
        Assert.Contains("small.png is 2 x 1, the image's truth 2 x 2. It is left out.", said.Error, StringComparison.Ordinal);
        Assert.Contains("strange.png: the value 7 is none of 0 to 2 and 255. It is left out.", said.Error, StringComparison.Ordinal);
        Assert.Contains("1 file in masks belongs to no image of the data: further.png.", said.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void ManyBadFiles_AreCountedAfterTheFirst()
    {
        for (var i = 0; i < 24; i++)
        {
            _files.Add("train", $"i{i}", i, 1, 2, 0, 1);
            Mask($"i{i}", 1, i == 0 ? 2 : 1, [.. (i == 0 ? new byte[] { 0, 1 } : [1])]);
        }
        var said = Score().Succeeds();
        Assert.Equal(20, said.Error.Split("It is left out.").Length - 1);
        Assert.Contains("3 more files are left out for such reasons.", said.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void ATruthThatCantBeRead_IsNamedAndLeftOut()
    {
        _files.Add("train", "a", 1, 2, 2, 0, 1, 2, 0);
        _files.Add("train", "b", 2, 2, 2, 0, 1, 2, 0);
        Mask("a", 2, 2, 0, 1, 2, 2);
        Mask("b", 2, 2, 0, 1, 2, 2);
        _files.Write("train", "label", "b", [1, 2, 3]);
        var said = Score().Succeeds();
        Assert.Contains("Masks of 1 image", said.Output, StringComparison.Ordinal);
        Assert.Contains("b.png", said.Error, StringComparison.Ordinal);
        Assert.Contains("It is left out.", said.Error, StringComparison.Ordinal);
        _files.Write("train", "label", "a", [1, 2, 3]);
        Score().IsMistake("None of the 2 images could be scored");
    }

    private Said Score() => Tool.Run("score-masks", _files.Config, Folder, "--bootstrap", "0");

    private void Mask(string name, int height, int width, params byte[] labels) =>
        File.WriteAllBytes(
            Path.Combine(Folder, "masks", name + ".png"),
            ImageCodec.EncodePng(new Image(height, width, 1, PixelType.UInt8, labels))
        );
}
