using System.Security.Cryptography;
using System.Text;
using Tessera.Framework.Files;

namespace Tessera.Datasets.Storage;

/// <summary>What earlier runs found out about files, in the user's cache folder ($XDG_CACHE_HOME/tessera or ~/.cache/tessera): one file for
/// each data set's folder, a line for each fact. Safe to use from several threads.</summary>
internal sealed class FactCache
{
    private const long MaxBytes = 1L << 30;

    private readonly string? _path;
    private readonly string _header;
    private readonly Dictionary<string, string> _lines = new(StringComparer.Ordinal);
    private bool _changed;

    private FactCache(string? path, string header) => (_path, _header) = (path, header);

    /// <param name="kind">The folder in the cache.</param>
    /// <param name="header">The first line; a file with another one is not read.</param>
    /// <param name="location">What the facts are of: a folder or an archive.</param>
    /// <param name="how">Tells apart what is found out in several ways; "" where there is one.</param>
    public static FactCache Open(string kind, string header, string location, string how)
    {
        var cache = new FactCache(PathOf(kind, location, how), header);
        try
        {
            if (cache._path is null || !File.Exists(cache._path) || new FileInfo(cache._path).Length > MaxBytes)
                return cache;
            using var reader = new StreamReader(cache._path);
            if (reader.ReadLine() != header)
                return cache;
            while (reader.ReadLine() is { } line)
                if (line.IndexOf('\t') is > 0 and var end)
                    cache._lines[line[..end]] = line[(end + 1)..];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            cache._lines.Clear(); // what can't be read is read anew
        }
        return cache;
    }

    /// <param name="name">Of the file, or files.</param>
    /// <returns>null where nothing is known.</returns>
    public string? Find(string name)
    {
        lock (_lines)
            return _lines.GetValueOrDefault(Key(name));
    }

    /// <param name="fact">One line.</param>
    public void Set(string name, string fact)
    {
        lock (_lines)
            (_lines[Key(name)], _changed) = (fact, true);
    }

    /// <summary>Writes what is known, if it can be and is new; without a cache the next run merely takes longer.</summary>
    public void Save()
    {
        if (_path is null || !_changed)
            return;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
            var mine = $"{_path}.{Environment.ProcessId}"; // other processes may write the same
            AtomicFile.Write(
                mine,
                stream =>
                {
                    using var writer = new StreamWriter(stream, leaveOpen: true);
                    writer.WriteLine(_header);
                    foreach (var (key, line) in _lines)
                        writer.WriteLine($"{key}\t{line}");
                }
            );
            File.Move(mine, _path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
    }

    private static string? PathOf(string kind, string location, string how)
    {
        var root =
            Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } set ? set
            : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } home ? Path.Combine(home, ".cache")
            : null;
        return root is null ? null : Path.Combine(root, "tessera", kind, Key($"{Path.GetFullPath(location)}|{how}") + ".tsv");
    }

    // The names' hash: they may hold anything, tabs included.
    private static string Key(string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 12));
}
