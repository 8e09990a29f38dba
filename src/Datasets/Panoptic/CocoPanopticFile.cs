using System.Text.Json;
using Tessera.Datasets.Detection;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Panoptic;

/// <summary>What a panoptic file says, files' names as it has them.</summary>
/// <param name="Photos">Every photograph that it lists.</param>
/// <param name="Maps">The map of each photograph that has an annotation, under the same id; of those alone samples can be made.</param>
/// <param name="Segments">By the photograph's id.</param>
/// <param name="Faults">All that contradicts itself.</param>
internal sealed record PanopticAnnotations(
    DataInfo Info,
    IReadOnlyList<AnnotatedImage> Photos,
    IReadOnlyList<AnnotatedImage> Maps,
    IReadOnlyDictionary<long, PanopticSegment[]> Segments,
    IReadOnlyList<string> Faults
);

/// <summary>Reads annotations in COCO's panoptic format.</summary>
/// <remarks>The format is described at cocodataset.org ("Panoptic Segmentation"); its parts may come in any order.</remarks>
internal sealed class CocoPanopticFile
{
    private const int MostSegments = PanopticMap.Void,
        LargestId = (1 << 24) - 1;

    private readonly string _path;
    private readonly List<string> _faults = [];

    private CocoPanopticFile(string path) => _path = path;

    /// <summary>Classes by rising id, and the images in the file's order.</summary>
    /// <exception cref="UserErrorException">It can't be read, or is no such file.</exception>
    public static PanopticAnnotations Read(string path)
    {
        if (!File.Exists(path))
            throw Storage.FileStore.Missing(path);
        try
        {
            using var stream = File.OpenRead(path);
            return new CocoPanopticFile(path).Read(stream);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path} can't be read: {e.Message}", e);
        }
    }

    private PanopticAnnotations Read(FileStream stream)
    {
        var json = new JsonStream(stream, _path);
        List<AnnotatedImage>? images = null;
        List<Annotation>? annotations = null;
        List<CocoCategory>? categories = null;
        json.Next();
        if (json.Type != JsonTokenType.StartObject)
            throw json.Error("an object with \"images\", \"annotations\" and \"categories\" was expected.");
        for (json.Next(); json.Type == JsonTokenType.PropertyName; json.Next())
        {
            if (json.IsName("images"u8))
                images = CocoParser.List(ref json, "images", CocoParser.MostImages, CocoEntries.Image);
            else if (json.IsName("annotations"u8))
                annotations = CocoParser.List(ref json, "annotations", CocoParser.MostImages, One);
            else if (json.IsName("categories"u8))
                categories = CocoParser.List(ref json, "categories", CocoParser.MostCategories, CocoEntries.Category);
            else
                json.Skip();
        }
        while (json.Read()) { }
        return Joined(images ?? throw Lacks("images"), annotations ?? throw Lacks("annotations"), categories ?? throw Lacks("categories"));

        UserErrorException Lacks(string part) => new($"{_path} has no \"{part}\": it is not in COCO's panoptic format.");
    }

    private PanopticAnnotations Joined(List<AnnotatedImage> images, List<Annotation> annotations, List<CocoCategory> categories)
    {
        var known = categories.OrderBy(category => category.Id).ToArray();
        var labels = new Dictionary<long, int>();
        foreach (var (label, category) in known.Index())
        {
            if (!labels.TryAdd(category.Id, label))
                _faults.Add($"category id {category.Id} comes twice.");
            if (category.IsThing is null)
                _faults.Add($"category {category.Id} (\"{category.Name}\") has no \"isthing\", which panoptic files have.");
        }
        if (known.Length == 0)
            _faults.Add("it lists no categories.");
        foreach (var twice in known.GroupBy(category => category.Name).Where(group => group.Count() > 1))
            _faults.Add($"category \"{twice.Key}\" comes twice: ids {string.Join(" and ", twice.Select(category => category.Id))}.");
        var ofImage = new Dictionary<long, Annotation>();
        var listed = images.Select(image => image.Id!.Value).ToHashSet();
        foreach (var annotation in annotations)
        {
            if (!listed.Contains(annotation.Image))
                _faults.Add($"the annotation {annotation.Map} is of image {annotation.Image}, which the file doesn't list.");
            else if (!ofImage.TryAdd(annotation.Image, annotation))
                _faults.Add($"image {annotation.Image} has two annotations: {ofImage[annotation.Image].Map} and {annotation.Map}.");
        }
        var (maps, segments) = (new List<AnnotatedImage>(images.Count), new Dictionary<long, PanopticSegment[]>(images.Count));
        foreach (var image in images)
            if (!ofImage.TryGetValue(image.Id!.Value, out var annotation))
                _faults.Add($"image {image.Id} ({image.File}) has no annotation.");
            else if (segments.TryAdd(image.Id.Value, Segments(annotation, labels)))
                maps.Add(
                    new AnnotatedImage(annotation.Map, 0, 0, [])
                    {
                        Id = image.Id,
                        IsFromUrl = annotation.IsFromUrl,
                        Source = $"the map of segments of image {image.Id}",
                    }
                );
            else
                _faults.Add($"image id {image.Id} comes twice.");
        if (images.Count == 0)
            _faults.Add("it lists no images.");
        var info = new DataInfo([.. known.Select(category => category.Name)], DataTask.Panoptic)
        {
            CategoryIds = [.. known.Select(category => category.Id)],
            Things = [.. known.Select(category => category.IsThing == true)],
        };
        return new PanopticAnnotations(
            info,
            [.. images.Select(image => image with { Source = $"the photograph of image {image.Id}" })],
            maps,
            segments,
            _faults
        );
    }

    private PanopticSegment[] Segments(Annotation annotation, Dictionary<long, int> labels)
    {
        var (seen, segments) = (new HashSet<long>(), new List<PanopticSegment>(annotation.Segments.Count));
        foreach (var (id, category, crowd) in annotation.Segments)
        {
            if (id is < 1 or > LargestId)
                _faults.Add($"{annotation.Map}: a segment has the id {id}; 1 to {LargestId:N0} are possible (0 is no segment).");
            else if (!seen.Add(id))
                _faults.Add($"{annotation.Map}: two segments have the id {id}.");
            else if (!labels.TryGetValue(category, out var label))
                _faults.Add(
                    $"{annotation.Map}: segment {id} is of category {category}, which the file doesn't list. It has "
                        + $"{string.Join(", ", labels.Keys.Take(20))}{(labels.Count > 20 ? ", …" : "")}."
                );
            else
                segments.Add(new PanopticSegment(label, crowd) { Id = id });
        }
        return [.. segments];
    }

    private static Annotation One(ref JsonStream json)
    {
        long? image = null;
        string? file = null;
        List<(long, long, bool)>? segments = null;
        for (json.Next(); json.Type == JsonTokenType.PropertyName; json.Next())
        {
            if (json.IsName("image_id"u8))
                image = json.NextWhole("\"image_id\"");
            else if (json.IsName("file_name"u8))
                file = json.NextText("\"file_name\"");
            else if (json.IsName("segments_info"u8))
                segments = CocoParser.List(ref json, "segments_info", MostSegments, Segment);
            else
                json.Skip();
        }
        if (image is null)
            throw json.Error("an annotation has no \"image_id\".");
        if (string.IsNullOrEmpty(file))
            throw json.Error($"the annotation of image {image} has no \"file_name\", which names its PNG.");
        return new Annotation(
            image.Value,
            CocoNames.Clean(file, out var isUrl) ?? throw json.Error($"\"{file}\" leads out of the maps' folder."),
            isUrl,
            segments ?? throw json.Error($"the annotation of image {image} has no \"segments_info\": is it a file of boxes or masks?")
        );
    }

    private static (long Id, long Category, bool Crowd) Segment(ref JsonStream json)
    {
        long? id = null,
            category = null;
        var crowd = false;
        for (json.Next(); json.Type == JsonTokenType.PropertyName; json.Next())
        {
            if (json.IsName("id"u8))
                id = json.NextWhole("a segment's \"id\"");
            else if (json.IsName("category_id"u8))
                category = json.NextWhole("\"category_id\"");
            else if (json.IsName("iscrowd"u8))
                crowd = json.NextFlag("\"iscrowd\"");
            else
                json.Skip();
        }
        return (
            id ?? throw json.Error("a segment has no \"id\"."),
            category ?? throw json.Error($"segment {id} has no \"category_id\"."),
            crowd
        );
    }

    /// <param name="Image">Its id.</param>
    /// <param name="Map">Its PNG.</param>
    /// <param name="IsFromUrl">The file gives a URL; <paramref name="Map"/> is the end of its path.</param>
    private sealed record Annotation(long Image, string Map, bool IsFromUrl, List<(long Id, long Category, bool Crowd)> Segments);
}
