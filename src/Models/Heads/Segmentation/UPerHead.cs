using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Heads.Segmentation;

/// <param name="Channels">Channels of every map inside, and before the classifier.</param>
/// <param name="PoolScales">Side of each pooled map over the last of the maps; 1, 2, 3 and 6 by default.</param>
public sealed record UPerHeadOptions([property: Range(1, 65536)] int Channels = 512, [property: MinLength(1)] int[]? PoolScales = null)
    : SegmentationHeadOptions;

/// <summary>UPerNet: PSPNet's pooled maps over the coarsest map, a feature pyramid below it, and all levels joined.</summary>
/// <remarks>Xiao et al., "Unified Perceptual Parsing for Scene Understanding", 2018, arXiv:1807.10221.</remarks>
[Component("UPerHead")]
public sealed class UPerHead : PyramidHead
{
    private readonly ModuleList<Sequential> psp_modules;
    private readonly ConvNorm bottleneck;

    // Of the maps but the last, finest first.
    private readonly ModuleList<ConvNorm> lateral_convs = new();
    private readonly ModuleList<ConvNorm> fpn_convs = new();
    private readonly ConvNorm fpn_bottleneck;
    private readonly Conv2d conv_seg;

    public UPerHead(
        UPerHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        Loss? loss = null,
        IReadOnlyDictionary<string, Loss>? losses = null
    )
        : base(nameof(UPerHead), options, source, data, loss, losses)
    {
        var channels = options.Channels;
        psp_modules = PoolingPyramid.Of(nameof(UPerHead), options.PoolScales, Widths[^1], channels);
        bottleneck = new ConvNorm(PoolingPyramid.Width(psp_modules, Widths[^1], channels), channels, 3);
        foreach (var width in Widths.SkipLast(1))
        {
            lateral_convs.Add(new ConvNorm(width, channels, 1));
            fpn_convs.Add(new ConvNorm(channels, channels, 3));
        }
        fpn_bottleneck = new ConvNorm(Widths.Count * channels, channels, 3);
        conv_seg = Classifier(channels);
        RegisterComponents();
        Weights.Convolutional(this, except: conv_seg);
    }

    /// <param name="maps">The backbone's or neck's.</param>
    /// <returns>Logits, [B, classes, h, w], in the size of the first of the maps that are taken.</returns>
    public override Tensor forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var levels = Each(maps);
        var last = levels.Length - 1;
        levels[last] = bottleneck.call(PoolingPyramid.Join(psp_modules, levels[last], AlignCorners));
        for (var i = last - 1; i >= 0; i--)
            levels[i] = lateral_convs[i].call(levels[i]) + Like(levels[i + 1], levels[i]);
        for (var i = 0; i < last; i++)
            levels[i] = fpn_convs[i].call(levels[i]);
        var joined = cat([.. levels.Select(level => Like(level, levels[0]))], 1);
        return scope.MoveToOuter(conv_seg.call(Drop(fpn_bottleneck.call(joined))));
    }
}
