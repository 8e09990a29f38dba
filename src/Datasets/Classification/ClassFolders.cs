using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Classification;

/// <summary>The images below each class folder, and what is there besides.</summary>
internal sealed class ClassFolders
{
    private readonly FileStore _files;
    private readonly string _place;
    private readonly HashSet<string> _extensions;

    /// <summary>By the class's name, composed.</summary>
    private readonly Dictionary<string, (List<string> Images, List<string> Others)> _folders = new(StringComparer.Ordinal);

    private readonly LeftOutCounter _leftOut = new();

    /// <param name="prefix">The split's folder, with its slash; "" for none.</param>
    /// <param name="place">The same as a person finds it.</param>
    /// <param name="below">Every file below it.</param>
    /// <exception cref="UserErrorException">There are files, but no class folders.</exception>
    public ClassFolders(FileStore files, string prefix, string place, IReadOnlyList<string> below, HashSet<string> extensions)
    {
        (_files, _place, _extensions) = (files, place, extensions);
        files.CountUpwards(_leftOut);
        foreach (var name in below)
        {
            var end = name.IndexOf('/', prefix.Length);
            if (end < 0)
            {
                _leftOut.Add(LeftOutKind.File, "files beside the class folders", files.Describe(name));
                continue;
            }
            var folder = ClassNames.Normalize(name[prefix.Length..end]);
            if (!_folders.TryGetValue(folder, out var found))
                _folders.Add(folder, found = ([], []));
            (extensions.Contains(Path.GetExtension(name)) ? found.Images : found.Others).Add(name);
        }
        if (_folders.Count > 0)
            foreach (var folder in files.FoldersIn(prefix))
                _folders.TryAdd(ClassNames.Normalize(folder), ([], []));
        if (_folders.Count == 0)
            throw new UserErrorException(
                $"{place} holds files but no class folders. ImageFolder expects one folder per class, as in {place}/cat/1.jpg."
            );
    }

    /// <summary>In ordinal order.</summary>
    public string[] Names => [.. _folders.Keys.Order(StringComparer.Ordinal)];

    /// <summary>The images of a class.</summary>
    /// <param name="mayBeAbsent">The names are given, so a split may lack one.</param>
    /// <param name="classes">All that are wanted.</param>
    /// <exception cref="UserErrorException">There are none, or the name seems misspelt.</exception>
    public IReadOnlyList<string> ImagesOf(string name, bool mayBeAbsent, IReadOnlyList<string> classes)
    {
        var there = _folders.TryGetValue(name, out var found);
        if (there && found.Images.Count > 0)
            return found.Images;
        if (!there && NearestName.Find(name, _folders.Keys.Except(classes)) is { } near)
            throw new UserErrorException(
                $"{_place} has no class folder \"{name}\". Did you mean \"{near}\"? It has: {string.Join(", ", Names.Take(20))}. (If "
                    + $"the class is meant to be absent here, make its folder with a text file in it.)"
            );
        if (!mayBeAbsent)
            throw new UserErrorException(
                $"The class folder {_place}/{name} holds no images "
                    + $"({string.Join(", ", _extensions.Order(StringComparer.Ordinal))}).{InsteadOfImages(found.Others)}"
                    + " List the names in \"classes\" where a split may lack one."
            );
        if (there)
            foreach (var other in found.Others)
                Count(other);
        _leftOut.Add(
            LeftOutKind.Class,
            "classes without an image here",
            there ? $"{name} ({_place}/{name})" : $"{name} (there is no folder {_place}/{name})"
        );
        return [];
    }

    /// <summary>What is passed over where these classes are read.</summary>
    public IReadOnlyList<LeftOut> LeftOut(IReadOnlyList<string> classes)
    {
        var wanted = classes.ToHashSet(StringComparer.Ordinal);
        foreach (var name in Names)
        {
            var (images, others) = _folders[name];
            if (!wanted.Contains(name))
                foreach (var image in images)
                    _leftOut.Add(LeftOutKind.Class, $"images of the folder \"{name}\", which classes doesn't list", _files.Describe(image));
            else if (images.Count > 0)
                foreach (var other in others)
                    Count(other);
        }
        return _leftOut.Counted;
    }

    private void Count(string name)
    {
        var ending = Path.GetExtension(name).ToLowerInvariant();
        if (ImageCodec.UnreadableFormat(name) is { } format)
            _leftOut.Add(LeftOutKind.Image, $"{format} files, which can't be read ({ending})", _files.Describe(name));
        else if (ImageCodec.HasExtension(name))
            _leftOut.Add(LeftOutKind.Image, $"images of an ending that extensions doesn't list ({ending})", _files.Describe(name));
        else
            _leftOut.Add(
                LeftOutKind.File,
                $"files that are no images ({(ending.Length > 0 ? ending : "no ending")})",
                _files.Describe(name)
            );
    }

    private static string InsteadOfImages(List<string> others)
    {
        if (others.Count == 0)
            return " It holds no file at all: remove it, if it is no class.";
        var formats = others
            .Select(name => (Name: name, Format: ImageCodec.UnreadableFormat(name)))
            .Where(entry => entry.Format is not null)
            .ToArray();
        return formats.Length == 0
            ? ""
            : $" Its {formats.Length} {string.Join(" and ", formats.Select(entry => entry.Format).Distinct())} files can't be read; "
                + $"convert them to PNG or JPEG.";
    }
}
