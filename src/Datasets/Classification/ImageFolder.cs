using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Classification;

/// <param name="Path">A folder or a .zip archive.</param>
/// <param name="Split">The folder below it that holds the class folders, such as "train"; by default it holds them itself.</param>
/// <param name="Classes">Only these class folders, in index order; by default all, by name (ordinal order). One without images may be among
/// them: a split may lack a class.</param>
/// <param name="Extensions">Which files are images, in any case; by default all that can be read.</param>
/// <param name="List">A text file that names the images to take, one a line; looked for below path, then in the working folder. By default
/// all. Classes are those of all images.</param>
public sealed record ImageFolderOptions(
    string Path,
    string? Split = null,
    string[]? Classes = null,
    string[]? Extensions = null,
    string? List = null
);

/// <summary>One folder per class: <c>train/cat/1.jpg</c>, however deep below the class folder. Reads a zip archive as it is.</summary>
[Component("ImageFolder")]
public sealed class ImageFolder : Dataset
{
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
        if (below.Length == 0)
            throw Nothing(options.Path, split);
        var extensions = (options.Extensions ?? ImageCodec.Extensions)
            .Select(e => e.StartsWith('.') ? e : "." + e)
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        var folders = new ClassFolders(_files, prefix, place, below, extensions);
        var classes = ClassNames.Normalize(options.Classes ?? folders.Names);
        if (classes.Distinct().Count() < classes.Count)
            throw new UserErrorException("ImageFolder: classes names a class twice.");
        var samples = classes
            .SelectMany(
                (name, label) => folders.ImagesOf(name, mayBeAbsent: options.Classes is not null, classes).Select(file => (file, label))
            )
            .ToArray();
        LeftOut = folders.LeftOut(classes);
        if (samples.Length == 0)
            throw new UserErrorException(
                string.Join(
                    "\n  ",
                    (string[])
                        [
                            $"{place}: {(classes.Count == 1 ? "the only class has no" : $"none of the {classes.Count} classes has an")} "
                                + "image that can be read.",
                            .. LeftOut.Select(entry => entry.ToString()),
                        ]
                )
            );
        if (options.List is { } list)
            samples = [.. SampleList.Read(_files, list, [.. samples.Select(sample => sample.file)], split ?? "").Select(i => samples[i])];
        _names = Array.ConvertAll(samples, sample => sample.file);
        _labels = Array.ConvertAll(samples, sample => sample.label);
        Info = new DataInfo(classes, DataTask.Classification);
    }

    public override int Count => _names.Length;

    public override DataInfo Info { get; }

    public override IReadOnlyList<LeftOut> LeftOut { get; }

    public override Sample Get(int index)
    {
        var name = _names[index];
        return new Sample
        {
            Index = index,
            Name = _files.Describe(name),
            ReadFile = () => _files.Read(name),
            Truth = { Label = _labels[index] },
        };
    }

    public override string? SyntheticSource => SyntheticMarker.Above(_files, _names);

    public override int? LabelOf(int index) => _labels[index];

    public override string? ListNameOf(int index) => _names[index];

    public override IReadOnlyList<string> Check(Action<int, int>? advance = null) => [.. base.Check(advance), .. PixelDepth.Notes(this)];

    private UserErrorException Nothing(string path, string? split)
    {
        if (_files.Names.Count == 0 || string.IsNullOrEmpty(split))
            return new UserErrorException($"{path} is empty: ImageFolder finds no files in it.");
        var depth = split.Count(c => c == '/') + 1;
        var known = _files
            .Names.Where(name => name.Count(c => c == '/') >= depth)
            .Select(name => string.Join('/', name.Split('/').Take(depth)))
            .Distinct()
            .ToArray();
        return new UserErrorException(
            $"{path} has no folder \"{split}\", or it is empty.{NearestName.Suggest(split, known)} It has: "
                + $"{string.Join(", ", known.Take(20))}."
        );
    }
}
