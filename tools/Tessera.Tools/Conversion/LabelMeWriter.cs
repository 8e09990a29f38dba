using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Datasets.Detection;
using Tessera.Framework.Data;
using Tessera.Framework.Files;
using Tessera.Framework.Models;

namespace Tessera.Tools.Conversion;

/// <summary>Writes LabelMe's files: a JSON file for each image that names it; boxes are rectangles, classes of the image are
/// flags.</summary>
internal static class LabelMeWriter
{
    private const float Present = 0.5f;

    private static readonly JsonSerializerOptions s_format = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <param name="source">The image's file.</param>
    /// <param name="scores">Of the image's objects.</param>
    /// <param name="classes">What the whole image shows; null where boxes were found.</param>
    public static void Write(
        string source,
        AnnotatedImage image,
        IReadOnlyList<float> scores,
        ClassPrediction? classes,
        DataInfo data,
        string path
    )
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        var flags = new JsonObject();
        if (classes is not null)
            for (var c = 0; c < data.Classes.Count; c++)
                flags[data.Classes[c]] = data.Task == DataTask.MultiLabel ? classes.Scores[c] > Present : c == classes.Label;
        var document = new JsonObject
        {
            ["version"] = "5.0.0",
            ["flags"] = flags,
            ["shapes"] = new JsonArray([.. image.Objects.Select((item, i) => (JsonNode)Shape(item, scores[i], data))]),
            ["imagePath"] = Path.GetRelativePath(folder, Path.GetFullPath(source)).Replace('\\', '/'),
            ["imageData"] = null,
            ["imageHeight"] = image.Height,
            ["imageWidth"] = image.Width,
        };
        AtomicFile.WriteText(path, document.ToJsonString(s_format) + "\n");
    }

    private static JsonObject Shape(AnnotatedObject item, float score, DataInfo data) =>
        new()
        {
            ["label"] = data.Classes[item.Class],
            ["points"] = new JsonArray(new JsonArray(item.X, item.Y), new JsonArray(item.X + item.Width, item.Y + item.Height)),
            ["group_id"] = null,
            ["description"] = string.Create(CultureInfo.InvariantCulture, $"score {score:0.000}"),
            ["shape_type"] = "rectangle",
            ["flags"] = new JsonObject(),
        };
}
