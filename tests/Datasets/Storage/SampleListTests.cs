using Tessera.Datasets.Storage;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Storage;

/// <summary>Lists as people write them, and what is said of those that can't be used.</summary>
public sealed class SampleListTests : IDisposable
{
    private static readonly string[] s_names =
    [
        "train/cat/1.jpg",
        "train/cat/2.JPG",
        "train/dog/1.jpg",
        "train/dog/my dog.png",
        "train/é.png",
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("train/dog/1.jpg\ntrain/cat/1.jpg\n")]
    [InlineData("\uFEFFtrain/dog/1.jpg\r\n\r\n  train/cat/1.jpg \t\r\n")]
    [InlineData("dog/1.jpg\ncat/1.jpg")]
    [InlineData("./dog/1\ncat\\1.JPG")]
    [InlineData("FOLDER/train/dog/1.jpg\nTRAIN/CAT/1.jpg")]
    [InlineData("dog/1.jpg\rcat/1.jpg\r")]
    public void Read_ForgivesWhatIsClear(string text)
    {
        _folder.Write("list.txt", text.Replace("FOLDER", _folder.Path, StringComparison.Ordinal));
        Assert.Equal([2, 0], Read("list.txt"));
        Assert.Equal([2, 0], Read(Path.Combine(_folder.Path, "list.txt")));
    }

    [Fact]
    public void Read_BlanksInNamesAndUnicodeForms()
    {
        _folder.Write("list.txt", "dog/my dog.png\ntrain/e\u0301.png\n");
        Assert.Equal([3, 4], Read("list.txt"));
    }

    [Fact]
    public void Read_OneNameOfSeveralSamples_MeansAllOfThem()
    {
        _folder.Write("list.txt", "a.jpg\n");
        Assert.Equal([0, 2], SampleList.Read(FileStore.Open(_folder.Path), "list.txt", ["a.jpg", "b.jpg", "a.jpg"]));
    }

    [Theory]
    [InlineData("cat/1.jpg\ncat/11.jpg\n", "list.txt:2  the data has no \"cat/11.jpg\". Did you mean \"train/cat/1.jpg\"?")]
    [InlineData("\n\n1.jpg\n", "list.txt:3  the data has no \"1.jpg\". Did you mean \"train/cat/1.jpg\"?")]
    [InlineData("cat/1.jpg\n\ncat/2\ntrain/cat/1.jpg", "list.txt:4  \"train/cat/1.jpg\" comes twice; line 1 names it, too.")]
    [InlineData("../cat/1.jpg\n", "leads out of the data's folder")]
    [InlineData("cat/1.png", "the data has no \"cat/1.png\"")] // another image
    [InlineData("", "list.txt lists no images")]
    [InlineData("\uFEFF \r\n\t\n", "list.txt lists no images")]
    [InlineData("a\0b", "zero characters")]
    [InlineData("x1\nx2\nx3\nx4\nx5\nx6\nx7\nx8", "… and 2 more of 8 lines.")]
    [InlineData("x1", "None of its names is there; one that is: \"train/cat/1.jpg\".")]
    public void Read_Mistakes(string text, string said)
    {
        _folder.Write("list.txt", text);
        Assert.Contains(said, Error("list.txt"), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NotUtf8_OrNotThere()
    {
        _folder.Write("list.txt", [0x63, 0xE9, 0x0A]);
        Assert.Contains("list.txt is not UTF-8 text", Error("list.txt"), StringComparison.Ordinal);
        var missing = Error("lists.txt");
        Assert.Contains(
            $"There is no list lists.txt, neither in {_folder.Path} nor in the working folder",
            missing,
            StringComparison.Ordinal
        );
        Assert.Contains("Did you mean \"list.txt\"?", missing, StringComparison.Ordinal);
        Assert.Contains("There is no list /nowhere/x.txt.", Error("/nowhere/x.txt"), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_BelowThePathFirst_ThenInTheWorkingFolder()
    {
        var name = $"{Guid.NewGuid():N}.txt";
        try
        {
            File.WriteAllText(name, "cat/1.jpg\n"); // the working folder's
            Assert.Equal([0], Read(name));
            _folder.Write(name, "cat/2.JPG\n");
            Assert.Equal([1], Read(name));
        }
        finally
        {
            File.Delete(name);
        }
    }

    private int[] Read(string list) => SampleList.Read(FileStore.Open(_folder.Path), list, s_names, "train");

    private string Error(string list) => Assert.Throws<UserErrorException>(() => Read(list)).Message;
}
