using Tessera.Framework.Models;

namespace Tessera.Models.Backbones.DenseNets;

/// <summary>What other projects call the parameters of a <see cref="DenseNet"/>.</summary>
internal static class DenseNetKeys
{
    private static readonly string[] _layer = ["norm1", "conv1", "norm2", "conv2"];

    /// <param name="layers">Of each stage.</param>
    public static IReadOnlyDictionary<string, KeyMap> Of(int[] layers)
    {
        var plain = new ModuleNames()
            .Pair("features.conv0", "stem.conv0")
            .Pair("features.norm0", "stem.norm0")
            .Pair("features.norm5", $"stage{layers.Length}.norm5");
        var mmlab = new ModuleNames().Pair("stem.0", "stem.conv0").Pair("stem.1", "stem.norm0");
        mmlab.Pair($"transitions.{layers.Length - 1}.0", $"stage{layers.Length}.norm5");
        for (var i = 0; i < layers.Length; i++)
        {
            if (i > 0)
                foreach (var name in new[] { "norm", "conv" })
                {
                    plain.Pair($"features.transition{i}.{name}", $"stage{i + 1}.{name}");
                    mmlab.Pair($"transitions.{i - 1}.{name}", $"stage{i + 1}.{name}");
                }
            for (var j = 0; j < layers[i]; j++)
                foreach (var name in _layer)
                {
                    var (own, theirs) = ($"stage{i + 1}.block.{j}.{name}", $"features.denseblock{i + 1}.denselayer{j + 1}.");
                    plain.Pair(theirs + name, own).Older($"{theirs}{name[..^1]}.{name[^1]}", own); // torchvision's files: norm.1
                    mmlab.Pair($"stages.{i}.block.{j}.{name}", own);
                }
        }
        var map = plain.ToKeyMap("classifier");
        return new Dictionary<string, KeyMap>
        {
            ["torchvision"] = map,
            ["timm"] = map,
            ["mmlab"] = mmlab.ToKeyMap("head.fc", "backbone."),
        };
    }
}
