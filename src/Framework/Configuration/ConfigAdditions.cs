namespace Tessera.Framework.Configuration;

/// <summary>Sets a value in a copy of a document.</summary>
internal static class ConfigAdditions
{
    private const int MostReferences = 32;

    /// <param name="replaces">In place of a value that is there.</param>
    /// <returns>A document that has the value; the document itself where it has one already, or where no such place is.</returns>
    public static ConfigMap Add(ConfigMap root, IReadOnlyList<string> keys, ConfigNode value, bool replaces = false)
    {
        // A part may stand elsewhere: "pipeline": "${train.dataset.pipeline}".
        for (var turn = 0; turn < MostReferences && Elsewhere(root, keys) is { } other; turn++)
            keys = other;
        return Set(root, keys, 0, value, replaces) as ConfigMap ?? root;
    }

    private static IReadOnlyList<string>? Elsewhere(ConfigMap root, IReadOnlyList<string> keys)
    {
        ConfigNode? node = root;
        for (var i = 0; i < keys.Count - 1 && node is not null; i++)
        {
            node = ConfigReferences.Child(node, keys[i]);
            if (node is not null && ReferenceText.Target(node) is { } target)
                return [.. target, .. keys.Skip(i + 1)];
        }
        return null;
    }

    private static ConfigNode? Set(ConfigNode node, IReadOnlyList<string> keys, int depth, ConfigNode value, bool replaces)
    {
        var key = keys[depth];
        if (depth == keys.Count - 1)
        {
            if (node is not ConfigMap last || !(replaces || last[key] is null or ConfigValue { Kind: ConfigValueKind.Null }))
                return null;
            var extended = last.CopyFrom(last.Source);
            extended.Set(key, value);
            return extended;
        }
        if (ConfigReferences.Child(node, key) is not { } child || Set(child, keys, depth + 1, value, replaces) is not { } changed)
            return null;
        if (node is ConfigMap map)
        {
            var copy = map.CopyFrom(map.Source);
            copy.Set(key, changed);
            return copy;
        }
        var list = (ConfigList)node;
        return new ConfigList(list.Source, list.Select(item => ReferenceEquals(item, child) ? changed : item)) { Replaced = list.Replaced };
    }
}
