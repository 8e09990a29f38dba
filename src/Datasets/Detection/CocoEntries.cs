using System.Text.Json;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <summary>Images and categories of a file in COCO's format.</summary>
internal static class CocoEntries
{
    /// <summary>An image by its "file_name".</summary>
    public static AnnotatedImage Image(ref JsonStream json) => Image(ref json, CocoNaming.FileName);

    public static AnnotatedImage Image(ref JsonStream json, CocoNaming naming)
    {
        long? id = null,
            height = null,
            width = null;
        string? file = null,
            url = null;
        long[]? absent = null,
            partly = null;
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
            else if (naming == CocoNaming.Url && json.IsName("coco_url"u8))
                url = json.NextText("\"coco_url\"");
            else if (naming == CocoNaming.Url && json.IsName("neg_category_ids"u8))
                absent = Ids(ref json, "\"neg_category_ids\"");
            else if (naming == CocoNaming.Url && json.IsName("not_exhaustive_category_ids"u8))
                partly = Ids(ref json, "\"not_exhaustive_category_ids\"");
            else
                json.Skip();
        }
        if (id is null)
            throw json.Error("an image has no \"id\".");
        if (string.IsNullOrEmpty(url ?? file))
            throw json.Error($"image {id} has no \"file_name\"{(naming == CocoNaming.Url ? " and no \"coco_url\"" : "")}.");
        var name =
            CocoNames.Clean((url ?? file)!, out var isUrl)
            ?? throw json.Error($"image {id}: \"{url ?? file}\" leads out of the images' folder.");
        return new AnnotatedImage(CocoNames.Named(name, naming), (int)(height ?? 0), (int)(width ?? 0), [])
        {
            Id = id,
            IsFromUrl = isUrl,
            Judged = absent is null && partly is null ? null : new JudgedCategories(absent ?? [], partly ?? []),
        };

        static long Side(double value) => value is > 0 and < 1e6 ? (long)value : 0;
    }

    public static CocoCategory Category(ref JsonStream json)
    {
        long? id = null;
        string? name = null;
        bool? isThing = null;
        ClassFrequency? frequency = null;
        for (json.Next(); json.Type == JsonTokenType.PropertyName; json.Next())
        {
            if (json.IsName("id"u8))
                id = json.NextWhole("a category's \"id\"");
            else if (json.IsName("name"u8))
                name = json.NextText("a category's \"name\"");
            else if (json.IsName("isthing"u8))
            {
                json.Next();
                isThing = json.Type == JsonTokenType.Null ? null : json.Flag("a category's \"isthing\"");
                json.Skip();
            }
            else if (json.IsName("frequency"u8))
                frequency = Frequency(ref json);
            else
                json.Skip();
        }
        return new CocoCategory(
            id ?? throw json.Error("a category has no \"id\"."),
            string.IsNullOrEmpty(name) ? throw json.Error($"category {id} has no \"name\".") : name
        )
        {
            IsThing = isThing,
            Frequency = frequency,
        };
    }

    /// <summary>LVIS's letter; what is none, in files of another kind, says nothing.</summary>
    private static ClassFrequency? Frequency(ref JsonStream json)
    {
        json.Next();
        ClassFrequency? found =
            json.Type != JsonTokenType.String ? null
            : json.IsName("r"u8) ? ClassFrequency.Rare
            : json.IsName("c"u8) ? ClassFrequency.Common
            : json.IsName("f"u8) ? ClassFrequency.Frequent
            : null;
        json.Skip();
        return found;
    }

    private static long[] Ids(ref JsonStream json, string what)
    {
        json.Next();
        if (json.Type != JsonTokenType.StartArray)
            throw json.Error($"{what} must be an array.");
        var ids = new List<long>();
        for (json.Next(); json.Type != JsonTokenType.EndArray; json.Next())
        {
            if (ids.Count == CocoParser.MostCategories)
                throw json.Error($"{what} has more than {CocoParser.MostCategories} entries.");
            ids.Add(json.Whole($"an entry of {what}"));
        }
        return [.. ids];
    }
}
