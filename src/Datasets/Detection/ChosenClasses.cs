using System.Globalization;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <summary>The classes of a data set among those that were annotated.</summary>
internal sealed class ChosenClasses
{
    private readonly IReadOnlyList<string> _read;
    private readonly int[] _labels; // of each class read; -1 for those left out

    private ChosenClasses(IReadOnlyList<string> known, IReadOnlyList<string> names, AnnotationSet read)
    {
        (_read, Names) = (known, names);
        var index = names.Select((name, i) => (name, i)).ToDictionary(entry => entry.name, entry => entry.i, StringComparer.Ordinal);
        _labels = [.. known.Select(name => index.GetValueOrDefault(name, -1))];
        var places = known.ToList();
        CategoryIds = read.CategoryIds is { } ids ? Ids(places, ids) : null;
        int[] of = [.. names.Select(name => places.IndexOf(name))];
        if (read.Frequencies is { } frequencies && !of.Contains(-1))
            Frequencies = [.. of.Select(place => frequencies[place])];
        if (read.Ancestors is { } ancestors)
            Ancestors = [.. of.Select(place => place < 0 ? [] : Chosen(ancestors[place]))];
    }

    public IReadOnlyList<string> Names { get; }

    /// <summary>In the file; classes that it lacks get ids above all of its own.</summary>
    public IReadOnlyList<long>? CategoryIds { get; }

    /// <summary>null also where the annotations lack one of the classes.</summary>
    public IReadOnlyList<ClassFrequency>? Frequencies { get; }

    /// <summary>Among these classes.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Ancestors { get; }

    /// <exception cref="UserErrorException">There are none, one comes twice, or one seems misspelt.</exception>
    public static ChosenClasses Of(string what, AnnotationSet read, DetectionOptions options, Findings findings)
    {
        var known = ClassNames.Normalize(read.Names);
        var names = ClassNames.Normalize(options.Classes ?? known);
        if (names.Count == 0)
            throw new UserErrorException($"{what}: no object has a class, and no classes are given.");
        if (names.Distinct(StringComparer.Ordinal).Count() < names.Count)
            throw new UserErrorException($"{what}: the class names hold one twice.");
        if (options.Classes is null)
            return new(known, names, read);

        var absent = names.Except(known).ToArray();
        foreach (var name in absent)
        {
            if (options.OnUnknownClass is null && NearestName.Find(name, known.Except(names)) is { } near)
                throw new UserErrorException(
                    $"{what} has no category \"{name}\". Did you mean \"{near}\"? It has: {string.Join(", ", known.Take(100))}. (If "
                        + $"both are meant as they are, set \"on_unknown_class\": \"skip\".)"
                );
            findings.LeaveOut(
                LeftOutKind.Class,
                "classes that the annotations lack",
                known.Count == 0
                    ? $"\"{name}\" ({what} has no class at all)"
                    : $"\"{name}\" ({what} has {string.Join(", ", known.Take(20))}{(known.Count > 20 ? ", …" : "")})"
            );
        }
        if (absent.Length == names.Count && known.Count > 0)
            throw new UserErrorException(
                $"{what} has none of the classes {string.Join(", ", names.Take(20))}. It has: {string.Join(", ", known.Take(100))}."
            );
        return new(known, names, read);
    }

    /// <summary>The images with the objects of these classes, labelled by them.</summary>
    public List<AnnotatedImage> Apply(IReadOnlyList<AnnotatedImage> all, Findings findings)
    {
        var counts = new long[_read.Count];
        var isAll = _labels.Index().All(entry => entry.Item == entry.Index);
        var images = all.ToList();
        for (var i = 0; i < images.Count; i++)
        {
            var image = images[i];
            if (isAll && image.Objects.All(item => item.Class >= 0))
                continue; // nothing changes
            var kept = new List<AnnotatedObject>(image.Objects.Count);
            foreach (var item in image.Objects)
            {
                var label = item.Class < 0 ? -1 : _labels[item.Class];
                if (label >= 0)
                    kept.Add(item with { Class = label });
                else if (item.Class >= 0 && counts[item.Class]++ == 0)
                    findings.Add(
                        FindingKind.UnknownClass,
                        $"{image.Describe(item)}: \"{_read[item.Class]}\" is none of the "
                            + $"classes.{NearestName.Suggest(_read[item.Class], Names)}"
                    );
                else
                    findings.Add(
                        FindingKind.UnknownClass,
                        item.Class >= 0
                            ? $"{image.Describe(item)}: another \"{_read[item.Class]}\"."
                            : $"{image.Describe(item)}: it has no class."
                    );
            }
            images[i] = image with
            {
                Objects = kept,
                VerifiedLabels = image.VerifiedLabels is { } verified ? Chosen(verified) : null,
                NotExhaustiveLabels = Chosen(image.NotExhaustiveLabels),
            };
        }
        var others = _read.Zip(counts).Where(entry => entry.Second > 0).Take(20).ToArray();
        if (others.Length > 0)
            findings.Note($"Objects of other classes: {string.Join(", ", others.Select(entry => Counted(entry.First, entry.Second)))}.");
        return images;
    }

    private int[] Chosen(IReadOnlyList<int> labels) => [.. labels.Select(label => _labels[label]).Where(label => label >= 0)];

    private static string Counted(string name, long count) => string.Create(CultureInfo.InvariantCulture, $"{name} ({count:N0})");

    private long[] Ids(List<string> read, IReadOnlyList<long> ids)
    {
        var next = ids.Count == 0 ? 0 : ids.Max();
        return [.. Names.Select(name => read.IndexOf(name) is >= 0 and var at ? ids[at] : ++next)];
    }
}
