using System.Text.Json.Nodes;

namespace Tessera.Framework.Running;

/// <summary>Says how the config of a resumed run differs from the one before.</summary>
public static class ConfigChanges
{
    private const int Told = 8;

    /// <returns>Such as <c>optimizer.lr 0.1 to 0.05, train.epochs 2 to 4</c>; empty where they are the same.</returns>
    public static string Between(JsonObject before, JsonObject now)
    {
        var (old, present) = (Leaves(before), Leaves(now));
        var changed = old.Keys.Union(present.Keys).Where(path => old.GetValueOrDefault(path) != present.GetValueOrDefault(path)).ToList();
        return string.Join(
                ", ",
                changed
                    .Take(Told)
                    .Select(path =>
                        $"{path} {old.GetValueOrDefault(path) ?? "(not set)"} to {present.GetValueOrDefault(path) ?? "(not set)"}"
                    )
            ) + (changed.Count > Told ? $" and {changed.Count - Told} more" : "");
    }

    private static Dictionary<string, string> Leaves(JsonObject config)
    {
        var leaves = new Dictionary<string, string>();
        Walk(config, "");
        return leaves;

        void Walk(JsonNode? node, string path)
        {
            switch (node)
            {
                case JsonObject map when map.Count > 0:
                    foreach (var (key, child) in map)
                        Walk(child, path.Length == 0 ? key : $"{path}.{key}");
                    break;
                case JsonArray list when list.Count > 0:
                    for (var i = 0; i < list.Count; i++)
                        Walk(list[i], $"{path}.{i}");
                    break;
                case null:
                    leaves[path] = "null";
                    break;
                default:
                    leaves[path] = node.ToJsonString();
                    break;
            }
        }
    }
}
