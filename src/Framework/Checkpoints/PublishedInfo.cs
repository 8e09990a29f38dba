using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Framework.Data;

namespace Tessera.Framework.Checkpoints;

/// <summary>What the metadata of a safetensors file say of its classes: a checkpoint of a run, or weights that were published from
/// one.</summary>
internal static class PublishedInfo
{
    /// <returns>null where the file names no classes, or does so in another project's way.</returns>
    public static IReadOnlyList<string>? Classes(IReadOnlyDictionary<string, string> metadata)
    {
        var node =
            metadata.TryGetValue(Checkpoint.InfoKey, out var info) ? (Parsed(info) as JsonObject)?["classes"]
            : metadata.TryGetValue(Publisher.ClassesKey, out var list) ? Parsed(list)
            : null;
        return node is JsonArray names && names.Count > 0 && names.All(name => name?.GetValueKind() == JsonValueKind.String)
            ? [.. names.Select(name => name!.GetValue<string>())]
            : null;
    }

    /// <returns>null where the file doesn't say.</returns>
    public static DataTask? Task(IReadOnlyDictionary<string, string> metadata)
    {
        var word = metadata.TryGetValue(Checkpoint.InfoKey, out var info)
            ? (Parsed(info) as JsonObject)?["task"] is JsonValue value && value.TryGetValue<string>(out var text)
                ? text
                : null
            : metadata.GetValueOrDefault(Publisher.TaskKey);
        return Enum.TryParse<DataTask>(word, out var task) && Enum.IsDefined(task) ? task : null;
    }

    /// <summary>Where the weights came from that a checkpoint needs and doesn't hold.</summary>
    /// <returns>null where it holds all, or is none.</returns>
    public static string? BaseOf(IReadOnlyDictionary<string, string> metadata) =>
        metadata.TryGetValue(Checkpoint.InfoKey, out var info) && (Parsed(info) as JsonObject)?["base"] is JsonObject needed
            ? needed["source"]?.ToString() ?? "other weights"
            : null;

    private static JsonNode? Parsed(string json)
    {
        try
        {
            return JsonNode.Parse(json);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
