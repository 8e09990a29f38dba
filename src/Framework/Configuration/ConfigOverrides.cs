using System.Globalization;

namespace Tessera.Framework.Configuration;

/// <summary>Applies <c>--cfg-options a.b=1 a.c.0=x</c>: values are JSON where they parse, strings otherwise.</summary>
internal sealed class ConfigOverrides(MistakeList mistakes)
{
    private readonly ConfigMerger _merger = new(mistakes, ancestors: null);

    /// <summary>The keys set at the top of the document.</summary>
    public HashSet<string> TopKeys { get; } = [];

    public ConfigMap Apply(ConfigMap root, IEnumerable<string> overrides)
    {
        var set = new List<(IReadOnlyList<string> Keys, ConfigNode Value)>();
        foreach (var text in overrides)
        {
            var split = SplitAssignment(text);
            if (split is not var (path, value) || ConfigPath.Split(path) is not { } keys)
            {
                mistakes.Add(new Mistake(SourceLocation.CommandLine, "", ConfigErrors.NoOverride(text)));
                continue;
            }

            var node =
                ConfigParser.ParseValue(value, SourceLocation.CommandLine)
                ?? new ConfigValue(SourceLocation.CommandLine, ConfigValueKind.String, value);
            set.Add((keys, node));
        }

        // What deletes what is inherited comes first, wherever it stands: the other options are written for what is left.
        foreach (var (keys, value) in set.OrderBy(entry => Deletes(entry.Keys) ? 0 : 1))
            root = Deletes(keys) ? Apply(root, [.. keys.SkipLast(1)], Deleting(value)) : Apply(root, keys, value);
        return root;
    }

    /// <summary>Lays edits over a document, in their order; those of types first, so that the other options are written for the new
    /// type.</summary>
    public ConfigMap Apply(ConfigMap root, IReadOnlyList<ConfigEdit> edits)
    {
        foreach (var edit in edits.OrderBy(edit => edit.IsType ? 0 : 1))
        {
            if (ConfigPath.Split(edit.Path) is { } keys)
                root = Apply(root, keys, edit.Value);
            else
                mistakes.Add(new Mistake(edit.Value.Source, edit.Path, ConfigErrors.NoPath(edit.Path)));
        }
        return root;
    }

    private ConfigMap Apply(ConfigMap root, IReadOnlyList<string> keys, ConfigNode value)
    {
        TopKeys.Add(keys[0]);
        return (ConfigMap)Set(root, [.. keys], 0, value);
    }

    private static bool Deletes(IReadOnlyList<string> keys) => keys.Count > 1 && keys[^1] == ConfigMerger.DeleteKey;

    /// <summary><c>a._delete_=true</c> as <c>a={"_delete_":true}</c>, which the merger knows.</summary>
    private static ConfigMap Deleting(ConfigNode flag)
    {
        var map = new ConfigMap(flag.Source);
        map.Set(ConfigMerger.DeleteKey, flag);
        return map;
    }

    // The first '=' outside quotes ends the path.
    private static (string Path, string Value)? SplitAssignment(string text)
    {
        var quoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '"')
                quoted = !quoted;
            else if (text[i] == '=' && !quoted)
                return (text[..i].Trim(), text[(i + 1)..]);
        }

        return null;
    }

    private ConfigNode Set(ConfigNode? node, string[] keys, int depth, ConfigNode value)
    {
        var path = ConfigPath.Join(keys.Take(depth));
        if (depth == keys.Length)
            return _merger.Merge(node, value, path);
        switch (node)
        {
            case ConfigList list:
                if (IndexOf(list, keys[depth]) is not { } index)
                {
                    mistakes.Add(new Mistake(value.Source, ConfigPath.Join(keys), ConfigErrors.NoSuchItem(path, list, keys[depth])));
                    return list;
                }

                var items = list.ToList();
                items[index] = Set(items[index], keys, depth + 1, value);
                return new ConfigList(list.Source, items) { Replaced = list.Replaced };
            case ConfigMap or null or ConfigValue { Kind: ConfigValueKind.Null }:
                var map = node is ConfigMap present
                    ? present.CopyFrom(present.Source)
                    : (ConfigMap)new ConfigMap(value.Source).Replacing(node);
                var key = keys[depth];
                var below = map[key] ?? map.Removed.GetValueOrDefault(key);
                if (key == "type" && depth == keys.Length - 1 && value is ConfigValue { Kind: ConfigValueKind.String } type)
                    map.ChangeType(type);
                map.Own(key);
                if (depth == keys.Length - 1 && value is ConfigValue { Kind: ConfigValueKind.Null })
                    map.Remove(key, value.Replacing(below));
                else
                    map.Set(key, Set(below, keys, depth + 1, value));
                return map;
            default:
                mistakes.Add(new Mistake(value.Source, ConfigPath.Join(keys), ConfigErrors.NoMapToSet(path, node)));
                return node;
        }
    }

    /// <summary>A place in a list: its number from 0, or the type of the only step that has it.</summary>
    public static int? IndexOf(ConfigList list, string key)
    {
        if (int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            return index < list.Count ? index : null;
        var found = Enumerable.Range(0, list.Count).Where(i => ListEdits.TypeOf(list[i]) == key).ToList();
        return found.Count == 1 ? found[0] : null;
    }
}
