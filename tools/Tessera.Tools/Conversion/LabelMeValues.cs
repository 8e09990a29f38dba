using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Conversion;

/// <summary>Values of LabelMe's files; one of another kind than expected is told by its file, its shape and its key.</summary>
internal static class LabelMeValues
{
    private const int Shown = 40;

    /// <summary>A text; null where there is none.</summary>
    /// <param name="of">" of shape 3"; "" for the file's own values.</param>
    /// <exception cref="UserErrorException">It is of another kind.</exception>
    public static string? Text(JsonObject values, string key, string path, string of) =>
        values[key] is not { } value ? null
        : value is JsonValue one && one.TryGetValue<string>(out var text) ? text
        : throw Wrong(value, key, path, of, "a text");

    /// <summary>A side of the image; 0 where there is none.</summary>
    /// <exception cref="UserErrorException">It is of another kind.</exception>
    public static int Side(JsonObject values, string key, string path) =>
        values[key] is { } value ? (int)Math.Clamp(Number(value, key, path, ""), 0, int.MaxValue) : 0;

    /// <exception cref="UserErrorException">It is of another kind.</exception>
    public static double Number(JsonNode value, string key, string path, string of) =>
        value is JsonValue one && one.TryGetValue<double>(out var number) ? number : throw Wrong(value, key, path, of, "a number");

    /// <exception cref="UserErrorException">It is of another kind.</exception>
    public static JsonObject Object(JsonNode? value, string path, int number) =>
        value as JsonObject
        ?? throw new UserErrorException($"{path} is not LabelMe's: shape {number} is {Kind(value)}; an object was expected.");

    private static UserErrorException Wrong(JsonNode value, string key, string path, string of, string expected) =>
        new($"{path} is not LabelMe's: \"{key}\"{of} {(key == "points" ? "holds" : "is")} {Kind(value)}; {expected} was expected.");

    private static string Kind(JsonNode? value)
    {
        var text = value?.ToJsonString() ?? "null";
        text = text.Length > Shown ? text[..Shown] + "…" : text;
        return value?.GetValueKind() switch
        {
            JsonValueKind.String => $"the text {text}",
            JsonValueKind.Number => $"the number {text}",
            JsonValueKind.Array => $"the list {text}",
            JsonValueKind.Object => $"the object {text}",
            _ => text,
        };
    }
}
