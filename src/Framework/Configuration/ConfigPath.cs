using System.Text;

namespace Tessera.Framework.Configuration;

/// <summary>Dotted paths into a document: <c>train.dataset.pipeline.0.size</c>; a key that holds dots is quoted:
/// <c>groups."backbone.norm"</c>.</summary>
public static class ConfigPath
{
    /// <summary>The path's keys, or null where the text is no path: an empty key, a quote left open.</summary>
    public static IReadOnlyList<string>? Split(string path)
    {
        var keys = new List<string>();
        var position = 0;
        while (true)
        {
            var key = new StringBuilder();
            if (position < path.Length && path[position] == '"')
            {
                var end = path.IndexOf('"', position + 1);
                if (end < 0 || (end + 1 < path.Length && path[end + 1] != '.'))
                    return null;
                key.Append(path, position + 1, end - position - 1);
                position = end + 1;
            }
            else
            {
                while (position < path.Length && path[position] != '.')
                    key.Append(path[position++]);
            }

            if (key.Length == 0)
                return null;
            keys.Add(key.ToString());
            if (position == path.Length)
                return keys;
            position++;
        }
    }

    /// <summary>The path of <paramref name="key"/> below <paramref name="parent"/>.</summary>
    public static string Join(string parent, string key)
    {
        var quoted = key.Contains('.', StringComparison.Ordinal) || key.Length == 0 ? $"\"{key}\"" : key;
        return parent.Length == 0 ? quoted : $"{parent}.{quoted}";
    }

    public static string Join(IEnumerable<string> keys) => keys.Aggregate("", Join);
}
