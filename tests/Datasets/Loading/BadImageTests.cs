using System.IO.Compression;
using Tessera.Datasets.Classification;
using Tessera.Datasets.Loading;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Storage;

namespace Tessera.Tests.Datasets.Loading;

/// <summary>Files that are no images, all the way from a folder or an archive to the batch.</summary>
public sealed class BadImageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static readonly byte[] Good = Bmp(8, 8);

    public static TheoryData<string, byte[], string> Bad =>
        new()
        {
            { "zero bytes", [], "is empty" },
            { "a text file", "this is not an image\n"u8.ToArray(), "" },
            { "cut off", Good[..100], "" },
            { "huge", Bmp(50_000, 50_000, withPixels: false), "" },
        };

    [Theory]
    [MemberData(nameof(Bad))]
    public void File_Bad_IsNamedOrSkipped(string what, byte[] bytes, string expected)
    {
        Assert.NotEmpty(what);
        for (var i = 0; i < 6; i++)
            _folder.Write($"tree/cat/{i}.bmp", i == 3 ? bytes : Good);
        var zip = _folder.Write(
            "tree.zip",
            ZipStoreTests.Zip(
                CompressionLevel.NoCompression,
                [.. Enumerable.Range(0, 6).Select(i => ($"cat/{i}.bmp", i == 3 ? bytes : Good))]
            )
        );
        foreach (var path in new[] { Path.Combine(_folder.Path, "tree"), zip })
        {
            var data = new ImageFolder(new ImageFolderOptions(path));
            var error = Assert.Throws<UserErrorException>(() => Read(data, BadSample.Fail).Count);
            Assert.Contains("cat/3.bmp", error.Message);
            Assert.Contains(expected, error.Message);
            Assert.Equal(5, Read(data, BadSample.Skip).Count);
        }
    }

    private static List<string> Read(Dataset data, BadSample onBadSample)
    {
        Transform[] pipeline =
        [
            new LoadImage(new LoadImageOptions()),
            new Resize(new ResizeOptions(new HeightWidth(8, 8))),
            new Normalize(new NormalizeOptions()),
        ];
        using var loader = new BatchLoaderFactory().Create(
            data,
            pipeline,
            null,
            new LoaderOptions(4, 2, OnBadSample: onBadSample),
            0,
            training: false
        );
        var names = new List<string>();
        foreach (var batch in loader.Epoch(0))
            using (batch)
                names.AddRange(batch.Samples.Select(sample => sample.Name));
        if (onBadSample == BadSample.Skip)
            Assert.Contains("cat/3.bmp", loader.Skipped.Single().Name);
        return names;
    }

    /// <summary>A 24-bit BMP, bottom up.</summary>
    private static byte[] Bmp(int height, int width, bool withPixels = true)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write("BM"u8);
        writer.Write(54 + (withPixels ? height * width * 3 : 0));
        writer.Write(0);
        writer.Write(54);
        writer.Write(40);
        writer.Write(width);
        writer.Write(height);
        writer.Write((ushort)1);
        writer.Write((ushort)24);
        for (var i = 0; i < 6; i++)
            writer.Write(0);
        if (withPixels)
            writer.Write(new byte[height * width * 3]);
        return stream.ToArray();
    }
}
