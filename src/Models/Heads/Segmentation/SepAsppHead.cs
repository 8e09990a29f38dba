using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Heads.Segmentation;

/// <param name="C1Index">The map of fine detail that is joined in, from 0; the first by default.</param>
/// <param name="C1InChannels">Its channels, to be checked; by default whatever it has.</param>
/// <param name="C1Channels">Channels that it is reduced to.</param>
public sealed record SepAsppHeadOptions(
    int C1Index = 0,
    [property: Range(1, 65536)] int? C1InChannels = null,
    [property: Range(1, 65536)] int C1Channels = 48
) : AtrousPyramidOptions;

/// <summary>DeepLabV3+: a separable pyramid whose result is enlarged and refined with an early map.</summary>
/// <remarks>Chen et al., "Encoder-Decoder with Atrous Separable Convolution for Semantic Image Segmentation", 2018,
/// arXiv:1802.02611.</remarks>
[Component("SepAsppHead")]
public sealed class SepAsppHead : AtrousPyramid
{
    private readonly ConvNorm c1_bottleneck;
    private readonly Sequential sep_bottleneck;
    private readonly Conv2d conv_seg;
    private readonly MapSelection _fine;

    public SepAsppHead(
        SepAsppHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        Loss? loss = null,
        IReadOnlyDictionary<string, Loss>? losses = null
    )
        : base(nameof(SepAsppHead), options, separable: true, source, data, loss, losses)
    {
        _fine = new MapSelection(
            [options.C1Index],
            options.C1InChannels is { } given ? new OneOrMany<int>([given]) : null,
            source,
            "SepAsppHead (c1)"
        );
        c1_bottleneck = new ConvNorm(_fine.Channels, options.C1Channels, 1);
        sep_bottleneck = Sequential(
            new SeparableConv(options.Channels + options.C1Channels, options.Channels, 3),
            new SeparableConv(options.Channels, options.Channels, 3)
        );
        conv_seg = Classifier(options.Channels);
        RegisterComponents();
        Weights.Convolutional(this, except: conv_seg);
    }

    /// <param name="maps">The backbone's or neck's.</param>
    /// <returns>Logits, [B, classes, h, w], in the size of the early map.</returns>
    public override Tensor forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var fine = c1_bottleneck.call(_fine.Join(maps, AlignCorners));
        var x = Upsampling.To(Pyramid(maps), fine.shape.AsSpan(2), AlignCorners);
        return scope.MoveToOuter(conv_seg.call(Drop(sep_bottleneck.call(cat([x, fine], 1)))));
    }
}
