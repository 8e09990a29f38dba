using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
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

    public AsppHead(
        AsppHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        Loss? loss = null,
        IReadOnlyDictionary<string, Loss>? losses = null
    )
        : base(nameof(AsppHead), options, separable: false, source, data, loss, losses)
    {
        conv_seg = Classifier(options.Channels);
        RegisterComponents();
        Weights.Convolutional(this, except: conv_seg);
    }

    public override KeyMap? KeysOf(string project)
    {
        if (project != "torchvision")
            return base.KeysOf(project);
        if (!HasProject)
            return null;
        return new KeyTable(null)
            .Pair($"0.convs.{Branches}.1.", "image_pool.1.conv.")
            .Pair($"0.convs.{Branches}.2.", "image_pool.1.bn.")
            .Pair("0.convs.*.0.", "aspp_modules.*.conv.")
            .Pair("0.convs.*.1.", "aspp_modules.*.bn.")
            .Pair("0.project.0.", "project.conv.")
            .Pair("0.project.1.", "project.bn.")
            .Pair("1.", "bottleneck.conv.")
            .Pair("2.", "bottleneck.bn.")
            .Pair("4.", "conv_seg.")
            .ToKeyMap();
    }

    /// <param name="maps">The backbone's or neck's.</param>
    /// <returns>Logits, [B, classes, h, w], in the size of the chosen map.</returns>
    public override Tensor forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(conv_seg.call(Drop(Pyramid(maps))));
    }
}
