using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Files;
using Tessera.Framework.Metrics;

namespace Tessera.Tools.Output;

/// <summary>An evaluation's values as files.</summary>
internal static class MetricFiles
{
    private static readonly JsonSerializerOptions s_format = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>A flat object of fractions; a value that is undefined is null.</summary>
    public static void Write(string path, IReadOnlyDictionary<string, double> values) =>
        Write(
            path,
            new JsonObject(
                values.Select(value => KeyValuePair.Create(value.Key, double.IsFinite(value.Value) ? (JsonNode?)value.Value : null))
            )
        );

    /// <summary>What does not fit a flat object, beside it: metrics.json gets metrics.details.json. Returns null where there is
    /// nothing.</summary>
    public static string? WriteDetails(string path, IReadOnlyDictionary<string, Metric> metrics)
    {
        var details = new JsonObject();
        foreach (var (name, metric) in metrics)
            if (metric.Details() is { } detail)
                details[name] = detail;
        if (details.Count == 0)
            return null;
        var beside = Path.ChangeExtension(path, null) + ".details.json";
        Write(beside, details);
        return beside;
    }

    public static void Write(string path, JsonObject document)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
            Directory.CreateDirectory(folder);
        AtomicFile.WriteText(path, Text(document));
    }

    /// <summary>A file's content.</summary>
    public static string Text(JsonObject document) => document.ToJsonString(s_format) + "\n";
}
