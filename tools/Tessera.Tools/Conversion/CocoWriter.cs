using System.Text.Encodings.Web;
using System.Text.Json;
using Tessera.Datasets.Detection;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Files;

namespace Tessera.Tools.Conversion;

/// <summary>Writes annotations in COCO's format.</summary>
internal static class CocoWriter
{
    /// <param name="scores">Of each image's objects, where they were predicted.</param>
    public static void Write(AnnotationSet set, string path, IReadOnlyList<float[]>? scores = null)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        AtomicFile.Write(
            path,
            stream =>
            {
                using var json = new Utf8JsonWriter(
                    stream,
                    new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
                );
                json.WriteStartObject();
                json.WriteStartArray("images");
                for (var i = 0; i < set.Images.Count; i++)
                {
                    json.WriteStartObject();
                    json.WriteNumber("id", IdOf(set, i));
                    json.WriteString("file_name", set.Images[i].File);
                    json.WriteNumber("height", set.Images[i].Height);
                    json.WriteNumber("width", set.Images[i].Width);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
                json.WriteStartArray("annotations");
                var id = 0L;
                for (var i = 0; i < set.Images.Count; i++)
                for (var o = 0; o < set.Images[i].Objects.Count; o++)
                {
                    var item = set.Images[i].Objects[o];
                    WriteObject(json, item, set.Images[i], ++id, IdOf(set, i), CategoryOf(set, item.Class), scores?[i][o]);
                }
                json.WriteEndArray();
                json.WriteStartArray("categories");
                for (var c = 0; c < set.Names.Count; c++)
                {
                    json.WriteStartObject();
                    json.WriteNumber("id", CategoryOf(set, c));
                    json.WriteString("name", set.Names[c]);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
                json.WriteEndObject();
            }
        );
    }

    private static void WriteObject(
        Utf8JsonWriter json,
        AnnotatedObject item,
        AnnotatedImage image,
        long id,
        long imageId,
        long category,
        float? score
    )
    {
        json.WriteStartObject();
        json.WriteNumber("id", id);
        json.WriteNumber("image_id", imageId);
        json.WriteNumber("category_id", category);
        json.WriteStartArray("bbox");
        foreach (var value in (ReadOnlySpan<double>)[item.X, item.Y, item.Width, item.Height])
            json.WriteNumberValue(value);
        json.WriteEndArray();
        json.WriteNumber("area", item.Area ?? item.Width * item.Height);
        json.WriteNumber("iscrowd", item.Crowd ? 1 : 0);
        if (item.Difficult)
            json.WriteNumber("ignore", 1);
        if (item.Mask is { } mask)
            WriteMask(json, mask, image);
        if (score is { } predicted)
            json.WriteNumber("score", predicted);
        json.WriteEndObject();
    }

    /// <summary>Polygons as they are; run lengths as text.</summary>
    private static void WriteMask(Utf8JsonWriter json, ObjectMask mask, AnnotatedImage image)
    {
        if (mask.Polygons is { } polygons)
        {
            json.WriteStartArray("segmentation");
            foreach (var polygon in polygons)
            {
                json.WriteStartArray();
                foreach (var value in polygon)
                    json.WriteNumberValue(value);
                json.WriteEndArray();
            }
            json.WriteEndArray();
            return;
        }
        var (height, width) = mask.Size ?? (image.Height, image.Width);
        json.WriteStartObject("segmentation");
        json.WriteStartArray("size");
        json.WriteNumberValue(height);
        json.WriteNumberValue(width);
        json.WriteEndArray();
        json.WriteString("counts", RunLengthText.Encode(mask.Rasterize(height, width)));
        json.WriteEndObject();
    }

    private static long IdOf(AnnotationSet set, int image) => set.Images[image].Id ?? image + 1;

    private static long CategoryOf(AnnotationSet set, int index) => set.CategoryIds?[index] ?? index + 1;
}
