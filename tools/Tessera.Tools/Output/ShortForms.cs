using Tessera.Datasets.Segmentation;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Framework.Running;

namespace Tessera.Tools.Output;

/// <summary>A config as printed: options that are short for others give way to them.</summary>
internal static class ShortForms
{
    /// <summary>The resolved document; as it stands where it has mistakes.</summary>
    /// <param name="registry">The components; asked for only where a data set may have short forms.</param>
    public static string Expanded(ConfigDocument document, Func<ComponentRegistry> registry)
    {
        var root = document.Root;
        foreach (var path in (string[])["train.dataset", "val.dataset", "test.dataset"])
        {
            if (document.Find(path) is not ConfigMap || OptionsAt(document, path, registry) is not LabelOptions options)
                continue;
            root = Replace(root, path.Split('.'), map => Expand(map, options));
        }
        return ConfigWriter.Write(root) + "\n";
    }

    private static object? OptionsAt(ConfigDocument document, string path, Func<ComponentRegistry> registry)
    {
        try
        {
            return OptionsBinder.BindComponent<Framework.Data.Dataset>(registry(), document, path).Options;
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

    private static ConfigMap Expand(ConfigMap map, LabelOptions options)
    {
        var full = options.Expand();
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
