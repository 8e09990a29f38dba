namespace Tessera.Datasets.Storage;

/// <summary>Files below a folder, hidden ones left out.</summary>
internal sealed class FolderStore(string path) : FileStore(path)
{
    private static readonly EnumerationOptions Visible = new()
    {
        RecurseSubdirectories = true,
        MaxRecursionDepth = 32, // a link may lead back up
        AttributesToSkip = FileAttributes.Hidden | FileAttributes.System,
        IgnoreInaccessible = false,
    };

    private string[]? _names;

    public override IReadOnlyList<string> Names
    {
        get
        {
            if (_names is not null)
                return _names;
            var names = Directory
                .EnumerateFiles(Location, "*", Visible)
                .Select(file => Path.GetRelativePath(Location, file).Replace(Path.DirectorySeparatorChar, '/'))
                .Where(name => !IsHidden(name))
                .ToArray();
            Array.Sort(names, StringComparer.Ordinal);
            return _names = names;
        }
    }

    internal override IEnumerable<string> FoldersIn(string prefix) =>
        Directory
            .EnumerateDirectories(
                Path.Combine(Location, prefix),
                "*",
                new EnumerationOptions { AttributesToSkip = Visible.AttributesToSkip }
            )
            .Select(folder => Path.GetFileName(folder))
            .Where(name => !IsHidden(name));

    public override string Describe(string name) => Path.Combine(Location, name);

    public override bool Contains(string name) => File.Exists(Describe(name));

    public override FileStamp StampOf(string name)
    {
        var file = new FileInfo(Describe(name));
        return file.Exists ? new(file.Length, file.LastWriteTimeUtc.Ticks) : default;
    }

    public override long LengthOf(string name) => StampOf(name).Length;

    public override ReadOnlyMemory<byte> Read(string name) => Read(name, MaxFileBytes, all: true);

    internal override ReadOnlyMemory<byte> ReadStart(string name, int bytes) => Read(name, bytes, all: false);

    private byte[] Read(string name, long most, bool all)
    {
        var place = Describe(name);
        try
        {
            using var handle = File.OpenHandle(place);
            var length = RandomAccess.GetLength(handle);
            if (length == 0)
                throw Empty(name);
            if (length > most && all)
                throw TooLarge(name, length);
            var bytes = GC.AllocateUninitializedArray<byte>((int)Math.Min(length, most));
            for (var done = 0; done < bytes.Length; )
            {
                var read = RandomAccess.Read(handle, bytes.AsSpan(done), done);
                if (read == 0)
                    throw new UserErrorException($"{place} became shorter while it was read.");
                done += read;
            }
            return bytes;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw NoSuchFile(name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{place} can't be read: {e.Message}", e);
        }
    }
}
