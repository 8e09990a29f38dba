namespace Tessera.Framework.Running;

/// <summary>Says how the config of a resumed run differs from the one before.</summary>
public static class ConfigChanges
{
    private const int Told = 8;

    /// <returns>Such as <c>optimizer.lr 0.1 to 0.05, train.epochs 2 to 4</c>; empty where they are the same.</returns>
    public static string Between(ConfigDocument before, ConfigDocument now)
    {
        var changed = Find(before, now);
        return string.Join(
                ", ",
                changed.Take(Told).Select(change => $"{change.Path} {change.Before ?? "(not set)"} to {change.Now ?? "(not set)"}")
            ) + (changed.Count > Told ? $" and {changed.Count - Told} more" : "");
    }

    /// <summary>Every value that differs between two configs as they are saved, in the order of the earlier one.</summary>
    /// <returns>Its path, and its JSON before and now; null where it is not set.</returns>
    public static IReadOnlyList<(string Path, string? Before, string? Now)> Find(ConfigDocument before, ConfigDocument now)
    {
        var (old, present) = (Leaves(before.ForSaving().Merged), Leaves(now.ForSaving().Merged));
        return
        [
            .. old
                .Keys.Union(present.Keys)
                .Select(path => (path, old.GetValueOrDefault(path), present.GetValueOrDefault(path)))
                .Where(change => change.Item2 != change.Item3),
        ];
    }

    /// <summary>What a config's own file and the command line say that its bases don't, in the config's order. Of a config without bases:
    /// what the command line says.</summary>
    /// <returns>For each value its path, its JSON in the bases and now (null where it is not set; <c>${…}</c> as written), and where it was
    /// set.</returns>
    public static IReadOnlyList<(string Path, string? Before, string? Now, SourceLocation Where)> OverBases(ConfigDocument document)
    {
        var found = new List<(string, string?, string?, SourceLocation)>();
        Walk(document.Merged, "");
        return found;

        void Walk(ConfigNode node, string path)
        {
            if (node is ConfigMap map)
            {
                foreach (var (key, below) in map)
                    if (key != ConfigDocument.SchemaKey)
                        Walk(below, ConfigPath.Join(path, key));
                foreach (var (key, removal) in map.Removed)
                    if (IsOwn(removal) && Below(removal) is { } removed)
                        found.Add((ConfigPath.Join(path, key), removed.ToString(), null, removal.Source));
            }
            else if (IsOwn(node) || (node is ConfigList list && list.Any(IsOwn)))
            {
                var before = Below(node);
                if (before is null || !ConfigNode.DeepEquals(before, node))
                    found.Add((path, before?.ToString(), node.ToString(), node.Source));
            }
        }

        ConfigNode? Below(ConfigNode node)
        {
            var below = node.Replaced;
            while (below is not null && IsOwn(below))
                below = below.Replaced;
            return below;
        }

        bool IsOwn(ConfigNode node) =>
            node.Source == SourceLocation.CommandLine || (document.Files.Count > 1 && node.Source.Name == document.Path);
    }

    /// <summary>The JSON of every value that holds no further ones, by its path; null for a key that a null removed.</summary>
    private static Dictionary<string, string> Leaves(ConfigMap config)
    {
        var leaves = new Dictionary<string, string>();
        Walk(config, "");
        return leaves;

        void Walk(ConfigNode node, string path)
        {
            switch (node)
            {
                case ConfigMap map when map.Count + map.Removed.Count > 0:
                    foreach (var (key, below) in map)
                        Walk(below, ConfigPath.Join(path, key));
                    foreach (var (key, removal) in map.Removed)
                        leaves[ConfigPath.Join(path, key)] = removal.ToString();
                    break;
                case ConfigList { Count: > 0 } list:
                    for (var i = 0; i < list.Count; i++)
                        Walk(list[i], ConfigPath.Join(path, $"{i}"));
                    break;
                default:
                    leaves[path] = node.ToString();
                    break;
            }
        }
    }
}
