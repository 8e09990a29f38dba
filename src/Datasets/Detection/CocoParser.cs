using System.Text.Json;

namespace Tessera.Datasets.Detection;

/// <summary>A category as the file lists it.</summary>
internal sealed record CocoCategory(long Id, string Name)
{
    /// <summary>In panoptic files: objects that are told apart one by one; null where it doesn't say.</summary>
    public bool? IsThing { get; init; }
}

/// <summary>An annotation as the file has it.</summary>
/// <param name="Id">-1 where it has none.</param>
/// <param name="Image">Its image's id.</param>
/// <param name="Category">Its category's id.</param>
/// <param name="X">Of the box; all four are not a number where it has none.</param>
internal readonly record struct CocoAnnotation(
    long Id,
    long Image,
    long Category,
    double X,
    double Y,
    double Width,
    double Height,
    double? Area,
    bool Crowd,
    bool Ignore,
    ObjectMask? Mask
)
{
    public AnnotatedObject Object(int index) =>
        new(X, Y, Width, Height, index)
        {
            Area = Area,
            Crowd = Crowd,
            Difficult = Ignore,
            Place = Id,
            Mask = Mask,
        };
}

/// <summary>The parts of a file in COCO's format, as they stand there.</summary>
internal static class CocoParser
{
    public const int MostImages = 10_000_000,
        MostAnnotations = 100_000_000,
        MostCategories = 100_000;

    /// <param name="withMasks">Read "segmentation", too.</param>
    /// <exception cref="UserErrorException">It can't be read, or is no such file, with the line.</exception>
    public static (List<AnnotatedImage> Images, List<CocoAnnotation> Annotations, List<CocoCategory> Categories) Parse(
        string path,
        Findings findings,
        bool withMasks
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
            return Parse(stream, path, findings, withMasks);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path} can't be read: {e.Message}", e);
        }
    }

    private static (List<AnnotatedImage> Images, List<CocoAnnotation> Annotations, List<CocoCategory> Categories) Parse(
        Stream stream,
        string path,
        Findings findings,
        bool withMasks
    )
    {
        var json = new JsonStream(stream, path);
        List<AnnotatedImage>? images = null;
        List<CocoAnnotation>? annotations = null;
        List<CocoCategory>? categories = null;
        json.Next();
        if (json.Type != JsonTokenType.StartObject)
            throw json.Error("an object with \"images\", \"annotations\" and \"categories\" was expected; is it a file of results?");
        for (json.Next(); json.Type == JsonTokenType.PropertyName; json.Next())
        {
            if (json.IsName("images"u8))
                images = List(ref json, "images", MostImages, Image);
            else if (json.IsName("annotations"u8))
                annotations = List(ref json, "annotations", MostAnnotations, (ref JsonStream at) => Annotation(ref at, withMasks));
            else if (json.IsName("categories"u8))
                categories = List(ref json, "categories", MostCategories, Category);
            else
                json.Skip();
        }
        while (json.Read()) { }
        if (json.TextNumbers > 0)
            findings.Note(
                $"{path}: {json.TextNumbers} numbers are written as text; they are read as numbers. The first stands in line "
                    + $"{json.FirstTextNumber}."
            );
        // A test set has no annotations.
        return (images ?? throw Lacks("images"), annotations ?? [], categories ?? throw Lacks("categories"));

        UserErrorException Lacks(string part) => new($"{path} has no \"{part}\": it is not in COCO's format.");
    }

    public delegate T Item<T>(ref JsonStream json);

    /// <summary>A list of objects.</summary>
    /// <param name="most">More are an error.</param>
    public static List<T> List<T>(ref JsonStream json, string what, int most, Item<T> read)
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

    public static AnnotatedImage Image(ref JsonStream json)
    {
        long? id = null,
            height = null,
            width = null;
        string? file = null;
        for (json.Next(); json.Type == JsonTokenType.PropertyName; json.Next())
        {
            if (json.IsName("id"u8))
                id = json.NextWhole("an image's \"id\"");
            else if (json.IsName("file_name"u8))
                file = json.NextText("\"file_name\"");
            else if (json.IsName("height"u8))
                height = Side(json.NextNumber());
            else if (json.IsName("width"u8))
                width = Side(json.NextNumber());
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

    public static CocoCategory Category(ref JsonStream json)
    {
        long? id = null;
        string? name = null;
        bool? isThing = null;
        for (json.Next(); json.Type == JsonTokenType.PropertyName; json.Next())
        {
            if (json.IsName("id"u8))
                id = json.NextWhole("a category's \"id\"");
            else if (json.IsName("name"u8))
                name = json.NextText("a category's \"name\"");
            else if (json.IsName("isthing"u8))
                isThing = json.NextFlag("a category's \"isthing\"");
            else
                json.Skip();
        }
        return new CocoCategory(
            id ?? throw json.Error("a category has no \"id\"."),
            string.IsNullOrEmpty(name) ? throw json.Error($"category {id} has no \"name\".") : name
        )
        {
            IsThing = isThing,
        };
    }

    private static CocoAnnotation Annotation(ref JsonStream json, bool withMasks)
    {
        long id = -1;
        long? image = null,
            category = null;
        double? area = null;
        var (crowd, ignore) = (false, false);
        ObjectMask? mask = null;
        Span<double> box = [double.NaN, double.NaN, double.NaN, double.NaN];
        for (json.Next(); json.Type == JsonTokenType.PropertyName; json.Next())
        {
            if (json.IsName("id"u8))
                id = json.NextWhole("an annotation's \"id\"");
            else if (json.IsName("image_id"u8))
                image = json.NextWhole("\"image_id\"");
            else if (json.IsName("category_id"u8))
                category = json.NextWhole("\"category_id\"");
            else if (json.IsName("area"u8))
                area = json.NextNumber() is var value && double.IsFinite(value) ? value : null;
            else if (json.IsName("iscrowd"u8))
                crowd = json.NextFlag("\"iscrowd\"");
            else if (json.IsName("ignore"u8))
                ignore = json.NextFlag("\"ignore\"");
            else if (json.IsName("bbox"u8))
                Box(ref json, box);
            else if (withMasks && json.IsName("segmentation"u8))
                mask = CocoSegmentation.Next(ref json);
            else
                json.Skip();
        }
        return new CocoAnnotation(
            id,
            image ?? throw json.Error($"annotation {id} has no \"image_id\"."),
            category ?? throw json.Error($"annotation {id} has no \"category_id\"."),
            box[0],
            box[1],
            box[2],
            box[3],
            area,
            crowd,
            ignore,
            mask
        );
    }

    /// <summary>Four numbers; what is none, or not there, is not a number, and judged with the others.</summary>
    private static void Box(ref JsonStream json, scoped Span<double> box)
    {
        json.Next();
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
