using Tessera.Framework.Models;

namespace Tessera.Models.Backbones;

/// <summary>What other projects call the parameters of a <see cref="ResNet"/>.</summary>
internal static class ResNetKeys
{
    private static readonly KeyMap _native = new KeyTable("fc").ToKeyMap();
    private static readonly KeyMap _mmlab = new KeyTable("head.fc", "backbone.").ToKeyMap();
    private static readonly KeyMap _mmlabDeep = new KeyTable("head.fc", "backbone.")
        .Older("stem.0.conv.", "conv1.0.") // MMPretrain's; below, MMSegmentation's and MMDetection's
        .Older("stem.0.bn.", "conv1.1.")
        .Older("stem.1.conv.", "conv1.3.")
        .Older("stem.1.bn.", "conv1.4.")
        .Older("stem.2.conv.", "conv1.6.")
        .Older("stem.2.bn.", "bn1.")
        .Pair("stem.7.", "bn1.")
        .Pair("stem.*.", "conv1.*.")
        .ToKeyMap();

    public static IReadOnlyDictionary<string, KeyMap> Of(ResNetStem stem) =>
        new Dictionary<string, KeyMap>
        {
            ["torchvision"] = _native,
            ["timm"] = _native,
            ["mmlab"] = stem == ResNetStem.Deep ? _mmlabDeep : _mmlab,
        };
}
