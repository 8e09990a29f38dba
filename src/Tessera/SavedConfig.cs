using System.Text.Json.Nodes;

namespace Tessera;

/// <summary>The config that a checkpoint carries.</summary>
public static class SavedConfig
{
    /// <summary>Without what only training needs, which may ask for components or environment variables that aren't here.</summary>
    /// <returns>The rest, as JSON text.</returns>
    public static string ForModel(JsonObject config)
    {
        var rest = config.DeepClone().AsObject();
        var evaluates = (rest["test"] ?? rest["val"]) is not null;
        foreach (
            var key in (string[])
                ["optimizer", "schedule", "hooks", "device", "precision", "threads", "work_dir", .. evaluates ? (string[])["train"] : []]
        )
        {
            var part = rest[key];
            rest.Remove(key);
            if (rest.ToJsonString().Contains("${" + key, StringComparison.Ordinal))
                rest[key] = part; // the model refers to it
        }
        return rest.ToJsonString();
    }
}
