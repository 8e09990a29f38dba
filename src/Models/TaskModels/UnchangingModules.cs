using Tessera.Framework.Models;
using Tessera.Models.Attention;
using TorchSharp;

namespace Tessera.Models.TaskModels;

/// <summary>Models whose modules nothing changes while they predict.</summary>
internal static class UnchangingModules
{
    /// <summary>Whether all modules are Tessera's or TorchSharp's own and none attends, which may note something meanwhile.</summary>
    public static bool AreAll(VisionModel model) =>
        model
            .modules()
            .All(module =>
                module is not (TokenAttention or AttentionWeights)
                && module.GetType().Assembly is var home
                && (home == typeof(UnchangingModules).Assembly || home == typeof(VisionModel).Assembly || home == typeof(torch).Assembly)
            );
}
