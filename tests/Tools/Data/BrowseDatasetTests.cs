using Tessera.Datasets.Images;

namespace Tessera.Tests.Tools.Data;

[Collection(InProcess.Name)]
public sealed class BrowseDatasetTests : IDisposable
{
    private readonly SegmentationFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Segmentation_EverySampleIsOnThePage_NamesEscaped()
    {
        const string hostile = "<script>alert('1')&amp;\"";
        _files.Add("train", "plain", 1, 4, 6, [.. new byte[24]]);
        _files.Add("train", hostile, 2, 4, 6, [.. Enumerable.Repeat((byte)1, 24)]);
        _files.Add("train", "unclaimed", 3, 4, 6, [.. Enumerable.Repeat((byte)5, 24)]);
        var folder = Path.Combine(_files.Path, "out");
        var said = Tool.Run("browse-dataset", _files.Config, "--out-dir", folder, "--count", "10").Succeeds();
        var page = File.ReadAllText(Path.Combine(folder, "index.html"));
        Assert.Equal(3, page.Split("<figure").Length - 1);
        Assert.Contains("plain.png", page, StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;alert(&#39;1&#39;)&amp;amp;&quot;.png", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.Contains("class=\"bad\"", page, StringComparison.Ordinal);
        Assert.Contains("the value 5", page, StringComparison.Ordinal);
        Assert.Contains("left out: ", said.Error, StringComparison.Ordinal);

        var pictures = Directory.GetFiles(folder, "*.png");
        Assert.Equal(2, pictures.Length);
        Assert.All(pictures, path => Assert.True(ImageCodec.Load(path) is { Channels: 3, Height: > 160 }));
        Assert.Equal(2, page.Split("data:image/jpeg;base64,").Length - 1);
    }

    [Fact]
    public void SameSeed_GivesTheSamePictures()
    {
        for (var i = 0; i < 6; i++)
            _files.Add("train", $"image{i}", i, 4, 6, [.. new byte[24]]);
        var folders = new[] { "one", "two" }.Select(name => Path.Combine(_files.Path, name)).ToArray();
        foreach (var folder in folders)
            Tool.Run("browse-dataset", _files.Config, "--out-dir", folder, "--count", "3", "--seed", "7").Succeeds();
        var files = Directory.GetFiles(folders[0], "*.png");
        Assert.Equal(3, files.Length);
        Assert.All(
            files,
            file => Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(folders[1], Path.GetFileName(file))))
        );
    }

    [Fact]
    public void Val_MapOfTheOriginalSize_IsNoFailure()
    {
        _files.Add("val", "a", 1, 4, 6, [.. new byte[24]]);
        var folder = Path.Combine(_files.Path, "out");
        Tool.Run("browse-dataset", _files.Config, "--out-dir", folder, "--split", "val").Succeeds();
        Assert.Single(Directory.GetFiles(folder, "*.png"));
    }

    [Theory]
    [InlineData("--count is 0", "--count", "0")]
    [InlineData("--opacity is 2", "--opacity", "2")]
    [InlineData("it has no test.dataset", "--split", "test")]
    public void Wrong_IsOneMessage(string expected, params string[] arguments)
    {
        _files.Add("train", "a", 1, 1, 2, 0, 1);
        Tool.Run(["browse-dataset", _files.Config, .. arguments]).IsMistake(expected);
    }
}
