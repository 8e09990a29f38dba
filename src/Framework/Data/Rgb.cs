using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Tessera.Framework.Data;

/// <summary>A colour of 8 bits a channel.</summary>
public readonly record struct Rgb(byte Red, byte Green, byte Blue) : IConfigParsable<Rgb>
{
    public static string Expected => "a colour, \"#RRGGBB\" or [red, green, blue]";

    public static JsonObject Schema =>
        new()
        {
            ["oneOf"] = new JsonArray(
                new JsonObject { ["type"] = "string", ["pattern"] = "^#[0-9a-fA-F]{6}$" },
                new JsonObject
                {
                    ["type"] = "array",
                    ["items"] = new JsonObject
                    {
                        ["type"] = "integer",
                        ["minimum"] = 0,
                        ["maximum"] = 255,
                    },
                    ["minItems"] = 3,
                    ["maxItems"] = 3,
                }
            ),
        };

    public static Rgb Black => new(0, 0, 0);

    public static Rgb White => new(255, 255, 255);

    public static Rgb Gray => new(128, 128, 128);

    /// <summary>0xRRGGBB.</summary>
    public int Value => Red << 16 | Green << 8 | Blue;

    public static Rgb FromValue(int value) => new((byte)(value >> 16), (byte)(value >> 8), (byte)value);

    /// <summary>Reads "#RRGGBB", "red, green, blue" or "[red, green, blue]".</summary>
    public static bool TryParse(string text, out Rgb color)
    {
        color = default;
        text = text.Trim();
        if (text.StartsWith('#'))
        {
            if (
                text.Length != 7
                || !int.TryParse(text.AsSpan(1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            )
                return false;
            color = FromValue(value);
            return true;
        }
        if (text.StartsWith('[') && text.EndsWith(']'))
            text = text[1..^1];
        var parts = text.Split(',');
        if (parts.Length != 3 || !Channel(parts[0], out var red) || !Channel(parts[1], out var green) || !Channel(parts[2], out var blue))
            return false;
        color = new Rgb(red, green, blue);
        return true;

        static bool Channel(string part, out byte channel) =>
            byte.TryParse(part.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out channel);
    }

    public static bool TryParse(ConfigNode node, [MaybeNullWhen(false)] out Rgb value)
    {
        value = default;
        return node switch
        {
            ConfigValue { Kind: ConfigValueKind.String, Text: var text } => TryParse(text, out value),
            ConfigList { Count: 3 } list when list.All(item => item is ConfigValue { Kind: ConfigValueKind.Number }) => TryParse(
                string.Join(',', list.Cast<ConfigValue>().Select(item => item.Text)),
                out value
            ),
            _ => false,
        };
    }

    /// <summary>Black or white, whichever is easier to read on this colour.</summary>
    public Rgb Readable => 0.299 * Red + 0.587 * Green + 0.114 * Blue > 140 ? Black : White;

    /// <summary>A step from this colour, at 0, to another, at 1.</summary>
    public Rgb Towards(Rgb other, double share)
    {
        return new(Mix(Red, other.Red), Mix(Green, other.Green), Mix(Blue, other.Blue));

        byte Mix(byte from, byte to) => (byte)Math.Clamp(Math.Round(from + (to - from) * share), 0, 255);
    }

    /// <summary>"#RRGGBB".</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"#{Value:X6}");
}
