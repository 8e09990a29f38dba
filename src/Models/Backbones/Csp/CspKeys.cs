using Tessera.Framework.Models;

namespace Tessera.Models.Backbones.Csp;

/// <summary>What other projects call the parameters of networks with cross stage partial layers.</summary>
internal static class CspKeys
{
    private static readonly KeyMap _mmlab = new KeyTable("head.fc", "backbone.").ToKeyMap();

    /// <summary>MMDetection's names, and Megvii's, which has four stages.</summary>
    public static IReadOnlyDictionary<string, KeyMap> OfDarknet { get; } =
        new Dictionary<string, KeyMap> { ["mmlab"] = _mmlab, ["yolox"] = MegviiKeys.OfBackbone };

    /// <summary>MMDetection's and MMPretrain's names.</summary>
    public static IReadOnlyDictionary<string, KeyMap> Common { get; } = new Dictionary<string, KeyMap> { ["mmlab"] = _mmlab };
}
