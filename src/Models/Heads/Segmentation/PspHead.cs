using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.Heads.Segmentation;

/// <param name="Channels">Channels of every branch and of what joins them.</param>
/// <param name="PoolScales">Side of each branch's pooled map.</param>
public sealed record PspHeadOptions([property: Range(1, 65536)] int Channels = 512, [property: MinLength(1)] int[]? PoolScales = null)
    : SegmentationHeadOptions;

/// <summary>The map and its means over coarse grids, joined. Grids of 1, 2, 3 and 6 cells a side by default.</summary>
/// <remarks>Zhao et al., "Pyramid Scene Parsing Network", 2016, arXiv:1612.01105.</remarks>
[Component("PspHead")]
public sealed class PspHead : SegmentationHead
{
    private readonly ModuleList<Sequential> psp_modules;
    private readonly ConvNorm bottleneck;
    private readonly Conv2d conv_seg;

    public PspHead(
        PspHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        Loss? loss = null,
        IReadOnlyDictionary<string, Loss>? losses = null
    )
        : base(nameof(PspHead), options, source, data, loss, losses)
    {
        psp_modules = PoolingPyramid.Of(nameof(PspHead), options.PoolScales, InChannels, options.Channels);
        bottleneck = new ConvNorm(PoolingPyramid.Width(psp_modules, InChannels, options.Channels), options.Channels, 3);
        conv_seg = Classifier(options.Channels);
        RegisterComponents();
        Weights.Convolutional(this, except: conv_seg);
    }

    /// <param name="maps">The backbone's or neck's.</param>
    /// <returns>Logits, [B, classes, h, w], in the size of the chosen map.</returns>
    public override Tensor forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var joined = PoolingPyramid.Join(psp_modules, Input(maps), AlignCorners);
        return scope.MoveToOuter(conv_seg.call(Drop(bottleneck.call(joined))));
    }
}
