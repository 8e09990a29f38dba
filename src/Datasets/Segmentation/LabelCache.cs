using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Tessera.Datasets.Storage;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Files;

namespace Tessera.Datasets.Segmentation;

/// <summary>
/// What earlier runs read of label files, in the user's cache folder ($XDG_CACHE_HOME/tessera or ~/.cache/tessera), one file for
/// each data set's folder: a line for each pair of files, good as long as their sizes and times are the same.
/// </summary>
internal sealed class LabelCache
{
    private const string Header = "tessera labels 2";
    private const long MaxBytes = 1L << 30;

    private readonly string? _path;
    private readonly Dictionary<string, string> _lines = new(StringComparer.Ordinal);

    private LabelCache(string? path) => _path = path;

    public static LabelCache Open(string location, bool byColor)
    {
        var cache = new LabelCache(PathOf(location, byColor));
        try
        {
            if (cache._path is null || !File.Exists(cache._path) || new FileInfo(cache._path).Length > MaxBytes)
                return cache;
            using var reader = new StreamReader(cache._path);
            if (reader.ReadLine() != Header)
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

    /// <returns>null where nothing is known, or one of the files has changed.</returns>
    public LabelStatistics? Find(string image, string labels, FileStamp imageStamp, FileStamp labelStamp)
    {
        if (!_lines.TryGetValue(Key(image, labels), out var line))
            return null;
        var fields = line.Split('\t');
        if (fields.Length != 4 || fields[0] != imageStamp.ToString() || fields[1] != labelStamp.ToString())
            return null;
        var sizes = Numbers(fields[2], ' ');
        if (sizes is not [> 0, > 0, > 0, > 0, 0 or 1])
            return null;
        var histogram = new List<KeyValuePair<int, long>>();
        foreach (var entry in fields[3].Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Numbers(entry, ':') is not [>= -1 and < 1 << 24 and var value, > 0 and var pixels])
                return null;
            histogram.Add(new((int)value, pixels));
        }
        return new LabelStatistics((int)sizes[0], (int)sizes[1], (int)sizes[2], (int)sizes[3], histogram) { Turned = sizes[4] == 1 };
    }

    public void Add(string image, string labels, FileStamp imageStamp, FileStamp labelStamp, LabelStatistics found) =>
        _lines[Key(image, labels)] = string.Join(
            '\t',
            imageStamp,
            labelStamp,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{found.Height} {found.Width} {found.ImageHeight} {found.ImageWidth} {(found.Turned ? 1 : 0)}"
            ),
            string.Join(' ', found.Histogram.Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Key}:{entry.Value}")))
        );

    /// <summary>Writes what is known, if it can be; without a cache the next run merely takes longer.</summary>
    public void Save()
    {
        if (_path is null)
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
                    writer.WriteLine(Header);
                    foreach (var (key, line) in _lines)
                        writer.WriteLine($"{key}\t{line}");
                }
            );
            File.Move(mine, _path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
    }

    private static string? PathOf(string location, bool byColor)
    {
        var root =
            Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } set ? set
            : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } home ? Path.Combine(home, ".cache")
            : null;
        if (root is null)
            return null;
        var identity = $"{Path.GetFullPath(location)}|{(byColor ? "colours" : "values")}";
        return Path.Combine(
            root,
            "tessera",
            "labels",
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity)).AsSpan(0, 12)) + ".tsv"
        );
    }

    // The names' hash: they may hold anything, tabs included.
    private static string Key(string image, string labels) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{image}\0{labels}")).AsSpan(0, 12));

    private static long[]? Numbers(string text, char separator)
    {
        var parts = text.Split(separator);
        var numbers = new long[parts.Length];
        for (var i = 0; i < parts.Length; i++)
            if (!long.TryParse(parts[i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out numbers[i]))
                return null;
        return numbers;
    }
}
