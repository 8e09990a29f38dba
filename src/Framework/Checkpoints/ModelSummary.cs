namespace Tessera.Framework.Checkpoints;

/// <summary>Says in a sentence how two configs' models differ.</summary>
internal static class ModelSummary
{
    /// <returns>Such as <c>The checkpoint's backbone.type is "ResNet", the config's "VisionTransformer".</c>; empty where nothing can be
    /// said.</returns>
    public static string Differences(ConfigDocument saved, ConfigDocument? present)
    {
        if (saved.Find("model") is not ConfigMap was || present?.Find("model") is not ConfigMap now)
            return "";
        var (before, after) = (Flat(was), Flat(now));
        var paths = before
            .Keys.Union(after.Keys)
            .Where(path => before.GetValueOrDefault(path) != after.GetValueOrDefault(path))
            .Where(path => !path.Contains("loss", StringComparison.Ordinal) && !path.Contains("init.", StringComparison.Ordinal))
            .ToList();
        // Another type explains everything below it.
        var types = paths.Where(path => path.EndsWith("type", StringComparison.Ordinal)).ToList();
        var told = types.Count > 0 ? types : paths;
        return string.Join(
            " ",
            told.Take(3)
                .Select(path =>
                    $"The checkpoint's model.{path} is {before.GetValueOrDefault(path) ?? "not set"}, the config's "
                    + $"{after.GetValueOrDefault(path) ?? "is not set"}."
                )
        );
    }

    private static Dictionary<string, string> Flat(ConfigMap model)
    {
        var leaves = new Dictionary<string, string>();
        Walk(model, "");
        return leaves;

        void Walk(ConfigNode node, string path)
        {
            if (node is ConfigMap map)
                foreach (var (key, child) in map)
                    Walk(child, ConfigPath.Join(path, key));
            else
                leaves[path] = node.ToString();
        }
    }
}
