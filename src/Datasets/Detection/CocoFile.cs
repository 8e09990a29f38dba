using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <summary>Reads annotations in COCO's format.</summary>
/// <remarks>Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014, arXiv:1405.0312; the format is described at
/// cocodataset.org. Its parts may come in any order.</remarks>
public static class CocoFile
{
    /// <param name="withMasks">Also read "segmentation". An object without "bbox" has the box around its mask, also where masks aren't
    /// asked for.</param>
    /// <exception cref="UserErrorException">It is no such file, with the line.</exception>
    public static AnnotationSet Read(string path, Findings findings, bool withMasks = false) =>
        Read(path, findings, new CocoForm(withMasks));

    internal static AnnotationSet Read(string path, Findings findings, CocoForm form)
    {
        if (!File.Exists(path))
            throw Storage.FileStore.Missing(path);
        var parts = CocoParser.Parse(path, findings, form);
        if (parts.NeedsMasks)
            parts = CocoParser.Parse(path, findings, form with { WithMasks = true });
        if (parts.Note is { } note)
            findings.Note(note);
        var (known, classOf) = CocoClasses.Of(path, parts, findings);
        var (kept, places) = Listed(path, parts.Images, findings);
        Place(path, parts, kept, places, classOf, findings, form.WithMasks);
        if (CocoClasses.OneTooLow(parts) is { } low)
            findings.Note($"{path}: {low}");
        var objects = parts.Annotations.TakeByImage(kept.Count);
        for (var i = 0; i < kept.Count; i++)
            kept[i] = CocoClasses.WithJudged(kept[i] with { Objects = objects[i] }, classOf, path, findings);
        return new AnnotationSet([.. known.Select(category => category.Name)], [.. known.Select(category => category.Id)], kept)
        {
            Frequencies = known.All(category => category.Frequency is not null)
                ? [.. known.Select(category => category.Frequency!.Value)]
                : null,
        };
    }

    /// <summary>Gives each annotation its image's place and its class; those that have none are told.</summary>
    private static void Place(
        string path,
        CocoParts parts,
        List<AnnotatedImage> kept,
        Dictionary<long, int> places,
        Dictionary<long, int> classOf,
        Findings findings,
        bool withMasks
    )
    {
        var annotations = parts.Annotations;
        var (seen, boxed) = (AreRising(annotations) ? null : new HashSet<long>(annotations.Count), 0L);
        for (var i = 0; i < annotations.Count; i++)
        {
            ref var entry = ref annotations[i];
            if (Fault(entry, out var place, out var index) is var (kind, what))
            {
                findings.Add(kind, $"{path}: annotation {what}");
                entry.Image = -1;
                continue;
            }
            entry.Image = place;
            entry.Object = Boxed(entry.Object with { Class = index }, kept[place], ref boxed);
            if (!withMasks && entry.Object.Mask is not null)
                entry.Object = entry.Object with { Mask = null };
        }
        if (boxed > 0)
            findings.Note($"{path}: {boxed} objects have no \"bbox\"; each has the box around its mask.");

        (FindingKind Kind, string What)? Fault(in ObjectList.Entry entry, out int place, out int index)
        {
            (place, index) = (-1, -1);
            var (id, category) = (entry.Object.Place, parts.Used[entry.Object.Class]);
            if (id >= 0 && seen?.Add(id) == false)
                return (FindingKind.Duplicate, $"id {id} comes twice.");
            if (!places.TryGetValue(entry.Image, out place))
                return (FindingKind.MissingImage, $"{id} is of image {entry.Image}, which the file doesn't list.");
            if (!classOf.TryGetValue(category, out index))
                return (FindingKind.UnknownClass, $"{id} is of category {category}, which the file doesn't list.");
            return null;
        }
    }

    /// <summary>Whether ids rise from one annotation to the next, so that none comes twice: true of most files, and tens of millions of ids
    /// need not be kept then.</summary>
    private static bool AreRising(ObjectList annotations)
    {
        var last = -1L;
        for (var i = 0; i < annotations.Count; i++)
        {
            var id = annotations[i].Object.Place;
            if (id >= 0 && id <= last)
                return false;
            last = Math.Max(last, id);
        }
        return true;
    }

    /// <summary>With the box around its mask, where it has none.</summary>
    private static AnnotatedObject Boxed(AnnotatedObject item, AnnotatedImage image, ref long boxed)
    {
        if (item.Mask is not { } mask || !double.IsNaN(item.X) || !double.IsNaN(item.Width))
            return item;
        var (height, width) = image is { Height: > 0, Width: > 0 } ? (image.Height, image.Width) : mask.Size ?? (0, 0);
        if (Around(mask, height, width) is not var (x, y, across, down))
            return item;
        boxed++;
        return item with { X = x, Y = y, Width = across, Height = down };
    }

    /// <summary>The box around a mask's pixels, or around its points where the image's size isn't known.</summary>
    private static (double X, double Y, double Width, double Height)? Around(ObjectMask mask, int height, int width)
    {
        if (height > 0)
            return mask.Fault(height, width) is null && mask.Rasterize(height, width) is { IsEmpty: false, Box: var box } ? box : null;
        if (mask.Polygons is not { Count: > 0 } polygons || polygons.Any(points => PolygonMask.Fault(points) is not null))
            return null;
        var xs = polygons.SelectMany(points => points.Where((_, i) => i % 2 == 0)).ToArray();
        var ys = polygons.SelectMany(points => points.Where((_, i) => i % 2 == 1)).ToArray();
        return (xs.Min(), ys.Min(), xs.Max() - xs.Min(), ys.Max() - ys.Min());
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
}
