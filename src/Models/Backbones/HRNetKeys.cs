using Tessera.Framework.Models;

namespace Tessera.Models.Backbones;

/// <summary>What other projects call the parameters of an <see cref="HRNet"/>.</summary>
internal static class HRNetKeys
{
    public static IReadOnlyDictionary<string, KeyMap> Maps { get; } =
        new Dictionary<string, KeyMap>
        {
            ["timm"] = new KeyTable("classifier").ToKeyMap(), // and the authors', and openseg's
            ["mmlab"] = new KeyTable("head.fc", "backbone.")
                .Pair("neck.increase_layers.*.", "incre_modules.*.")
                .Pair("neck.downsample_layers.*.conv.", "downsamp_modules.*.0.")
                .Pair("neck.downsample_layers.*.bn.", "downsamp_modules.*.1.")
                .Pair("neck.final_layer.conv.", "final_layer.0.")
                .Pair("neck.final_layer.bn.", "final_layer.1.")
                .ToKeyMap()
                .WithoutBiases(
                    ("final_layer.0", "final_layer.1"),
                    ("downsamp_modules.0.0", "downsamp_modules.0.1"),
                    ("downsamp_modules.1.0", "downsamp_modules.1.1"),
                    ("downsamp_modules.2.0", "downsamp_modules.2.1")
                ),
        };

    /// <summary>How the branches of a segmentor are enlarged, whose tensors these are: MMSegmentation's, or the authors'. Null: it is no
    /// segmentor of theirs.</summary>
    public static string? UpsampleOf(IReadOnlyCollection<string> tensors) =>
        Has(tensors, "decode_head.") ? "\"upsample\": \"bilinear\", \"align_corners\": false"
        : Has(tensors, "last_layer.") ? "\"upsample\": \"bilinear\", \"align_corners\": true"
        : null;

    private static bool Has(IReadOnlyCollection<string> tensors, string part) =>
        tensors.Any(name => name.StartsWith(part, StringComparison.Ordinal) || name.Contains("." + part, StringComparison.Ordinal));
}
