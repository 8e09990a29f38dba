using Tessera.Framework.Models;

namespace Tessera.Models.Backbones.Csp;

/// <summary>What other projects call the parameters of networks with cross stage partial layers.</summary>
internal static class CspKeys
{
    /// <summary>Before the backbone's names in Megvii's checkpoints: the neck has the backbone in it, and is itself called the backbone.</summary>
    public const string Megvii = "backbone.backbone.";

    private const int Stages = 5; // of P6

    private static readonly KeyMap _mmlab = new KeyTable("head.fc", "backbone.").ToKeyMap();

    /// <summary>MMDetection's names, and Megvii's.</summary>
    public static IReadOnlyDictionary<string, KeyMap> OfDarknet { get; } =
        new Dictionary<string, KeyMap> { ["mmlab"] = _mmlab, ["yolox"] = Darknet().ToKeyMap() };

    /// <summary>MMDetection's and MMPretrain's names.</summary>
    public static IReadOnlyDictionary<string, KeyMap> OfNext { get; } = new Dictionary<string, KeyMap> { ["mmlab"] = _mmlab };

    /// <summary>Pairs of a convolution that may be separable, Megvii's names and MMDetection's.</summary>
    public static IEnumerable<(string Foreign, string Own)> Convolution(string foreign, string own) =>
        [
            ($"{foreign}.dconv.", $"{own}.depthwise_conv."),
            ($"{foreign}.pconv.", $"{own}.pointwise_conv."),
            ($"{foreign}.", $"{own}."),
        ];

    /// <summary>Pairs of a <see cref="CspLayer"/>, Megvii's names and MMDetection's.</summary>
    public static IEnumerable<(string Foreign, string Own)> Layer(string foreign, string own) =>
        [
            ($"{foreign}.conv1.", $"{own}.main_conv."),
            ($"{foreign}.conv2.", $"{own}.short_conv."),
            ($"{foreign}.conv3.", $"{own}.final_conv."),
            ($"{foreign}.m.*.conv2.dconv.", $"{own}.blocks.*.conv2.depthwise_conv."),
            ($"{foreign}.m.*.conv2.pconv.", $"{own}.blocks.*.conv2.pointwise_conv."),
            ($"{foreign}.m.*.", $"{own}.blocks.*."),
        ];

    /// <summary>Pairs of the whole network, Megvii's names and MMDetection's.</summary>
    public static IEnumerable<(string Foreign, string Own)> DarknetPairs()
    {
        for (var stage = 1; stage <= Stages; stage++)
        {
            var (foreign, own) = ($"dark{stage + 1}", $"stage{stage}");
            // The last stage has its pooling second, whose two convolutions have the same names in both.
            var layer = stage == Stages - 1 ? 2 : 1;
            foreach (var pair in Convolution($"{foreign}.0", $"{own}.0").Concat(Layer($"{foreign}.{layer}", $"{own}.{layer}")))
                yield return pair;
            yield return ($"{foreign}.", $"{own}.");
        }
    }

    private static KeyTable Darknet()
    {
        var table = new KeyTable(null, Megvii);
        foreach (var (foreign, own) in DarknetPairs())
            table.Pair(foreign, own);
        return table;
    }
}
