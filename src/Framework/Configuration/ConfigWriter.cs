using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Tessera.Framework.Configuration;

/// <summary>Writes config nodes as JSON: lists of scalars on one line, numbers as they were written.</summary>
internal static class ConfigWriter
{
    private const int LineWidth = 120;

    public static string Write(ConfigNode node, bool indented = true)
    {
        var text = new StringBuilder();
        Append(text, node, indented ? 0 : -1);
        return text.ToString();
    }

    /// <summary>A value short enough for a message.</summary>
    public static string Excerpt(ConfigNode node)
    {
        var text = Write(node, indented: false);
        return text.Length <= 60 ? text : string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, 57)}...");
    }

    public static string Quote(string text) => JsonSerializer.Serialize(text, Quoting);

    private static readonly JsonSerializerOptions Quoting = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static void Append(StringBuilder text, ConfigNode node, int depth)
    {
        switch (node)
        {
            case ConfigValue { Kind: ConfigValueKind.String } value:
                text.Append(Quote(value.Text));
                break;
            case ConfigValue value:
                text.Append(value.Text);
                break;
            case ConfigList list:
                AppendItems(text, '[', list.Select(item => (default(string), item)), ']', depth, list.All(item => item is ConfigValue));
                break;
            case ConfigMap map:
                AppendItems(text, '{', map.Select(entry => ((string?)entry.Key, entry.Value)), '}', depth, flat: false);
                break;
        }
    }

    private static void AppendItems(
        StringBuilder text,
        char open,
        IEnumerable<(string? Key, ConfigNode Value)> items,
        char close,
        int depth,
        bool flat
    )
    {
        if (flat && depth >= 0)
        {
            var line = new StringBuilder();
            AppendItems(line, open, items, close, -1, flat);
            if (line.Length + (2 * depth) <= LineWidth)
            {
                text.Append(line);
                return;
            }
        }

        text.Append(open);
        var first = true;
        foreach (var (key, value) in items)
        {
            text.Append(
                first ? ""
                : depth < 0 ? ", "
                : ","
            );
            first = false;
            if (depth >= 0)
                text.Append('\n').Append(' ', 2 * (depth + 1));
            if (key is not null)
                text.Append(Quote(key)).Append(": ");
            Append(text, value, depth < 0 ? -1 : depth + 1);
        }

        if (!first && depth >= 0)
            text.Append('\n').Append(' ', 2 * depth);
        text.Append(close);
    }
}
