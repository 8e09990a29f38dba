using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Heads.Segmentation;

/// <param name="Channels">Channels before the classifier; as many as the maps have together by default.</param>
/// <param name="KernelSize">Of the convolution before the classifier.</param>
public sealed record ConcatHeadOptions([property: Range(1, 65536)] int? Channels = null, [property: AllowedValues(1, 3)] int KernelSize = 1)
    : SegmentationHeadOptions;

/// <summary>HRNet's head: all maps in the size of the first, joined; a convolution with batch norm and ReLU, and the classifier.</summary>
/// <remarks>Sun et al., "High-Resolution Representations for Labeling Pixels and Regions", 2019, arXiv:1904.04514. Parameter names are the
/// authors'.</remarks>
[Component("ConcatHead")]
public sealed class ConcatHead : SegmentationHead
{
    private readonly Sequential last_layer; // 0: convolution, 1: norm, 2: ReLU, 3: classifier

    public ConcatHead(
        ConcatHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        Loss? loss = null,
        IReadOnlyDictionary<string, Loss>? losses = null
    )
        : base(nameof(ConcatHead), options, source, data, loss, losses, [.. Enumerable.Range(0, source.OutChannels.Count)])
    {
        var channels = options.Channels ?? InChannels;
        var classifier = Classifier(channels);
        last_layer = Sequential(
            Conv2d(InChannels, channels, options.KernelSize, padding: options.KernelSize / 2),
            BatchNorm2d(channels),
            ReLU(true),
            classifier
        );
        RegisterComponents();
        Weights.Convolutional(this, except: classifier);
    }

    public override string ClassifierKey => "last_layer.3";

    public override KeyMap? KeysOf(string project) =>
        project switch
        {
            "mmlab" => new KeyTable(null)
                .Pair("convs.0.conv.", "last_layer.0.")
                .Pair("convs.0.bn.", "last_layer.1.")
                .Pair("conv_seg.", "last_layer.3.")
                .ToKeyMap()
                .WithoutBiases(("last_layer.0", "last_layer.1")),
            "timm" => new KeyMap(key => key.StartsWith("last_layer.", StringComparison.Ordinal) ? key : null) { Publish = key => key },
            _ => null,
        };

    /// <param name="maps">The backbone's or neck's.</param>
    /// <returns>Logits, [B, classes, h, w], in the size of the first of the maps.</returns>
    public override Tensor forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var x = Input(maps);
        for (var i = 0; i < last_layer.Count; i++)
            x = last_layer[i].call(i == last_layer.Count - 1 ? Drop(x) : x);
        return scope.MoveToOuter(x);
    }
}
