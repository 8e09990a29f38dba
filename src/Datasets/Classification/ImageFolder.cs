using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Classification;

/// <param name="Path">A folder or a .zip archive.</param>
/// <param name="Split">The folder below it that holds the class folders, such as "train"; by default it holds them itself.</param>
/// <param name="Classes">Only these class folders, in index order; one of them may be absent where the part of the data has no sample of it. By default all that are there, by name (ordinal order).</param>
/// <param name="Extensions">Which files are images.</param>
public sealed record ImageFolderOptions(
    string Path,
    string? Split = null,
    string[]? Classes = null,
    string[]? Extensions = null);

/// <summary>One folder per class: <c>train/cat/1.jpg</c>, however deep below the class folder. Reads a zip archive as it is.</summary>
[Component("ImageFolder")]
public sealed class ImageFolder : Dataset
{
    private static readonly string[] ImageExtensions = [".jpg", ".jpeg", ".png", ".webp", ".bmp"];

    private readonly FileStore _files;
    private readonly string[] _names;
    private readonly int[] _labels;

    public ImageFolder(ImageFolderOptions options)
    {
        _files = FileStore.Open(options.Path);
        var split = options.Split?.Replace('\\', '/').Trim('/');
        var prefix = string.IsNullOrEmpty(split) ? "" : split + "/";
        var place = prefix.Length == 0 ? options.Path : _files.Describe(split!);
        var below = _files.Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).ToArray();
        if (below.Length == 0) throw Nothing(options.Path, split);
        var extensions = (options.Extensions ?? ImageExtensions).Select(e => e.StartsWith('.') ? e : "." + e).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var folders = below.Where(name => name.IndexOf('/', prefix.Length) >= 0).GroupBy(name => UnicodeForm.Compose(name[prefix.Length..name.IndexOf('/', prefix.Length)]))
            .ToDictionary(group => group.Key, group => group.Where(name => extensions.Contains(System.IO.Path.GetExtension(name))).ToArray());
        if (folders.Count == 0)
            throw new UserErrorException($"{place} holds files but no class folders. ImageFolder expects one folder per class, as in {place}/cat/1.jpg.");
        string[] classes = options.Classes is { } named ? Array.ConvertAll(named, UnicodeForm.Compose) : [.. folders.Keys.Order(StringComparer.Ordinal)];
        foreach (var name in classes) Check(name, folders, place, extensions, classes, given: options.Classes is not null);
        if (!classes.Any(folders.ContainsKey)) throw new UserErrorException($"{place} has none of the classes' folders ({string.Join(", ", classes.Take(20))}). It has: {string.Join(", ", folders.Keys.Order(StringComparer.Ordinal).Take(20))}.");
        if (classes.Distinct().Count() < classes.Length) throw new UserErrorException("ImageFolder: classes names a class twice.");
        var samples = classes.SelectMany((name, label) => folders.GetValueOrDefault(name, []).Select(file => (file, label))).ToArray();
        if (samples.Length == 0) throw new UserErrorException($"The class folders in {place} hold no images ({string.Join(", ", extensions.Order(StringComparer.Ordinal))}).");
        _names = Array.ConvertAll(samples, sample => sample.file);
        _labels = Array.ConvertAll(samples, sample => sample.label);
        Info = new DataInfo(classes, DataTask.Classification);
    }

    public override int Count => _names.Length;

    public override DataInfo Info { get; }

    public override Sample Get(int index)
    {
        var name = _names[index];
        return new Sample { Index = index, Name = _files.Describe(name), ReadFile = () => _files.Read(name), Label = _labels[index] };
    }

    public override int? LabelOf(int index) => _labels[index];

    public override IReadOnlyList<string> Check(Action<int, int>? advance = null) => [.. PixelDepth.Notes(this)];

    private UserErrorException Nothing(string path, string? split)
    {
        if (_files.Names.Count == 0 || string.IsNullOrEmpty(split)) return new UserErrorException($"{path} is empty: ImageFolder finds no files in it.");
        var depth = split.Count(c => c == '/') + 1;
        var known = _files.Names.Where(name => name.Count(c => c == '/') >= depth).Select(name => string.Join('/', name.Split('/').Take(depth))).Distinct().ToArray();
        return new UserErrorException(
            $"{path} has no folder \"{split}\", or it is empty.{NearestName.Suggest(split, known)} It has: {string.Join(", ", known.Take(20))}.");
    }

    /// <summary>A class that the config names need not have images in every part of the data; the look at the data says which have none.</summary>
    private static void Check(string name, Dictionary<string, string[]> folders, string place, HashSet<string> extensions, string[] classes, bool given)
    {
        if (!folders.TryGetValue(name, out var files))
        {
            if (given && NearestName.Find(name, folders.Keys.Except(classes)) is null) return;
            throw new UserErrorException($"{place} has no class folder \"{name}\".{NearestName.Suggest(name, folders.Keys)} It has: {string.Join(", ", folders.Keys.Order(StringComparer.Ordinal).Take(20))}.");
        }
        if (files.Length == 0 && !given)
            throw new UserErrorException($"The class folder {place}/{name} holds no images ({string.Join(", ", extensions.Order(StringComparer.Ordinal))}).");
    }
}
