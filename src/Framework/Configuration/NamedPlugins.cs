using Tessera.Framework.Errors;

namespace Tessera.Framework.Configuration;

/// <summary>Plugins as a config names them: paths below the key "plugins", each from the file that it stands in.</summary>
internal static class NamedPlugins
{
    public static List<PluginReference> Of(ConfigMap root, MistakeList mistakes)
    {
        var plugins = new List<PluginReference>();
        if (!root.TryGet(ConfigDocument.PluginsKey, out var node))
            return plugins;
        if (node is not ConfigList list)
        {
            mistakes.Add(new Mistake(node.Source, ConfigDocument.PluginsKey, ConfigErrors.WrongType("a list of paths", node)));
            return plugins;
        }

        foreach (var item in list)
        {
            if (item is ConfigValue { Kind: ConfigValueKind.String, Text.Length: > 0 } path)
            {
                var directory = item.Source.IsFile ? Path.GetDirectoryName(item.Source.Name)! : Directory.GetCurrentDirectory();
                plugins.Add(new PluginReference(Path.GetFullPath(path.Text, directory), item.Source));
            }
            else
            {
                mistakes.Add(
                    new Mistake(item.Source, ConfigDocument.PluginsKey, ConfigErrors.WrongType("the path of a .dll, .csproj or .cs", item))
                );
            }
        }

        return plugins;
    }
}
