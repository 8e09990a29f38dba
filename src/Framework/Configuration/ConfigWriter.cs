using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Tessera.Framework.Configuration;

/// <summary>Writes config nodes as JSON: lists of scalars on one line, numbers as they were written.</summary>
internal static class ConfigWriter
{
    private const int LineWidth = 120;

    /// <param name="nulls">Writes keys that a null removed as null.</param>
    public static string Write(ConfigNode node, bool indented = true, bool nulls = false)
    {
        var text = new StringBuilder();
        new Writing(text, nulls).Append(node, indented ? 0 : -1);
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

    private readonly struct Writing(StringBuilder text, bool nulls)
    {
        /// <param name="depth">Of the indentation; -1 for one line.</param>
        public void Append(ConfigNode node, int depth)
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
                    AppendList(list, depth);
                    break;
                case ConfigMap map:
                    AppendItems('{', Entries(map), '}', depth);
                    break;
            }
        }

        private void AppendList(ConfigList list, int depth)
        {
            var items = list.Select(item => (default(string), item));
            if (depth >= 0 && list.All(item => item is ConfigValue))
            {
                var line = new StringBuilder();
                new Writing(line, nulls).AppendItems('[', items, ']', -1);
                if (line.Length + (2 * depth) <= LineWidth)
                {
                    text.Append(line);
                    return;
                }
            }
            AppendItems('[', items, ']', depth);
        }

        private IEnumerable<(string? Key, ConfigNode Value)> Entries(ConfigMap map)
        {
            var entries = map.Select(entry => ((string?)entry.Key, entry.Value));
            return nulls
                ? entries.Concat(
                    map.Removed.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => ((string?)entry.Key, entry.Value))
                )
                : entries;
        }

        private void AppendItems(char open, IEnumerable<(string? Key, ConfigNode Value)> items, char close, int depth)
        {
            text.Append(open);
            var first = true;
            foreach (var (key, value) in items)
            {
                if (!first)
                    text.Append(depth < 0 ? ", " : ",");
                first = false;
                if (depth >= 0)
                    text.Append('\n').Append(' ', 2 * (depth + 1));
                if (key is not null)
                    text.Append(Quote(key)).Append(": ");
                Append(value, depth < 0 ? -1 : depth + 1);
            }

            if (!first && depth >= 0)
                text.Append('\n').Append(' ', 2 * depth);
            text.Append(close);
        }
    }
}
