using System.IO.Compression;
using Tessera.Datasets.Classification;
using Tessera.Datasets.Storage;

namespace Tessera.Tests.Datasets.Storage;

/// <summary>What systems and archivers leave beside files is never data.</summary>
public sealed class HiddenFileTests : IDisposable
{
    private static readonly string[] s_names =
    [
        "train/cat/1.jpg",
        "train/cat/._1.jpg",
        "train/cat/Thumbs.db",
        "train/cat/desktop.ini",
        "train/.DS_Store",
        "train/.ipynb_checkpoints/1.jpg",
        "__MACOSX/train/cat/._1.jpg",
        "train/__MACOSX/cat/2.jpg",
        "train/@eaDir/2.jpg",
        "train/dog/2.JPG",
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Hidden_InFoldersAndArchives_DoNotCount()
    {
        foreach (var name in s_names)
            _folder.Write("tree/" + name, [1]);
        var zip = _folder.Write(
            "tree.zip",
            ZipStoreTests.Zip(
                CompressionLevel.NoCompression,
                [.. s_names.Append("../out.jpg").Append("./train/dog/3.jpg").Select(name => (name, new byte[] { 1 }))]
            )
        );
        Assert.Equal(["train/cat/1.jpg", "train/dog/2.JPG"], FileStore.Open(Path.Combine(_folder.Path, "tree")).Names);
        Assert.Equal(["train/cat/1.jpg", "train/dog/2.JPG", "train/dog/3.jpg"], FileStore.Open(zip).Names);
        var data = new ImageFolder(new(zip, "train"));
        Assert.Equal(["cat", "dog"], data.Info.Classes);
        Assert.Equal(3, data.Count);
        Assert.Equal(
            $"left out: files whose names lead out of the archive (..): 1. The first: {zip}:../out.jpg",
            Assert.Single(data.LeftOut).ToString()
        );
    }
}
