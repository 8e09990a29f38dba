using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Backbones.Csp;
using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Assigners;
using Tessera.Models.Detection.Coders;
using Tessera.Models.Layers;
using Tessera.Models.Losses.Detection;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.Heads;

/// <param name="NumClasses">Classes; by default as many as the data has, with which it must agree.</param>
/// <param name="FeatChannels">Channels of the towers; the maps' by default.</param>
/// <param name="StackedConvs">Convolutions of each tower.</param>
/// <param name="UseDepthwise">They are separable, as in YOLOX-Nano.</param>
/// <param name="PriorProb">Probability with which every class, and an object, is seen everywhere before training.</param>
/// <param name="UseL1">A further loss on the boxes' numbers, which the authors add for the last epochs.</param>
/// <param name="OneLabel">A place gives its best class alone, as the authors have it; otherwise every class that reaches score_thr.</param>
/// <param name="NormEps">What batch norms add to variances.</param>
/// <param name="NormMomentum">The share of a batch in batch norms' running statistics.</param>
public sealed record YoloxHeadOptions(
    [property: Range(1, 1_000_000)] int? NumClasses = null,
    [property: Range(1, 65536)] int? FeatChannels = null,
    [property: Range(1, 16)] int StackedConvs = 2,
    bool UseDepthwise = false,
    [property: Range(1e-6, 0.999)] double PriorProb = 0.01,
    bool UseL1 = false,
    bool OneLabel = true,
    [property: Range(1e-12, 1)] double NormEps = 1e-3,
    [property: Range(0, 1)] double NormMomentum = 0.03
);

/// <summary>Without anchors, each map with its own towers: every place says what it sees, where its box lies, and whether there is one at
/// all.</summary>
/// <remarks>
/// Ge et al., "YOLOX: Exceeding YOLO Series in 2021", 2021, arXiv:2107.08430. A class is to be seen as surely as the guess overlaps its
/// box. Parameters are named as in MMDetection; the key map "yolox" of the detector reads and writes Megvii's names.
/// </remarks>
[Component("YoloxHead")]
public sealed class YoloxHead : DenseHead, IHasL1Loss
{
    private readonly ModuleList<Sequential> multi_level_cls_convs = new();
    private readonly ModuleList<Sequential> multi_level_reg_convs = new();
    private readonly ModuleList<Conv2d> multi_level_conv_cls = new();
    private readonly ModuleList<Conv2d> multi_level_conv_reg = new();
    private readonly ModuleList<Conv2d> multi_level_conv_obj = new();
    private readonly YoloxHeadOptions _options;
    private readonly AnchorGenerator _places;
    private readonly CellCoder _coder = new();
    private readonly PredictionAssigner _assigner;
    private readonly ClassLoss _lossCls,
        _lossObj;
    private readonly BoxLoss _lossBbox,
        _lossL1;

    /// <param name="source">The neck, or the backbone where there is none.</param>
    /// <param name="data">The data's classes.</param>
    /// <param name="assigner">Which place is to find which box; SimOtaAssigner by default.</param>
    /// <param name="lossCls">The loss of the classes' scores; CrossEntropyLoss by default.</param>
    /// <param name="lossBbox">The loss of the boxes; IoULoss with mode "square" and weight 5 by default.</param>
    /// <param name="lossObj">The loss of the objectness; CrossEntropyLoss by default.</param>
    /// <param name="lossL1">The loss that use_l1 adds; L1Loss by default.</param>
    public YoloxHead(
        YoloxHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        PredictionAssigner? assigner = null,
        ClassLoss? lossCls = null,
        BoxLoss? lossBbox = null,
        ClassLoss? lossObj = null,
        BoxLoss? lossL1 = null
    )
        : base(nameof(YoloxHead))
    {
        (_options, UseL1) = (options, options.UseL1);
        Classes = ClassesOf(nameof(YoloxHead), options.NumClasses, data);
        _places = new AnchorGenerator(new(Scales: [1], Ratios: [1], CenterOffset: 0.5), source);
        _assigner = assigner ?? new SimOtaAssigner(new());
        _lossCls = lossCls ?? new DenseCrossEntropyLoss();
        _lossObj = lossObj ?? new DenseCrossEntropyLoss();
        _lossBbox = lossBbox ?? new IoULoss(new(IoULossMode.Square)) { Weight = 5 };
        _lossL1 = lossL1 ?? new BoxL1Loss();
        var width = Towers.WidthOf(source, nameof(YoloxHead));
        var channels = options.FeatChannels ?? width;
        foreach (var _ in source.OutStrides)
        {
            multi_level_cls_convs.Add(Tower(width, channels));
            multi_level_reg_convs.Add(Tower(width, channels));
            multi_level_conv_cls.Add(Conv2d(channels, Classes, 1));
            multi_level_conv_reg.Add(Conv2d(channels, 4, 1));
            multi_level_conv_obj.Add(Conv2d(channels, 1, 1));
        }
        RegisterComponents();
        foreach (var layer in multi_level_conv_cls.Concat(multi_level_conv_obj))
            Towers.SetPrior(layer, options.PriorProb);
    }

    public override int Classes { get; }

    public bool UseL1 { get; set; }

    internal override string ClassifierKey => nameof(multi_level_conv_cls);

    internal override IEnumerable<ClassTensor> ClassTensors =>
        Enumerable
            .Range(0, multi_level_conv_cls.Count)
            .SelectMany(map => new[] { "weight", "bias" }.Select(name => new ClassTensor($"{nameof(multi_level_conv_cls)}.{map}.{name}")));

    internal override IEnumerable<(string Foreign, string Own, bool ReadOnly)> TorchvisionKeys => []; // it has no YOLOX

    /// <summary>Its parts in Megvii's whole model, and in a detector here.</summary>
    internal static IReadOnlyList<MegviiPart> MegviiParts =>
        [
            new("head.cls_convs.", "bbox_head.multi_level_cls_convs."),
            new("head.reg_convs.", "bbox_head.multi_level_reg_convs."),
            new("head.cls_preds.", "bbox_head.multi_level_conv_cls."),
            new("head.reg_preds.", "bbox_head.multi_level_conv_reg."),
            new("head.obj_preds.", "bbox_head.multi_level_conv_obj."),
        ];

    /// <param name="maps">[B, C, H, W] each.</param>
    /// <returns>For each map the class logits [B, classes, H, W]; then for each the boxes [B, 4, H, W], a centre from its cell's upper left
    /// corner and the logarithms of the sides, in strides; then for each the objectness logits [B, 1, H, W].</returns>
    public override Tensor[] forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var count = maps.Length;
        var outputs = new Tensor[count * 3];
        for (var i = 0; i < count; i++)
        {
            var boxes = multi_level_reg_convs[i].call(maps[i]);
            outputs[i] = multi_level_conv_cls[i].call(multi_level_cls_convs[i].call(maps[i]));
            outputs[count + i] = multi_level_conv_reg[i].call(boxes);
            outputs[2 * count + i] = multi_level_conv_obj[i].call(boxes);
        }
        scope.MoveToOuter(outputs);
        return outputs;
    }

    public override LossMap Losses(Tensor[] outputs, IReadOnlyList<TruthBoxes> truths, (int Height, int Width) image)
    {
        using var scope = NewDisposeScope();
        var (grid, said, boxes, present) = Said(outputs, image);
        var (logits, codes, objects) = (PlaceTargets.Flat(said), PlaceTargets.Flat(boxes), PlaceTargets.Flat(present!));
        var guesses = PlaceTargets.Guesses(grid, _coder, logits, codes, objects);
        var pairs = truths.Zip(guesses).ToArray();
        var targets = new PlaceTargets(grid, truths, InParallel.Select(pairs, pair => _assigner.Assign(grid, pair.First, pair.Second)));

        var device = logits.device;
        var (rows, share) = (targets.Rows(device), 1.0 / Math.Max(1, targets.Count));
        var classLoss = ClassTerm(logits.flatten(0, 1).index_select(0, rows), targets) * share;
        var objectLoss = ObjectTerm(objects.flatten(), rows, targets) * share;
        var found = codes.flatten(0, 1).index_select(0, rows); // [P, 4]
        var boxLoss = BoxTerm(_lossBbox, found, targets) * share;
        scope.MoveToOuter(classLoss, boxLoss, objectLoss);
        var losses = new LossMap
        {
            ["loss_cls"] = classLoss,
            ["loss_bbox"] = boxLoss,
            ["loss_obj"] = objectLoss,
        };
        if (UseL1)
            losses["loss_l1"] = scope.MoveToOuter(BoxTerm(_lossL1, found, targets) * share);
        return losses;
    }

    private protected override DenseOutputs Read(Tensor[] outputs, (int Height, int Width) image)
    {
        var found = Said(outputs, image);
        return found with { Logits = Told(found.Logits) };
    }

    private protected override BoxCoder Coder => _coder;

    private protected override CandidateScore Score => new(CenternessScore.Product, ByClass: false);

    private protected override int Maps => multi_level_conv_cls.Count;

    private Sequential Tower(int width, int channels) =>
        Sequential([
            .. Enumerable
                .Range(0, _options.StackedConvs)
                .Select(i =>
                    SiluConv.Of(
                        _options.UseDepthwise,
                        i == 0 ? width : channels,
                        channels,
                        3,
                        new NormSettings(_options.NormEps, _options.NormMomentum)
                    )
                ),
        ]);

    /// <summary>The classes that places tell: with one label, all others have no probability.</summary>
    private Tensor[] Told(Tensor[] logits) =>
        _options.OneLabel ? Array.ConvertAll(logits, map => map.masked_fill(map.lt(map.amax([1], keepdim: true)), -1e4)) : logits;

    /// <param name="logits">[P, classes].</param>
    private Tensor ClassTerm(Tensor logits, PlaceTargets targets)
    {
        var labels = targets.Labels(logits.device);
        var (absent, overlaps) = (_lossCls.Absent(logits), targets.Overlaps(logits.device));
        if (_lossCls.WeightOfClasses(Classes, logits.device) is { } weights)
            (absent, overlaps) = (absent * weights, overlaps * weights.index_select(0, labels));
        var own = logits.gather(1, labels.unsqueeze(1)).squeeze(1); // [P]
        return (absent.sum() + ((_lossCls.Present(own) - _lossCls.Absent(own)) * overlaps).sum()) * _lossCls.Weight;
    }

    /// <param name="objects">[B · N].</param>
    /// <param name="rows">[P].</param>
    private Tensor ObjectTerm(Tensor objects, Tensor rows, PlaceTargets targets)
    {
        var absent = _lossObj.Absent(objects);
        if (targets.Asked(objects.device) is { } asked)
            absent = absent * asked;
        var present = objects.index_select(0, rows);
        var sum = absent.sum() + (_lossObj.Present(present) - _lossObj.Absent(present)).sum();
        if (_lossObj.WeightOfClasses(1, objects.device) is { } weight)
            sum = sum * weight.sum();
        return sum * _lossObj.Weight;
    }

    /// <param name="codes">[P, 4].</param>
    private Tensor BoxTerm(BoxLoss loss, Tensor codes, PlaceTargets targets)
    {
        var (anchors, boxes) = (targets.Anchors(codes.device), targets.Boxes(codes.device));
        return loss.OnBoxes ? loss.Sum(_coder.Decode(anchors, codes), boxes) : loss.Sum(codes, _coder.Encode(anchors, boxes));
    }

    /// <summary>All that it said, every place's other classes, too.</summary>
    private DenseOutputs Said(Tensor[] outputs, (int Height, int Width) image)
    {
        var kinds = Kinds(outputs, 3);
        return new DenseOutputs(_places.Generate(SizesOf(kinds[0]), image), kinds[0], kinds[1], kinds[2]);
    }
}
