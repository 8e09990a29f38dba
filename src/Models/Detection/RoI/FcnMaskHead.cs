using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection.Heads;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.RoI;

/// <param name="NumClasses">Classes; by default as many as the data has, with which it must agree.</param>
/// <param name="RoiFeatSize">Bins along each side of a region's features: output_size of the mask_roi_extractor. A mask has twice as
/// many pixels.</param>
/// <param name="NumConvs">3x3 convolutions.</param>
/// <param name="ConvOutChannels">Channels of each, and of the enlarged map.</param>
/// <param name="Norm">The norm after each of them: "none", "gn" or "bn".</param>
/// <param name="ClassAgnostic">One mask a region; false: one for each class.</param>
/// <param name="TargetAligned">True masks are cut out with pixels' centres at halves; false: at whole numbers, as torchvision has
/// it.</param>
/// <param name="BinaryTargets">A pixel of a true mask is in or out; false: it is the part that is in, as torchvision has it.</param>
public sealed record FcnMaskHeadOptions(
    [property: Range(1, 1_000_000)] int? NumClasses = null,
    [property: Range(1, 256)] int RoiFeatSize = 14,
    [property: Range(0, 16)] int NumConvs = 4,
    [property: Range(1, 65536)] int ConvOutChannels = 256,
    DetectionNorm Norm = DetectionNorm.None,
    bool ClassAgnostic = false,
    bool TargetAligned = true,
    bool BinaryTargets = true
);

/// <summary>Convolutions, a deconvolution that doubles the size, and a mask for every class.</summary>
/// <remarks>He et al., "Mask R-CNN", 2017, arXiv:1703.06870, figure 4, right.</remarks>
[Component("FcnMaskHead")]
public sealed class FcnMaskHead : MaskHead
{
    private readonly ModuleList<TowerLayer> convs;
    private readonly ConvTranspose2d upsample;
    private readonly Conv2d conv_logits;
    private readonly FcnMaskHeadOptions _options;

    /// <param name="source">The neck, or the backbone where there is none.</param>
    /// <param name="data">The data's classes.</param>
    public FcnMaskHead(FcnMaskHeadOptions options, IFeatureSource source, DataInfo data)
        : base(nameof(FcnMaskHead))
    {
        _options = options;
        Classes = data.Classes.Count;
        if (options.NumClasses is { } wanted && wanted != Classes)
            throw new UserErrorException($"FcnMaskHead: num_classes is {wanted}, but the data has {Classes} classes.");
        var width = Towers.WidthOf(source, nameof(FcnMaskHead));
        convs = Towers.Build(width, options.ConvOutChannels, options.NumConvs, options.Norm);
        upsample = ConvTranspose2d(options.NumConvs == 0 ? width : options.ConvOutChannels, options.ConvOutChannels, 2, stride: 2);
        conv_logits = Conv2d(options.ConvOutChannels, options.ClassAgnostic ? 1 : Classes, 1);
        RegisterComponents();
        Weights.Convolutional(this);
        init.kaiming_normal_(upsample.weight!, mode: init.FanInOut.FanOut, nonlinearity: init.NonlinearityType.ReLU);
        init.zeros_(upsample.bias!);
    }

    public override int Classes { get; }

    public override int RoiFeatSize => _options.RoiFeatSize;

    public override bool ClassAgnostic => _options.ClassAgnostic;

    internal override MaskCut Cut => new(_options.TargetAligned, _options.BinaryTargets);

    internal override IEnumerable<ClassTensor> ClassTensors =>
        ClassAgnostic ? [] : [new($"{nameof(conv_logits)}.weight"), new($"{nameof(conv_logits)}.bias")];

    internal override IEnumerable<(string Foreign, string Own, bool ReadOnly)> TorchvisionKeys =>
        [
            .. Enumerable.Range(0, _options.NumConvs).Select(i => ($"mask_head.{i}.0.", $"{nameof(convs)}.{i}.conv.", false)),
            .. Enumerable.Range(0, _options.NumConvs).Select(i => ($"mask_head.mask_fcn{i + 1}.", $"{nameof(convs)}.{i}.conv.", true)),
            ("mask_predictor.conv5_mask.", $"{nameof(upsample)}.", false),
            ("mask_predictor.mask_fcn_logits.", $"{nameof(conv_logits)}.", false),
        ];

    /// <param name="features">[N, C, RoiFeatSize, RoiFeatSize].</param>
    /// <returns>Logits, [N, classes (or 1), 2 · RoiFeatSize, 2 · RoiFeatSize].</returns>
    public override Tensor forward(Tensor features)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(conv_logits.call(Rectifier.InPlace(upsample.call(Towers.Run(convs, features)))));
    }
}
