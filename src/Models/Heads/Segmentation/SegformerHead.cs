using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Heads.Segmentation;

/// <param name="Channels">Channels that every map is brought to, and before the classifier.</param>
/// <param name="Plain">Each map goes through a linear layer alone, as in the authors' code and weights; otherwise a batch norm and a ReLU
/// follow, as in MMSegmentation's.</param>
public sealed record SegformerHeadOptions([property: Range(1, 65536)] int Channels = 256, bool Plain = false) : SegmentationHeadOptions;

/// <summary>SegFormer: all maps through 1x1 convolutions to one width and to the size of the first, joined and mixed by another.</summary>
/// <remarks>Xie et al., "SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers", 2021,
/// arXiv:2105.15203.</remarks>
[Component("SegformerHead")]
public sealed class SegformerHead : PyramidHead
{
    private readonly ModuleList<Module<Tensor, Tensor>> convs = new();
    private readonly ConvNorm fusion_conv;
    private readonly Conv2d conv_seg;
    private readonly bool _plain;

    public SegformerHead(
        SegformerHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        Loss? loss = null,
        IReadOnlyDictionary<string, Loss>? losses = null
    )
        : base(nameof(SegformerHead), options, source, data, loss, losses)
    {
        _plain = options.Plain;
        foreach (var width in Widths)
            convs.Add(_plain ? new LevelConv(width, options.Channels, 1) : new ConvNorm(width, options.Channels, 1));
        fusion_conv = new ConvNorm(Widths.Count * options.Channels, options.Channels, 1);
        conv_seg = Classifier(options.Channels);
        RegisterComponents();
        Weights.Convolutional(this, except: conv_seg);
    }

    public override KeyMap? KeysOf(string project)
    {
        if (project is not ("nvlabs" or "transformers"))
            return base.KeysOf(project);
        if (!_plain)
            return null;
        var map = (project == "nvlabs" ? Nvlabs(convs.Count) : Transformers()).ToKeyMap();
        return map with
        {
            // The authors' class has the usual classifier besides its own, and never calls it.
            Rename = key => key.StartsWith("conv_seg.", StringComparison.Ordinal) ? null : map.Rename(key),
            Computed = key => key.StartsWith("conv_seg.", StringComparison.Ordinal),
            Reshape = (key, stored) => IsLinear(key) && stored.dim() == 2 ? stored.unsqueeze(2).unsqueeze(3) : stored,
            PublishAs = key => IsLinear(key) ? PublishedForms.Linear : null,
        };

        static bool IsLinear(string key) =>
            key.StartsWith("convs.", StringComparison.Ordinal) && key.EndsWith(".conv.weight", StringComparison.Ordinal);
    }

    private static KeyTable Nvlabs(int levels)
    {
        var table = new KeyTable(null).Pair("linear_fuse.", "fusion_conv.").Pair("linear_pred.", "conv_seg.");
        foreach (var i in Enumerable.Range(0, levels))
            table.Pair($"linear_c{i + 1}.proj.", $"convs.{i}.conv.");
        return table;
    }

    private static KeyTable Transformers() =>
        new KeyTable(null)
            .Pair("linear_c.*.proj.", "convs.*.conv.")
            .Pair("linear_fuse.", "fusion_conv.conv.")
            .Pair("batch_norm.", "fusion_conv.bn.")
            .Pair("classifier.", "conv_seg.");

    /// <param name="maps">The backbone's or neck's.</param>
    /// <returns>Logits, [B, classes, h, w], in the size of the first of the maps that are taken.</returns>
    public override Tensor forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var levels = Each(maps);
        var joined = levels.Select((level, i) => Like(convs[i].call(level), levels[0]));
        // MMSegmentation's weights have the finest map first, the authors' last.
        var fused = fusion_conv.call(cat([.. _plain ? joined.Reverse() : joined], 1));
        return scope.MoveToOuter(conv_seg.call(Drop(fused)));
    }
}
