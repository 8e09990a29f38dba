using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.Heads.Segmentation;

public sealed record AsppHeadOptions : AtrousPyramidOptions;

/// <summary>DeepLabV3: dilated convolutions of several reaches side by side, and the mean of the whole map.</summary>
/// <remarks>Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017, arXiv:1706.05587.</remarks>
[Component("AsppHead")]
public sealed class AsppHead : AtrousPyramid
{
    private readonly Conv2d conv_seg;

    public AsppHead(AsppHeadOptions options, IFeatureSource source, DataInfo data, Loss? loss = null, IReadOnlyDictionary<string, Loss>? losses = null)
        : base(nameof(AsppHead), options, separable: false, source, data, loss, losses)
    {
        conv_seg = Classifier(options.Channels);
        RegisterComponents();
        Weights.Convolutional(this, except: conv_seg);
    }

    /// <param name="maps">The backbone's or neck's.</param>
    /// <returns>Logits, [B, classes, h, w], in the size of the chosen map.</returns>
    public override Tensor forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(conv_seg.call(Drop(Pyramid(maps))));
    }
}
