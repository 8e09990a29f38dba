using System.IO.Compression;
using Tessera.Datasets.Classification;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Storage;

namespace Tessera.Tests.Datasets.Classification;

public sealed class ImageFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void FolderAndZip_HoldTheSame()
    {
        (string Name, byte[] Bytes)[] files =
        [
            ("train/dog/b.PNG", [1]),
            ("train/dog/a.jpg", [2]),
            ("train/cat/deep/er/c.jpeg", [3]),
            ("train/Zebra/z.bmp", [4]),
            ("train/dog/notes.txt", [5]),
            ("test/cat/t.jpg", [6]),
        ];
        foreach (var (name, bytes) in files)
            _folder.Write("tree/" + name, bytes);
        var zip = _folder.Write("tree.zip", ZipStoreTests.Zip(CompressionLevel.NoCompression, files));
        var tree = Path.Combine(_folder.Path, "tree");
        foreach (var path in new[] { tree, zip })
        {
            var data = new ImageFolder(new ImageFolderOptions(path, Split: "train"));
            Assert.Equal(["Zebra", "cat", "dog"], data.Info.Classes); // ordinal order: capitals first
            Assert.Equal(4, data.Count);
            Assert.Equal([0, 1, 2, 2], Enumerable.Range(0, 4).Select(i => data.Get(i).Truth.Label!.Value));
            Assert.Equal([0, 1, 2, 2], Enumerable.Range(0, 4).Select(i => data.LabelOf(i)!.Value));
            Assert.Equal([4, 3, 2, 1], Enumerable.Range(0, 4).Select(i => (int)data.Get(i).ReadFile!().Span[0]));
            Assert.Equal(path + (path == zip ? ":" : "/") + "train/cat/deep/er/c.jpeg", data.Get(1).Name);
        }
    }

    [Fact]
    public void Classes_Given_ChooseAndOrder()
    {
        foreach (var name in new[] { "cat/1.jpg", "dog/1.jpg", "owl/1.jpg" })
            _folder.Write(name, [1]);
        var data = new ImageFolder(new ImageFolderOptions(_folder.Path, Classes: ["owl", "cat"]));
        Assert.Equal(["owl", "cat"], data.Info.Classes);
        Assert.Equal(2, data.Count);
        Assert.EndsWith("owl/1.jpg", data.Get(0).Name);
    }

    [Fact]
    public void Classes_Unknown_SuggestsTheNearest()
    {
        _folder.Write("zebra/1.jpg", [1]);
        Assert.Contains(
            "no class folder \"zebar\". Did you mean \"zebra\"?",
            Error(new ImageFolderOptions(_folder.Path, Classes: ["zebar"]))
        );
    }

    [Fact]
    public void Split_Unknown_SuggestsTheNearest()
    {
        _folder.Write("train/cat/1.jpg", [1]);
        _folder.Write("test/cat/1.jpg", [1]);
        var message = Error(new ImageFolderOptions(_folder.Path, Split: "trian"));
        Assert.Contains("has no folder \"trian\"", message);
        Assert.Contains("Did you mean \"train\"? It has: test, train.", message);
    }

    [Fact]
    public void Folder_Empty_IsAnError() =>
        Assert.Contains("is empty: ImageFolder finds no files", Error(new ImageFolderOptions(_folder.Path)));

    [Fact]
    public void Folder_Missing_IsAnError() =>
        Assert.Contains("doesn't exist", Error(new ImageFolderOptions(Path.Combine(_folder.Path, "nowhere"))));

    [Fact]
    public void Folder_WithoutClassFolders_IsAnError()
    {
        _folder.Write("1.jpg", [1]);
        Assert.Contains("holds files but no class folders", Error(new ImageFolderOptions(_folder.Path)));
    }

    [Fact]
    public void ClassFolder_WithoutImages_IsAnError()
    {
        _folder.Write("cat/1.jpg", [1]);
        _folder.Write("dog/readme.txt", [1]);
        Assert.Contains(
            "dog holds no images (.bmp, .dib, .jfif, .jpe, .jpeg, .jpg, .png, .tif, .tiff, .webp)",
            Error(new ImageFolderOptions(_folder.Path))
        );
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ClassFolder_WithoutAnyFile_IsAnError_InArchivesToo(bool zipped)
    {
        _folder.Write("tree/cat/1.jpg", [1]);
        foreach (var name in (string[])["fox/empty", "lost+found", "@eaDir"])
            Directory.CreateDirectory(Path.Combine(_folder.Path, "tree", name));
        var path = Path.Combine(_folder.Path, "tree");
        if (zipped)
            ZipFile.CreateFromDirectory(path, path += ".zip");
        Assert.Contains("fox holds no images", Error(new ImageFolderOptions(path)));
        Assert.Contains("It holds no file at all: remove it, if it is no class.", Error(new ImageFolderOptions(path)));
        var data = new ImageFolder(new ImageFolderOptions(path, Classes: ["cat", "fox"]));
        Assert.Contains("fox", Assert.Single(data.LeftOut).First[0]);
        Assert.Equal(1, new ImageFolder(new ImageFolderOptions(path, Classes: ["cat"])).Count);
    }

    [Fact]
    public void Read_EmptyFile_NamesIt()
    {
        var path = _folder.Write("cat/1.jpg", []);
        var data = new ImageFolder(new ImageFolderOptions(_folder.Path));
        Assert.Equal($"{path} is empty (0 bytes).", Assert.Throws<UserErrorException>(() => data.Get(0).ReadFile!()).Message);
    }

    private static string Error(ImageFolderOptions options) => Assert.Throws<UserErrorException>(() => new ImageFolder(options)).Message;
}
