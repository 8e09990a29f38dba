using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Tessera.Tests.Tools.Configs;

/// <summary>The part of JSON Schema (draft 2020-12) that configs/schema.json uses, as editors understand it. An unknown keyword fails.</summary>
internal sealed class SchemaValidator(JsonObject root)
{
    private static readonly HashSet<string> s_annotations = ["$schema", "title", "description", "default", "$defs"];

    /// <summary>What an editor would underline; empty for a valid document.</summary>
    public IEnumerable<string> Mistakes(JsonNode? value) => Check(root, value, "$");

    private IEnumerable<string> Check(JsonObject schema, JsonNode? value, string path)
    {
        foreach (var (keyword, rule) in schema)
        {
            if (s_annotations.Contains(keyword) || keyword is "then" or "additionalProperties") continue;
            foreach (var mistake in Apply(schema, keyword, rule!, value, path)) yield return mistake;
        }
    }

    private IEnumerable<string> Apply(JsonObject schema, string keyword, JsonNode rule, JsonNode? value, string path)
    {
        switch (keyword)
        {
            case "$ref":
                return Check(root["$defs"]![((string)rule!)["#/$defs/".Length..]]!.AsObject(), value, path);
            case "type":
                return IsA(value, (string)rule!) ? [] : [$"{path} is no {rule}"];
            case "const":
                return JsonNode.DeepEquals(rule, value) ? [] : [$"{path} is not {rule.ToJsonString()}"];
            case "enum":
                return rule.AsArray().Any(allowed => JsonNode.DeepEquals(allowed, value)) ? [] : [$"{path} is none of {rule.ToJsonString()}"];
            case "minimum":
                return Number(value) is { } low && low < (double)rule ? [$"{path} is below {rule}"] : [];
            case "maximum":
                return Number(value) is { } high && high > (double)rule ? [$"{path} is above {rule}"] : [];
            case "minItems":
                return value is JsonArray few && few.Count < (int)rule ? [$"{path} has too few items"] : [];
            case "maxItems":
                return value is JsonArray many && many.Count > (int)rule ? [$"{path} has too many items"] : [];
            case "pattern":
                return IsA(value, "string") && !Regex.IsMatch((string)value!, (string)rule!) ? [$"{path} doesn't match {rule}"] : [];
            case "required":
                return value is JsonObject map ? rule.AsArray().Where(name => !map.ContainsKey((string)name!)).Select(name => $"{path} lacks {name}") : [];
            case "items":
                return value is JsonArray items ? items.SelectMany((item, i) => Check(rule.AsObject(), item, $"{path}[{i}]")) : [];
            case "properties":
                return value is JsonObject ? Properties(schema, rule.AsObject(), value.AsObject(), path) : [];
            case "anyOf":
                var tries = rule.AsArray().Select(one => Check(one!.AsObject(), value, path).ToArray()).ToArray();
                return tries.Any(mistakes => mistakes.Length == 0) ? [] : tries.MinBy(mistakes => -mistakes.Max(mistake => mistake.Length))!;
            case "oneOf":
                return rule.AsArray().Count(one => !Check(one!.AsObject(), value, path).Any()) == 1 ? [] : [$"{path} fits none or several of {rule.ToJsonString()}"];
            case "allOf":
                return rule.AsArray().SelectMany(one => Check(one!.AsObject(), value, path));
            case "if":
                return Check(rule.AsObject(), value, path).Any() ? [] : Check(schema["then"]!.AsObject(), value, path);
            default:
                return [$"{path}: the keyword {keyword} is not known to this validator"];
        }
    }

    private IEnumerable<string> Properties(JsonObject schema, JsonObject known, JsonObject map, string path)
    {
        foreach (var (name, item) in map)
        {
            if (known[name] is JsonObject rule)
            {
                foreach (var mistake in Check(rule, item, $"{path}.{name}")) yield return mistake;
            }
            else if (schema["additionalProperties"] is JsonObject others)
            {
                foreach (var mistake in Check(others, item, $"{path}.{name}")) yield return mistake;
            }
            else if (schema["additionalProperties"] is JsonValue allowed && !(bool)allowed)
            {
                yield return $"{path}.{name} is not known";
            }
        }
    }

    private static bool IsA(JsonNode? value, string type) => type switch
    {
        "null" => value is null,
        "object" => value is JsonObject,
        "array" => value is JsonArray,
        "string" => value?.GetValueKind() == System.Text.Json.JsonValueKind.String,
        "boolean" => value?.GetValueKind() is System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False,
        "number" => Number(value) is not null,
        "integer" => Number(value) is { } number && Math.Floor(number) == number,
        _ => throw new ArgumentException(type, nameof(type)),
    };

    private static double? Number(JsonNode? value) =>
        value?.GetValueKind() == System.Text.Json.JsonValueKind.Number ? double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture) : null;
}
