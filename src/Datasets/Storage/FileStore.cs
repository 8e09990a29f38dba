using Tessera.Framework.Data;

namespace Tessera.Datasets.Storage;

/// <summary>Tells whether a file is still the same.</summary>
/// <param name="Length">Bytes.</param>
/// <param name="Ticks">When it was last written.</param>
public readonly record struct FileStamp(long Length, long Ticks)
{
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Length}-{Ticks}");
}

/// <summary>Files below a folder or in a zip archive, by name with forward slashes. Safe to read from several threads.</summary>
public abstract class FileStore
{
    /// <summary>No image or annotation is larger.</summary>
    protected const long MaxFileBytes = 1L << 30;

    private static readonly string[] s_leftBehind =
    [
        "__MACOSX",
        "Thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "@eaDir",
        "$RECYCLE.BIN",
        "System Volume Information",
        "#recycle",
        "lost+found",
    ];

    private protected FileStore(string location) => Location = location;

    /// <summary>The folder or archive, as the user named it.</summary>
    public string Location { get; }

    /// <summary>Every file's name, in ordinal order; hidden files and what systems leave behind (__MACOSX, Thumbs.db) are not among
    /// them.</summary>
    public abstract IReadOnlyList<string> Names { get; }

    /// <summary>Names in an archive that would lead out of it, by ".."; they are not among the others.</summary>
    internal virtual IReadOnlyList<string> Upwards => [];

    /// <summary>Counts <see cref="Upwards"/>.</summary>
    internal void CountUpwards(LeftOutCounter leftOut)
    {
        foreach (var name in Upwards)
            leftOut.Add(LeftOutKind.File, "files whose names lead out of the archive (..)", Describe(name));
    }

    /// <summary>The folders directly below another, whatever they hold, in no order; hidden ones left out. Of an archive those that it
    /// lists.</summary>
    /// <param name="prefix">With its slash; "" for the store's own.</param>
    internal abstract IEnumerable<string> FoldersIn(string prefix);

    /// <summary>Opens a folder or a .zip archive.</summary>
    /// <param name="fromConfig">A config names it: an error says how data_root is set.</param>
    /// <exception cref="UserErrorException">There is no such thing, or the archive is damaged.</exception>
    public static FileStore Open(string path, bool fromConfig = true) =>
        Directory.Exists(path) ? new FolderStore(path)
        : !File.Exists(path) ? throw Missing(path, fromConfig)
        : path.EndsWith(".zip", StringComparison.OrdinalIgnoreCase) ? new ZipStore(path)
        : throw new UserErrorException($"{path} is neither a folder nor a .zip archive.");

    /// <summary>What a person finds the file by.</summary>
    public abstract string Describe(string name);

    public abstract bool Contains(string name);

    /// <summary>Length and time of a file; of the archive's where the file lies in one. Of a missing file, nothing.</summary>
    public abstract FileStamp StampOf(string name);

    /// <summary>Bytes of a file; 0 of a missing one.</summary>
    public abstract long LengthOf(string name);

    /// <summary>The whole file.</summary>
    /// <exception cref="UserErrorException">It is missing, empty, damaged or larger than any image.</exception>
    public abstract ReadOnlyMemory<byte> Read(string name);

    /// <summary>The first bytes of a file, or the whole where it has no more, or lies in an archive.</summary>
    /// <exception cref="UserErrorException">As <see cref="Read"/>.</exception>
    internal virtual ReadOnlyMemory<byte> ReadStart(string name, int bytes) => Read(name);

    /// <summary>Whether some part of the path is hidden, leads upwards, or is what a system or an archiver leaves behind.</summary>
    internal static bool IsHidden(string name)
    {
        foreach (var range in name.AsSpan().Split('/'))
        {
            var part = name.AsSpan()[range];
            if (part.StartsWith('.'))
                return true;
            foreach (var left in s_leftBehind)
                if (part.Equals(left, StringComparison.OrdinalIgnoreCase))
                    return true;
        }
        return false;
    }

    /// <summary>An error that says which part of the path exists.</summary>
    /// <param name="fromConfig">A config names it: the error says how data_root is set.</param>
    public static UserErrorException Missing(string path, bool fromConfig = true)
    {
        const string where = "Where the data lies is set by data_root";
        var parent = Path.GetDirectoryName(Path.GetFullPath(path));
        while (parent is not null && !Directory.Exists(parent))
            parent = Path.GetDirectoryName(parent);
        var near =
            parent is null || parent != Path.GetDirectoryName(Path.GetFullPath(path))
                ? null
                : NearestName.Suggest(
                    Path.GetFileName(path),
                    Directory.EnumerateFileSystemEntries(parent).Select(entry => Path.GetFileName(entry)!).Take(10_000)
                );
        var said = near is null ? $"{path} doesn't exist, nor does the folder it should lie in." : $"{path} doesn't exist.{near}";
        return fromConfig ? new UserErrorException($"{said} {where}.", new Advice(where, "data_root")) : new UserErrorException(said);
    }

    private protected UserErrorException Empty(string name) => new($"{Describe(name)} is empty (0 bytes).");

    private protected UserErrorException TooLarge(string name, long bytes) =>
        new($"{Describe(name)} has {bytes >> 20:N0} MiB; no image may have more than {MaxFileBytes >> 20:N0}.");

    private protected UserErrorException NoSuchFile(string name) => new($"{Describe(name)} doesn't exist.");
}
