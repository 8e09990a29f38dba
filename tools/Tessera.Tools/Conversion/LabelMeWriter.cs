using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Datasets.Detection;
using Tessera.Framework.Data;
using Tessera.Framework.Files;
using Tessera.Framework.Models;
using Tessera.Results;

namespace Tessera.Tools.Conversion;

/// <summary>Writes LabelMe's files: a JSON file for each image that names it; boxes are rectangles, masks polygons, classes of
/// the image are flags.</summary>
internal static class LabelMeWriter
{
    private static readonly JsonSerializerOptions s_format = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Writes annotations of an image that lies where its file will be looked for: beside the JSON file.</summary>
    /// <param name="names">The classes.</param>
    public static void Write(AnnotatedImage image, IReadOnlyList<string> names, string path) =>
        Write(Path.GetFileName(image.File), image, null, [], names, path);

    /// <param name="source">The image's file.</param>
    /// <param name="scores">Of the image's objects.</param>
    /// <param name="classes">What the whole image shows; null where boxes were found.</param>
    /// <param name="thresholds">Of several labels: by class name, the score from which on it is predicted. Without: 0.5.</param>
    public static void Write(
        string source,
        AnnotatedImage image,
        IReadOnlyList<float> scores,
        ClassPrediction? classes,
        DataInfo data,
        IReadOnlyDictionary<string, double>? thresholds,
        string path
    )
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var flags = new JsonObject();
        if (classes is not null)
        {
            var present = Classification.PresentIn(classes, data, thresholds);
            for (var c = 0; c < data.Classes.Count; c++)
                flags[data.Classes[c]] = present.Contains(c);
        }
        var place = Path.GetRelativePath(folder, Path.GetFullPath(source)).Replace('\\', '/');
        Write(place, image, scores, flags, data.Classes, path);
    }

    private static void Write(
        string place,
        AnnotatedImage image,
        IReadOnlyList<float>? scores,
        JsonObject flags,
        IReadOnlyList<string> names,
        string path
    )
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var document = new JsonObject
        {
            ["version"] = "5.0.0",
            ["flags"] = flags,
            ["shapes"] = new JsonArray([.. image.Objects.SelectMany((item, i) => Shapes(item, i, scores?[i], names, image))]),
            ["imagePath"] = place,
            ["imageData"] = null,
            ["imageHeight"] = image.Height,
            ["imageWidth"] = image.Width,
        };
        AtomicFile.WriteText(path, document.ToJsonString(s_format) + "\n");
    }

    /// <summary>A rectangle; or, of an object with a mask, a polygon for each of its parts, all of one group.</summary>
    private static IEnumerable<JsonNode> Shapes(
        AnnotatedObject item,
        int index,
        float? score,
        IReadOnlyList<string> names,
        AnnotatedImage image
    )
    {
        if (item.Mask is not { } mask)
            return [Shape("rectangle", [item.X, item.Y, item.X + item.Width, item.Y + item.Height], null)];
        var polygons = mask.Outlines(image.Height, image.Width);
        return polygons.Select(polygon => Shape("polygon", polygon, polygons.Count > 1 ? index + 1 : null));

        JsonObject Shape(string type, double[] points, int? group) =>
            new()
            {
                ["label"] = names[item.Class],
                ["points"] = new JsonArray([.. points.Chunk(2).Select(point => (JsonNode)new JsonArray(point[0], point[1]))]),
                ["group_id"] = group,
                ["description"] = score is { } known ? string.Create(CultureInfo.InvariantCulture, $"score {known:0.000}") : "",
                ["shape_type"] = type,
                ["flags"] = item.Crowd ? new JsonObject { ["iscrowd"] = true } : [],
            };
    }
}
