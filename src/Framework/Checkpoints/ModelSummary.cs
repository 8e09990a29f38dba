using System.Text.Json.Nodes;

namespace Tessera.Framework.Checkpoints;

/// <summary>Says in a sentence how two configs' models differ.</summary>
internal static class ModelSummary
{
    /// <returns>Such as <c>The checkpoint's backbone.type is "ResNet", the config's "VisionTransformer".</c>; empty where nothing can be
    /// said.</returns>
    public static string Differences(JsonObject saved, JsonObject? present)
    {
        if (saved["model"] is not JsonObject was || present?["model"] is not JsonObject now)
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

    private static Dictionary<string, string> Flat(JsonObject node)
    {
        var leaves = new Dictionary<string, string>();
        Walk(node, "");
        return leaves;

        void Walk(JsonNode? value, string path)
        {
            if (value is JsonObject inner)
                foreach (var (key, child) in inner)
                    Walk(child, path.Length == 0 ? key : path + "." + key);
            else if (value is not null)
                leaves[path] = value.ToJsonString();
        }
    }
}
