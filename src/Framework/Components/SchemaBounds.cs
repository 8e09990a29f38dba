using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tessera.Framework.Components;

/// <summary>An option's bounds in JSON Schema's words.</summary>
internal static class SchemaBounds
{
    public static void Add(ValidationAttribute bound, JsonObject schema)
    {
        switch (bound)
        {
            case RangeAttribute range:
                var (low, high) = (
                    Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture),
                    Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture)
                );
                if (low > int.MinValue)
                    schema[range.MinimumIsExclusive ? "exclusiveMinimum" : "minimum"] = low;
                if (high < int.MaxValue)
                    schema[range.MaximumIsExclusive ? "exclusiveMaximum" : "maximum"] = high;
                break;
            case MinLengthAttribute length:
                schema[Unit("min", schema)] = length.Length;
                break;
            case MaxLengthAttribute length:
                schema[Unit("max", schema)] = length.Length;
                break;
            case LengthAttribute length:
                schema[Unit("min", schema)] = length.MinimumLength;
                schema[Unit("max", schema)] = length.MaximumLength;
                break;
            case AllowedValuesAttribute allowed:
                schema["enum"] = new JsonArray([.. allowed.Values.Select(value => JsonSerializer.SerializeToNode(value))]);
                break;
        }
    }

    private static string Unit(string side, JsonObject schema) =>
        side
        + schema["type"]?.GetValue<string>() switch
        {
            "string" => "Length",
            "object" => "Properties",
            _ => "Items",
        };
}
