namespace Tessera.Framework.Components;

/// <summary>A config as printed: options that are short for others give way to them.</summary>
public static class ShortForms
{
    /// <summary>The resolved document; as it stands where it has mistakes.</summary>
    /// <typeparam name="T">What the components that may have short forms are.</typeparam>
    /// <param name="paths">Where they stand.</param>
    /// <param name="registry">The components; asked for only where one may have short forms.</param>
    /// <param name="expand">The maps that stand in place of a component's options, by key, null for a key that is left out; null for
    /// options without short forms.</param>
    public static string Expand<T>(
        ConfigDocument document,
        IReadOnlyList<string> paths,
        Func<ComponentRegistry> registry,
        Func<object?, IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>?>?> expand
    )
        where T : class
    {
        var root = document.Root;
        foreach (var path in paths)
        {
            if (document.Find(path) is not ConfigMap || expand(OptionsAt<T>(document, path, registry)) is not { } full)
                continue;
            root = Replace(root, path.Split('.'), map => Expand(map, full));
        }
        return ConfigWriter.Write(root) + "\n";
    }

    private static object? OptionsAt<T>(ConfigDocument document, string path, Func<ComponentRegistry> registry)
        where T : class
    {
        try
        {
            return OptionsBinder.BindComponent<T>(registry(), document, path).Options;
        }
        catch (UserErrorException)
        {
            return null; // said when the whole document is checked, after it is printed
        }
    }

    private static ConfigMap Replace(ConfigNode node, ReadOnlySpan<string> keys, Func<ConfigMap, ConfigMap> change)
    {
        var map = (ConfigMap)node;
        if (keys.IsEmpty)
            return change(map);
        var copy = map.CopyFrom(map.Source);
        copy.Set(keys[0], Replace(map[keys[0]]!, keys[1..], change));
        return copy;
    }

    private static ConfigMap Expand(ConfigMap map, IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>?> full)
    {
        var written = new ConfigMap(map.Source);
        foreach (var (key, value) in map)
        {
            if (key == "pipeline")
                AppendMaps(); // before what is long
            if (!full.ContainsKey(key))
                written.Set(key, value);
        }
        AppendMaps();
        return written;

        void AppendMaps()
        {
            foreach (var (key, entries) in full)
            {
                if (entries is null || written[key] is not null)
                    continue;
                var table = new ConfigMap(map.Source);
                foreach (var (name, value) in entries)
                    table.Set(name, new ConfigValue(map.Source, ConfigValueKind.String, value));
                written.Set(key, table);
            }
        }
    }
}
