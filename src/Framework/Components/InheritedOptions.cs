namespace Tessera.Framework.Components;

/// <summary>
/// Options that a component got by accident: a config changed the <c>type</c> of what a base describes, and options of the
/// same name, written for the former type, came along. A ResNet's <c>depth: 18</c> makes a transformer of 18 blocks.
/// </summary>
public static class InheritedOptions
{
    /// <summary>Every option that was written for another type than the one that now takes it, except where that changes nothing.</summary>
    /// <returns>One text each: the place and path of the option, for which type it was written, and what to do.</returns>
    /// <remarks>
    /// What all components of a kind share and take in the same sense (a data set's pipeline, a loss's weight) is not among
    /// them, nor is a value that is the new type's default.
    /// </remarks>
    public static IReadOnlyList<string> Find(ComponentRegistry registry, ConfigDocument document)
    {
        var found = new List<string>();
        Look(registry, document.Root, "", found);
        return found;
    }

    private static void Look(ComponentRegistry registry, ConfigNode node, string path, List<string> found)
    {
        switch (node)
        {
            case ConfigMap map:
                foreach (var (key, value) in map)
                {
                    var keyPath = ConfigPath.Join(path, key);
                    if (
                        map.WrittenFor.TryGetValue(key, out var former)
                        && map["type"] is ConfigValue type
                        && Matters(registry, type.Text, key, value)
                    )
                        found.Add(Text(keyPath, value, former, type, key));
                    Look(registry, value, keyPath, found);
                }

                break;
            case ConfigList list:
                for (var i = 0; i < list.Count; i++)
                    Look(registry, list[i], ConfigPath.Join(path, $"{i}"), found);
                break;
        }
    }

    private static bool Matters(ComponentRegistry registry, string type, string key, ConfigNode value)
    {
        foreach (var component in registry.All.Where(component => component.Name == type))
        {
            var shared = component.Shape.Shared.Any(entry => entry.Key.Name == key);
            if (
                component.Keys.FirstOrDefault(option => option.Name == key) is { } option
                && !(shared && value is not ConfigMap)
                && !(option.HasDefault && option.DefaultText == value.ToString())
            )
                return true;
        }

        return false;
    }

    private static string Text(string path, ConfigNode value, ConfigValue former, ConfigValue type, string key) =>
        $"{value.Source}  {path}\n"
        + $"  {key} = {ConfigWriter.Excerpt(value)} was written for {former.Text}; {type.Text}, which stands there now "
        + $"({type.Source}), takes it, too.\n"
        + $"  If that is meant, write \"{key}\" again beside the new type. \"_delete_\": true there inherits nothing.";
}
