using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Framework.Configuration;

namespace Tessera;

/// <summary>The config as a run writes it into its work dir and its checkpoints.</summary>
internal static class RunConfig
{
    /// <summary>The config's text. Hooks that every run has and the user sets to null are null still: their defaults would come back
    /// otherwise.</summary>
    public static string Write(ConfigDocument document, string workDir)
    {
        var (saved, unwanted) = (document.SaveText(workDir), DefaultHooks.Unwanted(document));
        if (unwanted.Count == 0)
            return saved;
        var config = JsonNode.Parse(saved)!.AsObject();
        if (config["hooks"] is not JsonObject hooks)
            config["hooks"] = hooks = [];
        foreach (var key in unwanted)
            hooks[key] = null;
        return config.ToJsonString(
                new JsonSerializerOptions { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
            ) + "\n";
    }
}
