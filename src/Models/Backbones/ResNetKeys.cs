using Tessera.Framework.Models;

namespace Tessera.Models.Backbones;

/// <summary>What other projects call the parameters of a <see cref="ResidualBackbone"/>.</summary>
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

    private static readonly KeyMap _rtdetr = RtDetr();
    private static readonly KeyMap _transformers = Transformers(rtdetr: false);
    private static readonly KeyMap _transformersRtDetr = Transformers(rtdetr: true);

    public static IReadOnlyDictionary<string, KeyMap> Of(ResNetOptions options)
    {
        var maps = new Dictionary<string, KeyMap>
        {
            ["torchvision"] = _native,
            ["timm"] = _native,
            ["mmlab"] = options.Stem == ResNetStem.Deep ? _mmlabDeep : _mmlab,
        };
        if (options is { Stem: ResNetStem.Deep, AvgDown: true })
            maps["rtdetr"] = _rtdetr;
        // RT-DETR's has a deep stem and pools before its shortcuts; the plain one does neither.
        if (options.Stem == ResNetStem.Deep == options.AvgDown)
            maps["transformers"] = options.AvgDown ? _transformersRtDetr : _transformers;
        return maps;
    }

    /// <param name="rtdetr">Whether it is RT-DETR's, variant d, or the plain one.</param>
    private static KeyMap Transformers(bool rtdetr)
    {
        var table = new KeyTable("classifier.1", "resnet.");
        if (rtdetr)
            foreach (
                var (i, (convolution, norm)) in new[] { ("conv1.0.", "conv1.1."), ("conv1.3.", "conv1.4."), ("conv1.6.", "bn1.") }.Index()
            )
                Layer($"embedder.embedder.{i}.", convolution, norm);
        else
            Layer("embedder.embedder.", "conv1.", "bn1.");
        for (var stage = 0; stage < 4; stage++)
        {
            var (theirs, own) = ($"encoder.stages.{stage}.layers.*.", $"layer{stage + 1}.*.");
            for (var i = 0; i < 3; i++)
                Layer($"{theirs}layer.{i}.", $"{own}conv{i + 1}.", $"{own}bn{i + 1}.");
            var (pooled, first) = (rtdetr && stage > 0 ? "1." : "", rtdetr ? 1 : 0); // behind a pool
            Layer($"{theirs}shortcut.{pooled}", $"{own}downsample.{first}.", $"{own}downsample.{first + 1}.");
        }
        return table.ToKeyMap();

        void Layer(string theirs, string convolution, string norm) =>
            table.Pair(theirs + "convolution.", convolution).Pair(theirs + "normalization.", norm);
    }

    /// <summary>lyuwenyu/RT-DETR's "PResNet" of variant d, and PaddlePaddle's weights in its names.</summary>
    private static KeyMap RtDetr()
    {
        var table = new KeyTable("fc")
            .Pair("conv1.conv1_1.conv.", "conv1.0.")
            .Pair("conv1.conv1_1.norm.", "conv1.1.")
            .Pair("conv1.conv1_2.conv.", "conv1.3.")
            .Pair("conv1.conv1_2.norm.", "conv1.4.")
            .Pair("conv1.conv1_3.conv.", "conv1.6.")
            .Pair("conv1.conv1_3.norm.", "bn1.");
        for (var stage = 0; stage < 4; stage++)
        {
            var (theirs, own) = ($"res_layers.{stage}.blocks.*.", $"layer{stage + 1}.*.");
            foreach (var (i, branch) in "abc".Index())
                table
                    .Pair($"{theirs}branch2{branch}.conv.", $"{own}conv{i + 1}.")
                    .Pair($"{theirs}branch2{branch}.norm.", $"{own}bn{i + 1}.");
            var shrinks = stage == 0 ? "short." : "short.conv."; // behind a pool
            table.Pair($"{theirs}{shrinks}conv.", $"{own}downsample.1.").Pair($"{theirs}{shrinks}norm.", $"{own}downsample.2.");
        }
        return table.ToKeyMap();
    }
}
