using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.Heads.Segmentation;

/// <param name="Channels">Channels of the pixels' features.</param>
/// <param name="OcrChannels">Channels in which pixels and object regions are compared.</param>
/// <param name="Scale">Factor on the first guess's logits before they become regions.</param>
public sealed record OcrHeadOptions(
    [property: Range(1, 65536)] int Channels = 512,
    [property: Range(1, 65536)] int OcrChannels = 256,
    [property: Range(0.001, 1000)] double Scale = 1
) : SegmentationHeadOptions;

/// <summary>
/// Object-contextual representations: another head's first guess marks a soft region for each class; what the regions
/// contain comes back to each pixel by attention.
/// </summary>
/// <remarks>Yuan et al., "Object-Contextual Representations for Semantic Segmentation", 2019, arXiv:1909.11065.</remarks>
[Component("OcrHead")]
public sealed class OcrHead : SegmentationHead
{
    private readonly ConvNorm bottleneck;
    private readonly ObjectAttention object_context_block;
    private readonly Conv2d conv_seg;
    private readonly double _scale;

    public OcrHead(
        OcrHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        Loss? loss = null,
        IReadOnlyDictionary<string, Loss>? losses = null
    )
        : base(nameof(OcrHead), options, source, data, loss, losses)
    {
        bottleneck = new ConvNorm(InChannels, options.Channels, 3);
        object_context_block = new ObjectAttention(options.Channels, options.OcrChannels);
        conv_seg = Classifier(options.Channels);
        _scale = options.Scale;
        RegisterComponents();
        Weights.Convolutional(this, except: conv_seg);
    }

    public override bool WantsPrior => true;

    /// <param name="maps">The backbone's or neck's, and after them the first guess, logits [B, classes, h', w'].</param>
    /// <returns>Logits, [B, classes, h, w], in the size of the chosen map.</returns>
    public override Tensor forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var pixels = bottleneck.call(Input(maps[..^1]));
        var regions = Regions(pixels, Upsampling.To(maps[^1].to(ScalarType.Float32), pixels.shape.AsSpan(2), AlignCorners));
        return scope.MoveToOuter(conv_seg.call(Drop(object_context_block.call(pixels, regions))));
    }

    /// <summary>The mean of the pixels' features over each class's region.</summary>
    /// <param name="pixels">[B, C, h, w].</param>
    /// <param name="guess">[B, classes, h, w].</param>
    /// <returns>[B, C, classes, 1].</returns>
    private Tensor Regions(Tensor pixels, Tensor guess)
    {
        var share = (guess.flatten(2) * _scale).softmax(2); // of each pixel in its class's region, [B, classes, h · w]
        return matmul(share.to(pixels.dtype), pixels.flatten(2).transpose(1, 2)).transpose(1, 2).unsqueeze(3);
    }
}
