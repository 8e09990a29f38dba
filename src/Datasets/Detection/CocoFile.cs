namespace Tessera.Datasets.Detection;

/// <summary>Reads annotations in COCO's format.</summary>
/// <remarks>Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014, arXiv:1405.0312; the format is described at
/// cocodataset.org. Its parts may come in any order.</remarks>
public static class CocoFile
{
    /// <param name="withMasks">Also read "segmentation". An object without "bbox" then has the box around its mask.</param>
    /// <exception cref="UserErrorException">It is no such file, with the line.</exception>
    public static AnnotationSet Read(string path, Findings findings, bool withMasks = false)
    {
        if (!File.Exists(path))
            throw Storage.FileStore.Missing(path);
        var (images, annotations, categories) = CocoParser.Parse(path, findings, withMasks);
        var (known, classOf) = Categories(path, categories, annotations, findings);
        var (kept, places) = Listed(path, images, findings);
        var objects = new List<AnnotatedObject>?[kept.Count];
        var (seen, boxed) = (new HashSet<long>(annotations.Count), 0L);
        foreach (var annotation in annotations)
        {
            if (Fault(annotation, out var place, out var index) is var (kind, what))
                findings.Add(kind, $"{path}: annotation {what}");
            else
                (objects[place] ??= []).Add(Boxed(annotation.Object(index), kept[place], ref boxed));
        }
        if (boxed > 0)
            findings.Note($"{path}: {boxed} objects have no \"bbox\"; each has the box around its mask.");
        for (var i = 0; i < kept.Count; i++)
            if (objects[i] is { } of)
                kept[i] = kept[i] with { Objects = of };
        return new AnnotationSet([.. known.Select(category => category.Name)], [.. known.Select(category => category.Id)], kept);

        (FindingKind Kind, string What)? Fault(CocoAnnotation annotation, out int place, out int index)
        {
            (place, index) = (-1, -1);
            if (annotation.Id >= 0 && !seen.Add(annotation.Id))
                return (FindingKind.Duplicate, $"id {annotation.Id} comes twice.");
            if (!places.TryGetValue(annotation.Image, out place))
                return (FindingKind.MissingImage, $"{annotation.Id} is of image {annotation.Image}, which the file doesn't list.");
            if (!classOf.TryGetValue(annotation.Category, out index))
                return (FindingKind.UnknownClass, $"{annotation.Id} is of category {annotation.Category}, which the file doesn't list.");
            return null;
        }
    }

    /// <summary>With the box around its mask, where it has none.</summary>
    private static AnnotatedObject Boxed(AnnotatedObject item, AnnotatedImage image, ref long boxed)
    {
        if (item.Mask is not { } mask || !double.IsNaN(item.X) || !double.IsNaN(item.Width))
            return item;
        var (height, width) = image is { Height: > 0, Width: > 0 } ? (image.Height, image.Width) : mask.Size ?? (0, 0);
        if (height == 0 || mask.Fault(height, width) is not null || mask.Rasterize(height, width) is not { IsEmpty: false, Box: var box })
            return item;
        boxed++;
        return item with { X = box.X, Y = box.Y, Width = box.Width, Height = box.Height };
    }

    /// <summary>Each image once, and its place in the list by id.</summary>
    private static (List<AnnotatedImage> Kept, Dictionary<long, int> Places) Listed(
        string path,
        List<AnnotatedImage> images,
        Findings findings
    )
    {
        var places = new Dictionary<long, int>(images.Count);
        var (kept, files) = (new List<AnnotatedImage>(images.Count), new Dictionary<string, long>(StringComparer.Ordinal));
        foreach (var image in images)
        {
            if (places.ContainsKey(image.Id!.Value))
            {
                findings.Add(
                    FindingKind.Duplicate,
                    $"{path}: image id {image.Id} comes twice: {kept[places[image.Id.Value]].File}, then {image.File}."
                );
                continue;
            }
            if (!files.TryAdd(image.File, image.Id.Value))
                findings.Note($"{path}: {image.File} is listed twice, as image {files[image.File]} and {image.Id}.");
            places[image.Id.Value] = kept.Count;
            kept.Add(image);
        }
        return (kept, places);
    }

    /// <summary>Each name once, by rising id of its first entry; a name's further ids mean the same class.</summary>
    /// <returns>The classes, each with the id that most annotations give it, and the class of every id.</returns>
    private static (List<CocoCategory> Known, Dictionary<long, int> ClassOf) Categories(
        string path,
        List<CocoCategory> categories,
        List<CocoAnnotation> annotations,
        Findings findings
    )
    {
        var (first, nameOf) = (new Dictionary<string, long>(StringComparer.Ordinal), new Dictionary<long, string>());
        foreach (var category in categories)
        {
            if (!nameOf.TryAdd(category.Id, category.Name))
                findings.Add(
                    FindingKind.Duplicate,
                    $"{path}: category id {category.Id} comes twice: {nameOf[category.Id]}, then {category.Name}."
                );
            else if (!first.TryAdd(category.Name, category.Id))
                findings.Add(
                    FindingKind.Duplicate,
                    $"{path}: category \"{category.Name}\" comes twice: {first[category.Name]}, then {category.Id}; where that is "
                        + $"skipped, both ids mean the one class."
                );
        }
        var names = first.OrderBy(entry => entry.Value).Select(entry => entry.Key).ToArray();
        var places = names.Select((name, i) => (name, i)).ToDictionary(entry => entry.name, entry => entry.i, StringComparer.Ordinal);
        var uses = annotations.GroupBy(annotation => annotation.Category).ToDictionary(group => group.Key, group => group.Count());
        var ids = nameOf.ToLookup(entry => entry.Value, entry => entry.Key, StringComparer.Ordinal);
        return (
            [.. names.Select(name => new CocoCategory(ids[name].MaxBy(id => (uses.GetValueOrDefault(id), id == first[name])), name))],
            nameOf.ToDictionary(entry => entry.Key, entry => places[entry.Value])
        );
    }
}
