namespace Tessera.Framework.Configuration;

/// <summary>What of a merged document is written into work dirs and checkpoints.</summary>
internal static class SavedForm
{
    /// <param name="plugins">Full paths; they are written relative to <paramref name="folder"/>.</param>
    /// <param name="keptNulls">Paths whose null is kept; all others have done their work.</param>
    public static ConfigMap Of(
        ConfigMap merged,
        IReadOnlyList<PluginReference> plugins,
        string folder,
        IReadOnlyCollection<string> keptNulls
    )
    {
        var saved = (ConfigMap)WithoutNulls(merged.Without(ConfigDocument.SchemaKey), "", keptNulls);
        if (plugins.Count > 0)
        {
            var paths = plugins.Select(plugin => new ConfigValue(
                plugin.Source,
                ConfigValueKind.String,
                Path.GetRelativePath(folder, plugin.Path)
            ));
            saved.Set(ConfigDocument.PluginsKey, new ConfigList(saved.Source, paths));
        }
        return saved;
    }

    private static ConfigNode WithoutNulls(ConfigNode node, string path, IReadOnlyCollection<string> kept)
    {
        if (node is ConfigList list)
            return new ConfigList(list.Source, list.Select((item, i) => WithoutNulls(item, ConfigPath.Join(path, $"{i}"), kept)))
            {
                Replaced = list.Replaced,
            };
        if (node is not ConfigMap map)
            return node;
        var copy = map.WithRemoved(key => kept.Contains(ConfigPath.Join(path, key)));
        foreach (var (key, value) in map)
            copy.Set(key, WithoutNulls(value, ConfigPath.Join(path, key), kept));
        return copy;
    }
}
