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
/// <param name="RegMax">The largest distance from a place to a side, in strides; distances are distributions over 0 to it.</param>
/// <param name="PriorProb">Probability with which every class is seen everywhere before training.</param>
public sealed record GflHeadOptions(
    [property: Range(1, 1_000_000)] int? NumClasses = null,
    [property: Range(1, 65536)] int? FeatChannels = null,
    [property: Range(0, 16)] int StackedConvs = 4,
    DetectionNorm Norm = DetectionNorm.Gn,
    [property: Range(1, 1024)] int RegMax = 16,
    [property: Range(1e-6, 0.999)] double PriorProb = 0.01
);

/// <summary>A class's score says how good the box is, too, and the distances to the box's sides are distributions.</summary>
/// <remarks>
/// Li et al., "Generalized Focal Loss: Learning Qualified and Distributed Bounding Boxes for Dense Object Detection", 2020,
/// arXiv:2006.04388; averages as in MMDetection: scores over the positives, boxes and distributions weighted by the best score that their
/// place has, over the sum of those.
/// </remarks>
[Component("GflHead")]
public sealed class GflHead : DenseHead
{
    private const double Within = 0.1; // of a stride: how far below reg_max a distance to learn stays

    private readonly ModuleList<TowerLayer> cls_convs;
    private readonly ModuleList<TowerLayer> reg_convs;
    private readonly Conv2d gfl_cls;
    private readonly Conv2d gfl_reg;
    private readonly ModuleList<LevelScale> scales;
    private readonly GflHeadOptions _options;
    private readonly AnchorGeneratorBase _anchors;
    private readonly Assigner _assigner;
    private readonly DistanceCoder _pixels = new(new(NormalizeBySize: false));
    private readonly ClassLoss _lossCls;
    private readonly BoxLoss _lossBbox;
    private readonly DistributionLoss _lossDfl;

    /// <param name="source">The neck, or the backbone where there is none.</param>
    /// <param name="data">The data's classes.</param>
    /// <param name="anchorGenerator">One anchor a place; a square of 8 strides by default.</param>
    /// <param name="assigner">Which anchor is to find which box; AtssAssigner by default.</param>
    /// <param name="lossCls">The loss of the scores, one that takes qualities; QualityFocalLoss by default.</param>
    /// <param name="lossBbox">The loss of the boxes; GIoULoss of weight 2 by default. One that compares a coder's numbers gets distances in
    /// strides.</param>
    /// <param name="lossDfl">The loss of the distributions; DistributionFocalLoss of weight 0.25 by default.</param>
    public GflHead(
        GflHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        AnchorGeneratorBase? anchorGenerator = null,
        Assigner? assigner = null,
        ClassLoss? lossCls = null,
        BoxLoss? lossBbox = null,
        DistributionLoss? lossDfl = null
    )
        : base(nameof(GflHead))
    {
        _options = options;
        Classes = ClassesOf(nameof(GflHead), options.NumClasses, data);
        _anchors = anchorGenerator ?? new AnchorGenerator(new(OctaveBaseScale: 8, ScalesPerOctave: 1, Ratios: [1]), source);
        if (_anchors.PerCell != 1)
            throw new UserErrorException($"GflHead has one anchor a place; the anchor generator gives {_anchors.PerCell}.");
        _assigner = assigner ?? new AtssAssigner(new());
        _lossCls = lossCls ?? new QualityFocalLoss(new());
        RequireQuality(nameof(GflHead), _lossCls);
        _lossBbox = lossBbox ?? new GIoULoss { Weight = 2 };
        _lossDfl = lossDfl ?? new DistributionFocalLoss { Weight = 0.25 };
        var width = Towers.WidthOf(source, nameof(GflHead));
        var channels = options.StackedConvs == 0 ? width : options.FeatChannels ?? width;
        cls_convs = Towers.Build(width, channels, options.StackedConvs, options.Norm);
        reg_convs = Towers.Build(width, channels, options.StackedConvs, options.Norm);
        gfl_cls = Conv2d(channels, Classes, 3, padding: 1);
        gfl_reg = Conv2d(channels, 4 * (options.RegMax + 1), 3, padding: 1);
        scales = new ModuleList<LevelScale>([.. _anchors.Strides.Select(_ => new LevelScale())]);
        RegisterComponents();
        Towers.Initialize(this);
        Towers.SetPrior(gfl_cls, options.PriorProb);
    }

    public override int Classes { get; }

    internal override string ClassifierKey => nameof(gfl_cls);

    internal override IEnumerable<(string Foreign, string Own, bool ReadOnly)> TorchvisionKeys => [];

    // There, the numbers from 0 to reg_max lie in the file.
    internal override Func<string, bool>? MmlabComputed => key => key == "integral.project";

    /// <param name="maps">[B, C, H, W] each.</param>
    /// <returns>For each map the class logits [B, classes, H, W]; then for each the logits of the distances to left, top, right and bottom,
    /// [B, 4 · (reg_max + 1), H, W].</returns>
    public override Tensor[] forward(Tensor[] maps)
    {
        RequireMaps(maps);
        using var scope = NewDisposeScope();
        var outputs = new Tensor[maps.Length * 2];
        for (var i = 0; i < maps.Length; i++)
        {
            outputs[i] = gfl_cls.call(Towers.Run(cls_convs, maps[i]));
            outputs[maps.Length + i] = scales[i].call(gfl_reg.call(Towers.Run(reg_convs, maps[i])));
        }
        scope.MoveToOuter(outputs);
        return outputs;
    }

    public override LossMap Losses(Tensor[] outputs, IReadOnlyList<TruthBoxes> truths, (int Height, int Width) image)
    {
        using var scope = NewDisposeScope();
        var kinds = Kinds(outputs, 2);
        var (logits, distributions) = (kinds[0], kinds[1]);
        var grid = _anchors.Generate(SizesOf(logits), image);
        var assigned = InParallel.Select(truths, truth => _assigner.Assign(grid, truth));
        var targets = new DenseTargets(grid, truths, assigned, LossNorm.AtLeastOne);

        var found = targets.Gather(distributions); // [P, 4 · (n + 1)]
        var device = found.device;
        var (anchors, boxes, strides) = (targets.Anchors(device), targets.Boxes(device), targets.OfMaps(_anchors.Strides, device));
        var distances = Integral.Of(found, 1); // [P, 4], strides
        var (decoded, wanted) = (_pixels.Decode(anchors, distances * strides), _pixels.Encode(anchors, boxes) / strides);
        var quality = new BoxPairs(decoded.detach(), boxes).Iou.clamp_min(0).clamp_max(1); // [P]
        var classLoss = targets.ClassLoss(logits, _lossCls, quality);

        var best = targets.Gather(logits).detach().amax([1]).sigmoid(); // [P]
        var weights = best / best.sum().clamp_min(1);
        var boxLoss = _lossBbox.OnBoxes ? _lossBbox.Sum(decoded, boxes, weights) : _lossBbox.Sum(distances, wanted, weights);
        var distributionLoss = _lossDfl.Sum(
            found.view(-1, _options.RegMax + 1),
            wanted.clamp_min(0).clamp_max(_options.RegMax - Within).view(-1),
            (weights / 4).unsqueeze(1).expand(-1, 4).reshape(-1)
        );
        scope.MoveToOuter(classLoss, boxLoss, distributionLoss);
        return new LossMap
        {
            ["loss_cls"] = classLoss,
            ["loss_bbox"] = boxLoss,
            ["loss_dfl"] = distributionLoss,
        };
    }

    private protected override DenseOutputs Read(Tensor[] outputs, (int Height, int Width) image)
    {
        var kinds = Kinds(outputs, 2);
        var codes = kinds[1].Select((map, i) => Integral.Of(map, 1) * _anchors.Strides[i]).ToArray(); // [B, 4, H, W], pixels
        return new DenseOutputs(_anchors.Generate(SizesOf(kinds[0]), image), kinds[0], codes);
    }

    private protected override BoxCoder Coder => _pixels;

    private protected override int Maps => _anchors.Strides.Count;
}
