using System.Text;

namespace Tessera.Framework.Configuration;

/// <summary>Words the provenance of a key.</summary>
internal static class ConfigExplanation
{
    public static string Explain(ConfigDocument document, string path)
    {
        var keys = ConfigPath.Split(path) ?? throw new UserErrorException(ConfigErrors.NoPath(path));
        ConfigNode node = document.Merged;
        for (var i = 0; i < keys.Count; i++)
        {
            // A reference may stand on the way: go on in what it names.
            if (
                node is ConfigValue { Kind: ConfigValueKind.String }
                && ConfigDocument.Find(document.Root, ConfigPath.Join(keys.Take(i))) is { } filled
            )
                node = filled;
            if (ConfigReferences.Child(node, keys[i]) is { } below)
                node = below;
            else if (node is ConfigMap map && map.Removed.TryGetValue(keys[i], out var removal))
                return ExplainRemoval(ConfigPath.Join(keys.Take(i + 1)), removal, document);
            else if (document.Root[keys[0]] is { } set && keys.Count == 1)
                node = set; // set from the environment alone
            else
                throw new UserErrorException(
                    ConfigErrors.NoKeyToExplain(path, ConfigPath.Join(keys.Take(i)), keys[i], (node as ConfigMap)?.Keys ?? [])
                );
        }

        var text = new StringBuilder();
        var value = document.Find(path) ?? node;
        if (value.Source != node.Source && value.Source.Name == ConfigReferences.DataRootVariable)
            node = value;
        text.Append(ConfigPath.Join(keys)).Append(" = ").Append(ConfigWriter.Excerpt(value));
        if (!ConfigNode.DeepEquals(node, value))
            text.Append("\n  written ").Append(ConfigWriter.Excerpt(node));
        AppendHistory(text, node, document);
        return text.ToString();
    }

    private static string ExplainRemoval(string path, ConfigNode removal, ConfigDocument document)
    {
        var text = new StringBuilder(path).Append(" is not set\n  removed by ").Append(Place(removal, document));
        AppendReplaced(text, removal, document);
        return text.ToString();
    }

    private static void AppendHistory(StringBuilder text, ConfigNode node, ConfigDocument document)
    {
        text.Append("\n  set by ").Append(Place(node, document));
        AppendReplaced(text, node, document);
    }

    private static void AppendReplaced(StringBuilder text, ConfigNode node, ConfigDocument document)
    {
        for (var below = node.Replaced; below is not null; below = below.Replaced)
        {
            var verb = below is ConfigMap && node is ConfigMap ? "over" : "replaced";
            text.Append("\n  ")
                .Append(verb)
                .Append(' ')
                .Append(ConfigWriter.Excerpt(below))
                .Append(", set by ")
                .Append(Place(below, document));
        }
    }

    private static string Place(ConfigNode node, ConfigDocument document) =>
        node.Source.IsFile && node.Source.Name != document.Path
            ? $"{node.Source} (a base of {Path.GetFileName(document.Path)})"
            : node.Source.ToString();
}
