using System.Text.Json;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <summary>A category as the file lists it.</summary>
internal sealed record CocoCategory(long Id, string Name)
{
    /// <summary>In panoptic files: objects that are told apart one by one; null where it doesn't say.</summary>
    public bool? IsThing { get; init; }

    /// <summary>In LVIS's files; null where it doesn't say.</summary>
    public ClassFrequency? Frequency { get; init; }
}

/// <summary>The parts of a file in COCO's format, as they stand there.</summary>
/// <param name="Annotations">Each with its image's id, and as class the place of its category among <paramref name="Used"/>.</param>
/// <param name="Used">Ids of the annotations' categories, as they come.</param>
internal sealed record CocoParts(
    List<AnnotatedImage> Images,
    ObjectList Annotations,
    IReadOnlyList<long> Used,
    List<CocoCategory> Categories
)
{
    /// <summary>Annotations have no box, but a mask that was not read.</summary>
    public bool NeedsMasks { get; init; }

    /// <summary>Something odd of the whole file; null where there is nothing.</summary>
    public string? Note { get; init; }
}

/// <summary>Reads the parts of a file in COCO's format, in one pass and a small buffer.</summary>
internal static class CocoParser
{
    public const int MostImages = 10_000_000,
        MostAnnotations = 100_000_000,
        MostCategories = 100_000;

    /// <exception cref="UserErrorException">It can't be read, or is no such file, with the line.</exception>
    public static CocoParts Parse(string path, Findings findings, CocoForm form)
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
            return Parse(stream, path, findings, form);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path} can't be read: {e.Message}", e);
        }
    }

    private static CocoParts Parse(FileStream stream, string path, Findings findings, CocoForm form)
    {
        var json = new JsonStream(stream, path);
        var progress = new ReadingProgress(path, stream);
        List<AnnotatedImage>? images = null;
        var annotations = new CocoAnnotations(form, findings, path);
        List<CocoCategory>? categories = null;
        json.Next();
        if (json.Type != JsonTokenType.StartObject)
            throw json.Error("an object with \"images\", \"annotations\" and \"categories\" was expected; is it a file of results?");
        for (json.Next(); json.Type == JsonTokenType.PropertyName; json.Next())
        {
            if (json.IsName("images"u8))
                images = List(ref json, "images", MostImages, (ref JsonStream at) => CocoEntries.Image(ref at, form.Naming));
            else if (json.IsName("annotations"u8))
                Each(
                    ref json,
                    "annotations",
                    MostAnnotations,
                    (ref JsonStream at) =>
                    {
                        annotations.Read(ref at);
                        progress.Step(annotations.List.Count);
                    }
                );
            else if (json.IsName("categories"u8))
                categories = List(ref json, "categories", MostCategories, CocoEntries.Category);
            else
                json.Skip();
        }
        while (json.Read()) { }
        progress.End(images?.Count ?? 0, annotations.List.Count);
        // A test set has no annotations.
        return new CocoParts(
            images ?? throw Lacks("images"),
            annotations.List,
            annotations.Categories,
            categories ?? throw Lacks("categories")
        )
        {
            NeedsMasks = annotations.NeedsMasks,
            Note =
                json.TextNumbers == 0
                    ? null
                    : $"{path}: {json.TextNumbers} numbers are written as text; they are read as numbers. The first stands in line "
                        + $"{json.FirstTextNumber}.",
        };

        UserErrorException Lacks(string part) => new($"{path} has no \"{part}\": it is not in COCO's format.");
    }

    public delegate T Item<T>(ref JsonStream json);

    public delegate void Entry(ref JsonStream json);

    /// <summary>A list of objects.</summary>
    /// <param name="most">More are an error.</param>
    public static List<T> List<T>(ref JsonStream json, string what, int most, Item<T> read)
    {
        var found = new List<T>();
        Each(ref json, what, most, (ref JsonStream at) => found.Add(read(ref at)));
        return found;
    }

    /// <summary>Each object of a list.</summary>
    /// <param name="most">More are an error.</param>
    private static void Each(ref JsonStream json, string what, int most, Entry read)
    {
        json.Next();
        if (json.Type != JsonTokenType.StartArray)
            throw json.Error($"\"{what}\" must be an array.");
        var count = 0;
        for (json.Next(); json.Type != JsonTokenType.EndArray; json.Next())
        {
            if (json.Type != JsonTokenType.StartObject)
                throw json.Error($"an entry of \"{what}\" must be an object.");
            if (count == most)
                throw json.Error($"more than {most} {what}.");
            json.Entry = (what, count++);
            read(ref json);
        }
        json.Entry = null;
    }
}
