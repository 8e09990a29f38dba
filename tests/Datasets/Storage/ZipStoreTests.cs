using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Tessera.Datasets.Storage;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Storage;

public sealed class ZipStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Optimal)]
    public void Read_StoredOrDeflated_GivesTheFile(CompressionLevel level)
    {
        var path = _folder.Write("a.zip", Zip(level, ("b/2.txt", "two"), ("b/1.txt", new string('x', 5000)), ("ü.txt", "umlaut")));
        var store = FileStore.Open(path);
        Assert.Equal(["b/1.txt", "b/2.txt", "ü.txt"], store.Names);
        Assert.Equal(new string('x', 5000), Text(store, "b/1.txt"));
        Assert.Equal("two", Text(store, "b/2.txt"));
        Assert.Equal("umlaut", Text(store, "ü.txt"));
        Assert.Equal(path + ":b/2.txt", store.Describe("b/2.txt"));
    }

    [Fact]
    public void Read_FromManyThreads_GivesEachItsFile()
    {
        var files = Enumerable.Range(0, 200).Select(i => ($"{i:D3}.txt", string.Concat(Enumerable.Repeat($"{i} ", 300)))).ToArray();
        var store = FileStore.Open(_folder.Write("a.zip", Zip(CompressionLevel.Fastest, files)));
        Parallel.For(
            0,
            2000,
            new ParallelOptions { MaxDegreeOfParallelism = 8 },
            i => Assert.Equal(files[i % 200].Item2, Text(store, files[i % 200].Item1))
        );
    }

    [Fact]
    public void Open_Zip64_ReadsSizesAndOffsetsOf64Bits()
    {
        var store = FileStore.Open(_folder.Write("a.zip", Zip64("a.txt", "sixty-four")));
        Assert.Equal("sixty-four", Text(store, "a.txt"));
    }

    [Fact]
    public void Open_CutAnywhere_IsAUserError()
    {
        var whole = Zip(CompressionLevel.Optimal, ("a.txt", "first"), ("b.txt", "second"));
        for (var length = 0; length < whole.Length; length++)
        {
            var path = _folder.Write("cut.zip", whole[..length]);
            var error = Assert.Throws<UserErrorException>(() => FileStore.Open(path));
            Assert.Contains("cut.zip", error.Message);
        }
    }

    [Fact]
    public void OpenAndRead_Mutated_NeverFailsOtherwiseThanAsAUserError()
    {
        var random = new Random(1);
        byte[][] seeds =
        [
            Zip(CompressionLevel.Optimal, ("a.txt", new string('a', 300)), ("b.txt", "second")),
            Zip64("a.txt", "sixty-four"),
        ];
        var refused = 0;
        for (var round = 0; round < 3000; round++)
        {
            var bytes = (byte[])seeds[round % 2].Clone();
            for (var change = random.Next(1, 4); change > 0; change--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var path = _folder.Write("mutated.zip", bytes);
            try
            {
                var store = FileStore.Open(path);
                foreach (var name in store.Names)
                    store.Read(name);
            }
            catch (UserErrorException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 500, 3000);
    }

    [Fact]
    public void Read_SizeThatDeflateCannotReach_IsRefusedBeforeMemoryIsTaken()
    {
        var bytes = Zip(CompressionLevel.Optimal, ("a.txt", "tiny"));
        var entry = bytes.AsSpan().IndexOf("PK\u0001\u0002"u8);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(entry + 24), 900_000_000);
        var store = FileStore.Open(_folder.Write("bomb.zip", bytes));
        Assert.Contains("can't unpack to", Assert.Throws<UserErrorException>(() => store.Read("a.txt")).Message);
    }

    [Fact]
    public void Read_EmptyEntry_NamesIt()
    {
        var store = FileStore.Open(_folder.Write("a.zip", Zip(CompressionLevel.NoCompression, ("cat/empty.jpg", ""))));
        Assert.EndsWith(
            "a.zip:cat/empty.jpg is empty (0 bytes).",
            Assert.Throws<UserErrorException>(() => store.Read("cat/empty.jpg")).Message
        );
    }

    [Fact]
    public void Open_MissingFile_SuggestsTheNearest()
    {
        _folder.Write("cifar10.zip", "x");
        var error = Assert.Throws<UserErrorException>(() => FileStore.Open(Path.Combine(_folder.Path, "cifar01.zip")));
        Assert.Contains("Did you mean \"cifar10.zip\"?", error.Message);
    }

    private static string Text(FileStore store, string name) => Encoding.UTF8.GetString(store.Read(name).Span);

    internal static byte[] Zip(CompressionLevel level, params (string Name, string Text)[] files) =>
        Zip(level, [.. files.Select(file => (file.Name, Encoding.UTF8.GetBytes(file.Text)))]);

    internal static byte[] Zip(CompressionLevel level, params (string Name, byte[] Bytes)[] files)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, bytes) in files)
            {
                using var entry = archive.CreateEntry(name, level).Open();
                entry.Write(bytes);
            }
        }
        return stream.ToArray();
    }

    /// <summary>One stored file whose sizes, offset and directory are given in 64 bits only, laid out by hand.</summary>
    private static byte[] Zip64(string name, string text)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        var (nameBytes, content) = (Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(text));
        writer.Write(0x04034b50u); // local header
        writer.Write([45, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        writer.Write(uint.MaxValue);
        writer.Write(uint.MaxValue);
        writer.Write((ushort)nameBytes.Length);
        writer.Write((ushort)0);
        writer.Write(nameBytes);
        writer.Write(content);
        var directory = stream.Position;
        writer.Write(0x02014b50u); // directory entry
        writer.Write([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        writer.Write(uint.MaxValue);
        writer.Write(uint.MaxValue);
        writer.Write((ushort)nameBytes.Length);
        writer.Write((ushort)28);
        writer.Write([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        writer.Write(uint.MaxValue);
        writer.Write(nameBytes);
        writer.Write((ushort)1);
        writer.Write((ushort)24);
        writer.Write((long)content.Length);
        writer.Write((long)content.Length);
        writer.Write(0L);
        var size = stream.Position - directory;
        var end64 = stream.Position;
        writer.Write(0x06064b50u);
        writer.Write(44L);
        writer.Write([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        writer.Write(1L);
        writer.Write(1L);
        writer.Write(size);
        writer.Write(directory);
        writer.Write(0x07064b50u);
        writer.Write(0);
        writer.Write(end64);
        writer.Write(1);
        writer.Write(0x06054b50u);
        writer.Write([0, 0, 0, 0, 255, 255, 255, 255]);
        writer.Write(uint.MaxValue);
        writer.Write(uint.MaxValue);
        writer.Write((ushort)0);
        return stream.ToArray();
    }
}
