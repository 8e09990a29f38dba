using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Heads.Segmentation;

/// <param name="Channels">Channels of the convolutions; a quarter of the input's by default.</param>
/// <param name="NumConvs">Convolutions, each with batch norm and ReLU, before the classifier.</param>
/// <param name="KernelSize">Of those convolutions.</param>
/// <param name="Dilation">Of those convolutions.</param>
/// <param name="ConcatInput">Join the input to the convolutions' result, by one more convolution.</param>
public sealed record FcnHeadOptions(
    [property: Range(1, 65536)] int? Channels = null,
    [property: Range(0, 16)] int NumConvs = 2,
    [property: AllowedValues(1, 3, 5, 7)] int KernelSize = 3,
    [property: Range(1, 64)] int Dilation = 1,
    bool ConcatInput = true
) : SegmentationHeadOptions;

/// <summary>A few convolutions and a classifier on one map; the usual auxiliary head.</summary>
/// <remarks>Long et al., "Fully Convolutional Networks for Semantic Segmentation", 2014, arXiv:1411.4038; in the form that the dilated
/// networks of MMSegmentation and torchvision have.</remarks>
[Component("FcnHead")]
public sealed class FcnHead : SegmentationHead
{
    private readonly Sequential convs;
    private readonly ConvNorm? conv_cat;
    private readonly Conv2d conv_seg;
    private readonly bool _isTorchvisions;

    public FcnHead(
        FcnHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        Loss? loss = null,
        IReadOnlyDictionary<string, Loss>? losses = null
    )
        : base(nameof(FcnHead), options, source, data, loss, losses)
    {
        var channels = options.Channels ?? Math.Max(1, InChannels / 4);
        convs = Sequential(
            Enumerable
                .Range(0, options.NumConvs)
                .Select(i =>
                    (Module<Tensor, Tensor>)new ConvNorm(i == 0 ? InChannels : channels, channels, options.KernelSize, options.Dilation)
                )
        );
        var width = options.NumConvs == 0 ? InChannels : channels;
        if (options.ConcatInput)
            conv_cat = new ConvNorm(InChannels + width, width, options.KernelSize);
        conv_seg = Classifier(width);
        _isTorchvisions = options is { NumConvs: 1, ConcatInput: false };
        RegisterComponents();
        Weights.Convolutional(this, except: conv_seg);
    }

    public override KeyMap? KeysOf(string project) =>
        project != "torchvision" ? base.KeysOf(project)
        : !_isTorchvisions ? null
        : new KeyTable(null).Pair("0.", "convs.0.conv.").Pair("1.", "convs.0.bn.").Pair("4.", "conv_seg.").ToKeyMap();

    /// <param name="maps">The backbone's or neck's.</param>
    /// <returns>Logits, [B, classes, h, w], in the size of the chosen map.</returns>
    public override Tensor forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var input = Input(maps);
        var x = convs.Count == 0 ? input : convs.call(input);
        if (conv_cat is not null)
            x = conv_cat.call(cat([input, x], 1));
        return scope.MoveToOuter(conv_seg.call(Drop(x)));
    }
}
