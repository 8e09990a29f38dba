using Tessera.Framework.Models;
using Tessera.Models.Backbones.Csp;
using Tessera.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Necks;

/// <summary>A pyramid down and up again, whose maps are joined by cross stage partial layers.</summary>
/// <remarks>
/// Liu et al., "Path Aggregation Network for Instance Segmentation", 2018, arXiv:1803.01534. Parameters are named as in MMDetection.
/// </remarks>
public abstract class CspPafpn : Neck
{
    // The coarsest map's first, in both.
    private readonly ModuleList<SiluConv> reduce_layers = new();
    private readonly ModuleList<CspLayer> top_down_blocks = new();

    // The finest map's first, in the others.
    private readonly ModuleList<Module<Tensor, Tensor>> downsamples = new();
    private readonly ModuleList<CspLayer> bottom_up_blocks = new();
    private readonly ModuleList<Module<Tensor, Tensor>> out_convs = new();

    /// <param name="outKernel">Of the convolutions at the end.</param>
    private protected CspPafpn(string name, IFeatureSource source, int outChannels, int blocks, CspStyle style, int outKernel)
        : base(name)
    {
        Require(name, source.OutStrides);
        var channels = source.OutChannels;
        for (var i = channels.Count - 1; i > 0; i--)
        {
            reduce_layers.Add(new SiluConv(channels[i], channels[i - 1], 1, style.Norm));
            top_down_blocks.Add(new CspLayer(2 * channels[i - 1], channels[i - 1], blocks, shortcuts: false, style));
        }
        for (var i = 0; i < channels.Count - 1; i++)
        {
            downsamples.Add(SiluConv.Of(style.Depthwise, channels[i], channels[i], 3, style.Norm, stride: 2));
            bottom_up_blocks.Add(new CspLayer(2 * channels[i], channels[i + 1], blocks, shortcuts: false, style));
        }
        foreach (var width in channels)
            out_convs.Add(SiluConv.Of(style.Depthwise && outKernel > 1, width, outChannels, outKernel, style.Norm));
        RegisterComponents();
        OutChannels = [.. channels.Select(_ => outChannels)];
        OutStrides = source.OutStrides;
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    /// <param name="maps">The backbone's.</param>
    /// <returns>As many maps, [B, OutChannels, H, W] each.</returns>
    public override Tensor[] forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var inner = new Tensor[maps.Length];
        inner[^1] = maps[^1];
        for (var i = maps.Length - 1; i > 0; i--)
        {
            var step = maps.Length - 1 - i;
            inner[i] = reduce_layers[step].call(inner[i]);
            var size = maps[i - 1].shape;
            var enlarged = functional.interpolate(inner[i], size: [size[2], size[3]], mode: InterpolationMode.Nearest);
            inner[i - 1] = top_down_blocks[step].call(cat([enlarged, maps[i - 1]], 1));
        }
        var outs = new Tensor[maps.Length];
        outs[0] = inner[0];
        for (var i = 1; i < maps.Length; i++)
            outs[i] = bottom_up_blocks[i - 1].call(cat([downsamples[i - 1].call(outs[i - 1]), inner[i]], 1));
        for (var i = 0; i < maps.Length; i++)
            outs[i] = out_convs[i].call(outs[i]);
        scope.MoveToOuter(outs);
        return outs;
    }

    private static void Require(string name, IReadOnlyList<int> strides)
    {
        if (strides.Count < 2 || strides[0] <= 0 || strides.Zip(strides.Skip(1)).Any(pair => pair.Second != 2 * pair.First))
            throw new UserErrorException(
                $"{name} joins two maps or more, each half as large as the one before; the backbone gives strides "
                    + $"[{string.Join(", ", strides)}]. Its option \"out_indices\" chooses others."
            );
    }
}

/// <param name="OutChannels">Channels of every map.</param>
/// <param name="NumCspBlocks">Blocks of each layer that joins maps.</param>
/// <param name="UseDepthwise">Convolutions larger than 1x1 are separable, as in YOLOX-Nano.</param>
/// <param name="NormEps">What batch norms add to variances.</param>
/// <param name="NormMomentum">The share of a batch in batch norms' running statistics.</param>
public sealed record YoloxPafpnOptions(
    [property: Range(1, 65536)] int OutChannels = 256,
    [property: Range(1, 64)] int NumCspBlocks = 3,
    bool UseDepthwise = false,
    [property: Range(1e-12, 1)] double NormEps = 1e-3,
    [property: Range(0, 1)] double NormMomentum = 0.03
);

/// <summary>YOLOX's path aggregation: maps joined by Darknet's blocks, then 1x1 convolutions to one width.</summary>
/// <remarks>
/// Ge et al., "YOLOX", 2021, arXiv:2107.08430. The blocks are three times the backbone's deepen_factor, out_channels 256 times its
/// widen_factor. Megvii's code has the 1x1 convolutions in its head, as "stems".
/// </remarks>
/// <param name="source">The backbone.</param>
[Component("YoloxPafpn")]
public sealed class YoloxPafpn(YoloxPafpnOptions options, IFeatureSource source)
    : CspPafpn(
        nameof(YoloxPafpn),
        source,
        options.OutChannels,
        options.NumCspBlocks,
        new CspStyle(new NormSettings(options.NormEps, options.NormMomentum), options.UseDepthwise),
        outKernel: 1
    )
{
    /// <summary>Its parts in Megvii's whole model, and in a detector here.</summary>
    internal static IReadOnlyList<MegviiPart> MegviiParts =>
        [
            new("backbone.lateral_conv0.", "neck.reduce_layers.0."),
            new("backbone.reduce_conv1.", "neck.reduce_layers.1."),
            new("backbone.C3_p4.", "neck.top_down_blocks.0.", IsLayer: true),
            new("backbone.C3_p3.", "neck.top_down_blocks.1.", IsLayer: true),
            new("backbone.bu_conv2.", "neck.downsamples.0."),
            new("backbone.bu_conv1.", "neck.downsamples.1."),
            new("backbone.C3_n3.", "neck.bottom_up_blocks.0.", IsLayer: true),
            new("backbone.C3_n4.", "neck.bottom_up_blocks.1.", IsLayer: true),
            new("head.stems.", "neck.out_convs."),
        ];
}

/// <param name="OutChannels">Channels of every map.</param>
/// <param name="NumCspBlocks">Blocks of each layer that joins maps.</param>
/// <param name="UseDepthwise">All convolutions larger than 1x1 are separable, not the 5x5 alone.</param>
/// <param name="ExpandRatio">Width inside a layer, over that which comes out.</param>
/// <param name="NormEps">What batch norms add to variances. RTMDet's published weights have 1e-5.</param>
/// <param name="NormMomentum">The share of a batch in batch norms' running statistics.</param>
public sealed record CspNextPafpnOptions(
    [property: Range(1, 65536)] int OutChannels = 256,
    [property: Range(1, 64)] int NumCspBlocks = 3,
    bool UseDepthwise = false,
    [property: Range(0.01, 4)] double ExpandRatio = 0.5,
    [property: Range(1e-12, 1)] double NormEps = 1e-5,
    [property: Range(0, 1)] double NormMomentum = 0.1
);

/// <summary>RTMDet's path aggregation: maps joined by blocks with 5x5 convolutions, then 3x3 convolutions to one width.</summary>
/// <remarks>
/// Lyu et al., "RTMDet", 2022, arXiv:2212.07784. The blocks are three times the backbone's deepen_factor, out_channels 256 times its
/// widen_factor.
/// </remarks>
/// <param name="source">The backbone.</param>
[Component("CspNextPafpn")]
public sealed class CspNextPafpn(CspNextPafpnOptions options, IFeatureSource source)
    : CspPafpn(
        nameof(CspNextPafpn),
        source,
        options.OutChannels,
        options.NumCspBlocks,
        new CspStyle(new NormSettings(options.NormEps, options.NormMomentum), options.UseDepthwise, LargeKernel: true, options.ExpandRatio),
        outKernel: 3
    );
