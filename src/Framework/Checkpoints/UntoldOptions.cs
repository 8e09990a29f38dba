using Microsoft.Extensions.Logging;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;

namespace Tessera.Framework.Checkpoints;

/// <summary>Options that weights were trained with and a backbone has otherwise, where only the project's names tell them.</summary>
internal static class UntoldOptions
{
    private static readonly ILogger s_log = Log.For("weights");

    /// <summary>Warns of them. Files of ours keep the options that they were trained with.</summary>
    public static void Tell(IEnumerable<Backbone> backbones, WeightsFile file, NameMatch found, string path)
    {
        if (file.Names is not null || file.Metadata.ContainsKey(Checkpoint.InfoKey))
            return;
        foreach (var backbone in backbones)
            if (backbone.OptionsOf(found.Project, [.. file.Tensors.Keys]) is { } options)
                s_log.LogWarning(
                    "{0}: such weights were trained with {1} in the backbone, which has other values here: they load and predict worse.",
                    Path.GetFileName(path),
                    options
                );
    }
}
