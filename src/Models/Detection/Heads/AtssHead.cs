using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Assigners;
using Tessera.Models.Detection.Coders;
using Tessera.Models.Losses.Detection;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.Heads;

/// <param name="NumClasses">Classes; by default as many as the data has, with which it must agree.</param>
/// <param name="FeatChannels">Channels of the towers; the maps' by default.</param>
/// <param name="StackedConvs">Convolutions of each tower.</param>
/// <param name="Norm">The norm after each of them: "gn", "bn" or "none".</param>
/// <param name="PriorProb">Probability with which every class is seen everywhere before training.</param>
public sealed record AtssHeadOptions(
    [property: Range(1, 1_000_000)] int? NumClasses = null,
    [property: Range(1, 65536)] int? FeatChannels = null,
    [property: Range(0, 16)] int StackedConvs = 4,
    DetectionNorm Norm = DetectionNorm.Gn,
    [property: Range(1e-6, 0.999)] double PriorProb = 0.01
);

/// <summary>One square anchor a place, given to boxes by thresholds of their own; every anchor also says how central it is in its
/// box.</summary>
/// <remarks>
/// Zhang et al., "Bridging the Gap Between Anchor-based and Anchor-free Detection via Adaptive Training Sample Selection",
/// 2020, arXiv:1912.02424; averages as in MMDetection: classes and centreness over the positives, boxes over the sum of their centreness.
/// </remarks>
[Component("AtssHead")]
public sealed class AtssHead : DenseHead
{
    private readonly ModuleList<TowerLayer> cls_convs;
    private readonly ModuleList<TowerLayer> reg_convs;
    private readonly Conv2d atss_cls;
    private readonly Conv2d atss_reg;
    private readonly Conv2d atss_centerness;
    private readonly ModuleList<LevelScale> scales;
    private readonly AnchorGeneratorBase _anchors;
    private readonly Assigner _assigner;
    private readonly BoxCoder _coder;
    private readonly DistanceCoder _distances = new(new());
    private readonly ClassLoss _lossCls;
    private readonly BoxLoss _lossBbox;

    /// <param name="source">The neck, or the backbone where there is none.</param>
    /// <param name="data">The data's classes.</param>
    /// <param name="anchorGenerator">The anchors; squares of 8 strides by default.</param>
    /// <param name="assigner">Which anchor is to find which box; AtssAssigner by default.</param>
    /// <param name="boxCoder">Boxes as numbers; DeltaXywhCoder with target_stds [0.1, 0.1, 0.2, 0.2] by default.</param>
    /// <param name="lossCls">The loss of the scores; FocalLoss by default.</param>
    /// <param name="lossBbox">The loss of the boxes; GIoULoss of weight 2 by default. One that compares boxes gets them decoded.</param>
    public AtssHead(
        AtssHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        AnchorGeneratorBase? anchorGenerator = null,
        Assigner? assigner = null,
        BoxCoder? boxCoder = null,
        ClassLoss? lossCls = null,
        BoxLoss? lossBbox = null
    )
        : base(nameof(AtssHead))
    {
        Classes = ClassesOf(nameof(AtssHead), options.NumClasses, data);
        _anchors = anchorGenerator ?? new AnchorGenerator(new(OctaveBaseScale: 8, ScalesPerOctave: 1, Ratios: [1]), source);
        _assigner = assigner ?? new AtssAssigner(new());
        _coder = boxCoder ?? new DeltaXywhCoder(new(TargetStds: [0.1, 0.1, 0.2, 0.2]));
        _lossCls = lossCls ?? new DenseFocalLoss(new());
        _lossBbox = lossBbox ?? new GIoULoss { Weight = 2 };
        var width = Towers.WidthOf(source, nameof(AtssHead));
        var channels = options.StackedConvs == 0 ? width : options.FeatChannels ?? width;
        cls_convs = Towers.Build(width, channels, options.StackedConvs, options.Norm);
        reg_convs = Towers.Build(width, channels, options.StackedConvs, options.Norm);
        atss_cls = Conv2d(channels, _anchors.PerCell * Classes, 3, padding: 1);
        atss_reg = Conv2d(channels, _anchors.PerCell * 4, 3, padding: 1);
        atss_centerness = Conv2d(channels, _anchors.PerCell, 3, padding: 1);
        scales = new ModuleList<LevelScale>([.. _anchors.Strides.Select(_ => new LevelScale())]);
        RegisterComponents();
        Towers.Initialize(this);
        Towers.SetPrior(atss_cls, options.PriorProb);
    }

    public override int Classes { get; }

    internal override string ClassifierKey => nameof(atss_cls);

    internal override IEnumerable<ClassTensor> ClassTensors =>
        new[] { "weight", "bias" }.Select(name => new ClassTensor(
            $"{nameof(atss_cls)}.{name}",
            _anchors.PerCell,
            $"{nameof(atss_reg)}.{name}"
        ));

    internal override IEnumerable<(string Foreign, string Own, bool ReadOnly)> TorchvisionKeys => [];

    /// <param name="maps">[B, C, H, W] each.</param>
    /// <returns>For each map the class logits [B, A · classes, H, W]; then for each the boxes [B, A · 4, H, W]; then for each the
    /// centreness logits [B, A, H, W].</returns>
    public override Tensor[] forward(Tensor[] maps)
    {
        RequireMaps(maps);
        using var scope = NewDisposeScope();
        var count = maps.Length;
        var outputs = new Tensor[count * 3];
        for (var i = 0; i < count; i++)
        {
            var boxes = Towers.Run(reg_convs, maps[i]);
            outputs[i] = atss_cls.call(Towers.Run(cls_convs, maps[i]));
            outputs[count + i] = scales[i].call(atss_reg.call(boxes));
            outputs[2 * count + i] = atss_centerness.call(boxes);
        }
        scope.MoveToOuter(outputs);
        return outputs;
    }

    public override LossMap Losses(Tensor[] outputs, IReadOnlyList<TruthBoxes> truths, (int Height, int Width) image)
    {
        using var scope = NewDisposeScope();
        var (grid, logits, codes, centreness) = Read(outputs, image);
        var assigned = InParallel.Select(truths, truth => _assigner.Assign(grid, truth));
        var targets = new DenseTargets(grid, truths, assigned, LossNorm.AtLeastOne);
        var classLoss = targets.ClassLoss(logits, _lossCls);
        var found = targets.Gather(codes); // [P, 4]
        var device = found.device;
        var (anchors, boxes) = (targets.Anchors(device), targets.Boxes(device));
        var wanted = Centerness.Of(_distances.Encode(anchors, boxes)); // [P]
        var boxLoss = BoxSum(_lossBbox, anchors, found, boxes, wanted / wanted.sum().clamp_min(1));
        var centrenessLoss = Centerness.Loss(targets.Gather(centreness!).view(-1), wanted, targets.Weights(device));
        scope.MoveToOuter(classLoss, boxLoss, centrenessLoss);
        return new LossMap
        {
            ["loss_cls"] = classLoss,
            ["loss_bbox"] = boxLoss,
            ["loss_centerness"] = centrenessLoss,
        };
    }

    private protected override DenseOutputs Read(Tensor[] outputs, (int Height, int Width) image)
    {
        var kinds = Kinds(outputs, 3);
        return new DenseOutputs(_anchors.Generate(SizesOf(kinds[0]), image), kinds[0], kinds[1], kinds[2]);
    }

    private protected override BoxCoder Coder => _coder;

    private protected override CandidateScore Score => new(CenternessScore.Product, ByClass: true);

    private protected override int Maps => _anchors.Strides.Count;
}
