using System.Text.Json;

namespace Tessera.Datasets.Detection;

/// <summary>Reads annotations in COCO's format.</summary>
/// <remarks>Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014, arXiv:1405.0312; the format is described at
/// cocodataset.org. Its parts may come in any order.</remarks>
public static class CocoFile
{
    private const int MostImages = 10_000_000,
        MostAnnotations = 100_000_000,
        MostCategories = 100_000;

    private sealed record Category(long Id, string Name);

    private readonly record struct Annotation(
        long Id,
        long Image,
        long Category,
        double X,
        double Y,
        double Width,
        double Height,
        double? Area,
        bool Crowd,
        bool Ignore
    );

    /// <exception cref="UserErrorException">It is no such file, with the line.</exception>
    public static AnnotationSet Read(string path, Findings findings)
    {
        if (!File.Exists(path))
            throw Storage.FileStore.Missing(path);
        var (images, annotations, categories) = Parse(path, findings);
        var (known, classOf) = Categories(path, categories, annotations, findings);

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

        var objects = new List<AnnotatedObject>?[kept.Count];
        var seen = new HashSet<long>(annotations.Count);
        foreach (var annotation in annotations)
        {
            if (annotation.Id >= 0 && !seen.Add(annotation.Id))
            {
                findings.Add(FindingKind.Duplicate, $"{path}: annotation id {annotation.Id} comes twice.");
                continue;
            }
            if (!places.TryGetValue(annotation.Image, out var place))
            {
                findings.Add(
                    FindingKind.MissingImage,
                    $"{path}: annotation {annotation.Id} is of image {annotation.Image}, which the file doesn't list."
                );
                continue;
            }
            if (!classOf.TryGetValue(annotation.Category, out var index))
            {
                findings.Add(
                    FindingKind.UnknownClass,
                    $"{path}: annotation {annotation.Id} is of category {annotation.Category}, which the file doesn't list."
                );
                continue;
            }
            (objects[place] ??= []).Add(
                new AnnotatedObject(annotation.X, annotation.Y, annotation.Width, annotation.Height, index)
                {
                    Area = annotation.Area,
                    Crowd = annotation.Crowd,
                    Difficult = annotation.Ignore,
                    Place = annotation.Id,
                }
            );
        }
        for (var i = 0; i < kept.Count; i++)
            if (objects[i] is { } of)
                kept[i] = kept[i] with { Objects = of };
        return new AnnotationSet([.. known.Select(category => category.Name)], [.. known.Select(category => category.Id)], kept);
    }

    /// <summary>Each name once, by rising id of its first entry; a name's further ids mean the same class.</summary>
    /// <returns>The classes, each with the id that most annotations give it, and the class of every id.</returns>
    private static (List<Category> Known, Dictionary<long, int> ClassOf) Categories(
        string path,
        List<Category> categories,
        List<Annotation> annotations,
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
            [.. names.Select(name => new Category(ids[name].MaxBy(id => (uses.GetValueOrDefault(id), id == first[name])), name))],
            nameOf.ToDictionary(entry => entry.Key, entry => places[entry.Value])
        );
    }

    private static (List<AnnotatedImage> Images, List<Annotation> Annotations, List<Category> Categories) Parse(
        string path,
        Findings findings
    )
    {
        try
        {
            using var stream = new FileStream(
                path,
                FileMode.Open,
                FileAccess.Read,
                FileShare.Read,
                bufferSize: 0,
                FileOptions.SequentialScan
            );
            return Parse(stream, path, findings);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path} can't be read: {e.Message}", e);
        }
    }

    private static (List<AnnotatedImage> Images, List<Annotation> Annotations, List<Category> Categories) Parse(
        Stream stream,
        string path,
        Findings findings
    )
    {
        var json = new JsonStream(stream, path);
        List<AnnotatedImage>? images = null;
        List<Annotation>? annotations = null;
        List<Category>? categories = null;
        json.Next();
        if (json.Type != JsonTokenType.StartObject)
            throw json.Error("an object with \"images\", \"annotations\" and \"categories\" was expected; is it a file of results?");
        for (json.Next(); json.Type == JsonTokenType.PropertyName; json.Next())
        {
            if (json.IsName("images"u8))
                images = List(ref json, "images", MostImages, Image);
            else if (json.IsName("annotations"u8))
                annotations = List(ref json, "annotations", MostAnnotations, One);
            else if (json.IsName("categories"u8))
                categories = List(ref json, "categories", MostCategories, CategoryOf);
            else
                json.Skip();
        }
        while (json.Read()) { }
        if (json.TextNumbers > 0)
            findings.Note(
                $"{path}: {json.TextNumbers} numbers are written as text; they are read as numbers. The first stands in line "
                    + $"{json.FirstTextNumber}."
            );
        return (images ?? throw Lacks("images"), annotations ?? [], categories ?? throw Lacks("categories")); // a test set has no annotations

        UserErrorException Lacks(string part) => new($"{path} has no \"{part}\": it is not in COCO's format.");
    }

    private delegate T Item<T>(ref JsonStream json);

    private static List<T> List<T>(ref JsonStream json, string what, int most, Item<T> read)
    {
        json.Next();
        if (json.Type != JsonTokenType.StartArray)
            throw json.Error($"\"{what}\" must be an array.");
        var found = new List<T>();
        for (json.Next(); json.Type != JsonTokenType.EndArray; json.Next())
        {
            if (json.Type != JsonTokenType.StartObject)
                throw json.Error($"an entry of \"{what}\" must be an object.");
            if (found.Count == most)
                throw json.Error($"more than {most} {what}.");
            found.Add(read(ref json));
        }
        return found;
    }

    private static AnnotatedImage Image(ref JsonStream json)
    {
        long? id = null,
            height = null,
            width = null;
        string? file = null;
        for (json.Next(); json.Type == JsonTokenType.PropertyName; json.Next())
        {
            if (json.IsName("id"u8))
            {
                json.Next();
                id = json.Whole("an image's \"id\"");
            }
            else if (json.IsName("file_name"u8))
            {
                json.Next();
                file = json.Text("\"file_name\"");
            }
            else if (json.IsName("height"u8))
            {
                json.Next();
                height = Side(json.Number());
            }
            else if (json.IsName("width"u8))
            {
                json.Next();
                width = Side(json.Number());
            }
            else
                json.Skip();
        }
        if (id is null)
            throw json.Error("an image has no \"id\".");
        if (string.IsNullOrEmpty(file))
            throw json.Error($"image {id} has no \"file_name\".");
        var name = CocoNames.Clean(file, out var isUrl) ?? throw json.Error($"image {id}: \"{file}\" leads out of the images' folder.");
        return new AnnotatedImage(name, (int)(height ?? 0), (int)(width ?? 0), []) { Id = id, IsFromUrl = isUrl };

        static long Side(double value) => value is > 0 and < 1e6 ? (long)value : 0;
    }

    private static Category CategoryOf(ref JsonStream json)
    {
        long? id = null;
        string? name = null;
        for (json.Next(); json.Type == JsonTokenType.PropertyName; json.Next())
        {
            if (json.IsName("id"u8))
            {
                json.Next();
                id = json.Whole("a category's \"id\"");
            }
            else if (json.IsName("name"u8))
            {
                json.Next();
                name = json.Text("a category's \"name\"");
            }
            else
                json.Skip();
        }
        return new Category(
            id ?? throw json.Error("a category has no \"id\"."),
            string.IsNullOrEmpty(name) ? throw json.Error($"category {id} has no \"name\".") : name
        );
    }

    private static Annotation One(ref JsonStream json)
    {
        long id = -1;
        long? image = null,
            category = null;
        double? area = null;
        var (crowd, ignore) = (false, false);
        Span<double> box = [double.NaN, double.NaN, double.NaN, double.NaN];
        for (json.Next(); json.Type == JsonTokenType.PropertyName; json.Next())
        {
            if (json.IsName("id"u8))
            {
                json.Next();
                id = json.Whole("an annotation's \"id\"");
            }
            else if (json.IsName("image_id"u8))
            {
                json.Next();
                image = json.Whole("\"image_id\"");
            }
            else if (json.IsName("category_id"u8))
            {
                json.Next();
                category = json.Whole("\"category_id\"");
            }
            else if (json.IsName("area"u8))
            {
                json.Next();
                area = json.Number() is var value && double.IsFinite(value) ? value : null;
                json.Skip();
            }
            else if (json.IsName("iscrowd"u8))
            {
                json.Next();
                crowd = json.Flag("\"iscrowd\"");
                json.Skip();
            }
            else if (json.IsName("ignore"u8))
            {
                json.Next();
                ignore = json.Flag("\"ignore\"");
                json.Skip();
            }
            else if (json.IsName("bbox"u8))
            {
                json.Next();
                Box(ref json, box);
            }
            else
                json.Skip();
        }
        return new Annotation(
            id,
            image ?? throw json.Error($"annotation {id} has no \"image_id\"."),
            category ?? throw json.Error($"annotation {id} has no \"category_id\"."),
            box[0],
            box[1],
            box[2],
            box[3],
            area,
            crowd,
            ignore
        );
    }

    /// <summary>Four numbers; what is none, or not there, is not a number, and judged with the others.</summary>
    private static void Box(ref JsonStream json, scoped Span<double> box)
    {
        if (json.Type != JsonTokenType.StartArray)
        {
            json.Skip();
            return;
        }
        var count = 0;
        for (json.Next(); json.Type != JsonTokenType.EndArray; json.Next())
        {
            if (count < 4)
                box[count] = json.Number();
            count++;
            json.Skip();
        }
        if (count != 4)
            box.Fill(double.NaN);
    }
}
