using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Framework.Configuration;

namespace Tessera.Framework.Components;

/// <summary>A size in pixels: one integer for a square, or <c>[height, width]</c>.</summary>
public readonly record struct HeightWidth(int Height, int Width) : IConfigParsable<HeightWidth>
{
    public static string Expected => "a positive integer or [height, width]";

    public static JsonObject Schema =>
        new()
        {
            ["oneOf"] = new JsonArray(
                new JsonObject { ["type"] = "integer", ["minimum"] = 1 },
                new JsonObject
                {
                    ["type"] = "array",
                    ["items"] = new JsonObject
                    {
                        ["anyOf"] = new JsonArray(
                            new JsonObject { ["type"] = "integer", ["minimum"] = 1 },
                            new JsonObject { ["$ref"] = "#/$defs/reference" }
                        ),
                    },
                    ["minItems"] = 2,
                    ["maxItems"] = 2,
                }
            ),
        };

    public static bool TryParse(ConfigNode node, out HeightWidth value)
    {
        value = default;
        if (Read(node) is { } side)
            value = new HeightWidth(side, side);
        else if (node is ConfigList { Count: 2 } pair && Read(pair[0]) is { } height && Read(pair[1]) is { } width)
            value = new HeightWidth(height, width);
        else
            return false;
        return true;
    }

    public override string ToString() =>
        Height == Width
            ? Height.ToString(CultureInfo.InvariantCulture)
            : string.Create(CultureInfo.InvariantCulture, $"[{Height}, {Width}]");

    private static int? Read(ConfigNode node) =>
        node is ConfigValue { Kind: ConfigValueKind.Number } number
        && int.TryParse(number.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var side)
        && side > 0
            ? side
            : null;
}
