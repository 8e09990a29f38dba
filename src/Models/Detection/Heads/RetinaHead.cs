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
/// <param name="Norm">The norm after each of them: "none", "gn" or "bn".</param>
/// <param name="PriorProb">Probability with which every class is seen everywhere before training.</param>
/// <param name="LossNorm">Over what losses are averaged: the positives of the "batch", or of each "image".</param>
public sealed record RetinaHeadOptions(
    [property: Range(1, 1_000_000)] int? NumClasses = null,
    [property: Range(1, 65536)] int? FeatChannels = null,
    [property: Range(0, 16)] int StackedConvs = 4,
    DetectionNorm Norm = DetectionNorm.None,
    [property: Range(1e-6, 0.999)] double PriorProb = 0.01,
    LossNorm LossNorm = LossNorm.Batch
);

/// <summary>Two towers of convolutions, shared by all maps: one scores every class for every anchor, one shifts the anchors.</summary>
/// <remarks>Lin et al., "Focal Loss for Dense Object Detection", 2017, arXiv:1708.02002.</remarks>
[Component("RetinaHead")]
public sealed class RetinaHead : DenseHead
{
    private readonly ModuleList<TowerLayer> cls_convs;
    private readonly ModuleList<TowerLayer> reg_convs;
    private readonly Conv2d retina_cls;
    private readonly Conv2d retina_reg;
    private readonly RetinaHeadOptions _options;
    private readonly AnchorGeneratorBase _anchors;
    private readonly Assigner _assigner;
    private readonly BoxCoder _coder;
    private readonly ClassLoss _lossCls;
    private readonly BoxLoss _lossBbox;

    /// <param name="source">The neck, or the backbone where there is none.</param>
    /// <param name="data">The data's classes.</param>
    /// <param name="anchorGenerator">The anchors; 3 scales by 3 ratios by default.</param>
    /// <param name="assigner">Which anchor is to find which box; MaxIouAssigner by default.</param>
    /// <param name="boxCoder">Boxes as numbers; DeltaXywhCoder by default.</param>
    /// <param name="lossCls">The loss of the scores; FocalLoss by default.</param>
    /// <param name="lossBbox">The loss of the boxes; L1Loss by default. One that compares boxes gets them decoded.</param>
    public RetinaHead(
        RetinaHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        AnchorGeneratorBase? anchorGenerator = null,
        Assigner? assigner = null,
        BoxCoder? boxCoder = null,
        ClassLoss? lossCls = null,
        BoxLoss? lossBbox = null
    )
        : base(nameof(RetinaHead))
    {
        _options = options;
        Classes = ClassesOf(nameof(RetinaHead), options.NumClasses, data);
        _anchors = anchorGenerator ?? new AnchorGenerator(new(), source);
        _assigner = assigner ?? new MaxIouAssigner(new());
        _coder = boxCoder ?? new DeltaXywhCoder(new());
        _lossCls = lossCls ?? new DenseFocalLoss(new());
        _lossBbox = lossBbox ?? new BoxL1Loss();
        var width = Towers.WidthOf(source, nameof(RetinaHead));
        var channels = options.StackedConvs == 0 ? width : options.FeatChannels ?? width;
        cls_convs = Towers.Build(width, channels, options.StackedConvs, options.Norm);
        reg_convs = Towers.Build(width, channels, options.StackedConvs, options.Norm);
        retina_cls = Conv2d(channels, _anchors.PerCell * Classes, 3, padding: 1);
        retina_reg = Conv2d(channels, _anchors.PerCell * 4, 3, padding: 1);
        RegisterComponents();
        Towers.Initialize(this);
        Towers.SetPrior(retina_cls, options.PriorProb);
    }

    public override int Classes { get; }

    public AnchorGeneratorBase Anchors => _anchors;

    public Assigner Assigner => _assigner;

    internal override string ClassifierKey => nameof(retina_cls);

    internal override IEnumerable<ClassTensor> ClassTensors =>
        new[] { "weight", "bias" }.Select(name => new ClassTensor(
            $"{nameof(retina_cls)}.{name}",
            _anchors.PerCell,
            $"{nameof(retina_reg)}.{name}"
        ));

    internal override IEnumerable<(string Foreign, string Own, bool ReadOnly)> TorchvisionKeys => RetinaKeys();

    /// <param name="maps">[B, C, H, W] each.</param>
    /// <returns>For each map the class logits [B, A · classes, H, W], then for each map the boxes [B, A · 4, H, W].</returns>
    public override Tensor[] forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var outputs = new Tensor[maps.Length * 2];
        for (var i = 0; i < maps.Length; i++)
        {
            outputs[i] = retina_cls.call(Towers.Run(cls_convs, maps[i]));
            outputs[maps.Length + i] = retina_reg.call(Towers.Run(reg_convs, maps[i]));
        }
        scope.MoveToOuter(outputs);
        return outputs;
    }

    public override LossMap Losses(Tensor[] outputs, IReadOnlyList<TruthBoxes> truths, (int Height, int Width) image)
    {
        using var scope = NewDisposeScope();
        var (grid, logits, codes, _) = Read(outputs, image);
        var targets = new DenseTargets(grid, truths, InParallel.Select(truths, truth => _assigner.Assign(grid, truth)), _options.LossNorm);
        var classLoss = targets.ClassLoss(logits, _lossCls);
        var found = targets.Gather(codes); // [P, 4]
        var device = found.device;
        var boxLoss = BoxSum(_lossBbox, targets.Anchors(device), found, targets.Boxes(device), targets.Weights(device));
        scope.MoveToOuter(classLoss, boxLoss);
        return new LossMap { ["loss_cls"] = classLoss, ["loss_bbox"] = boxLoss };
    }

    private protected override DenseOutputs Read(Tensor[] outputs, (int Height, int Width) image)
    {
        var kinds = Kinds(outputs, 2);
        return new DenseOutputs(_anchors.Generate(SizesOf(kinds[0]), image), kinds[0], kinds[1]);
    }

    private protected override BoxCoder Coder => _coder;

    private protected override int Maps => _anchors.Strides.Count;

    private IEnumerable<(string, string, bool)> RetinaKeys()
    {
        foreach (
            var (branch, tower, layer, own) in new[]
            {
                ("classification_head", "cls_convs", "cls_logits", nameof(retina_cls)),
                ("regression_head", "reg_convs", "bbox_reg", nameof(retina_reg)),
            }
        )
        {
            for (var i = 0; i < _options.StackedConvs; i++)
            {
                yield return ($"{branch}.conv.{i}.0.", $"{tower}.{i}.conv.", false);
                if (_options.Norm != DetectionNorm.None)
                    yield return ($"{branch}.conv.{i}.1.", $"{tower}.{i}.{(_options.Norm == DetectionNorm.Gn ? "gn" : "bn")}.", false);
            }
            // Files written before torchvision 0.13 number every layer of a tower, the activations too.
            for (var i = 0; i < _options.StackedConvs; i++)
                yield return ($"{branch}.conv.{2 * i}.", $"{tower}.{i}.conv.", true);
            yield return ($"{branch}.{layer}.", $"{own}.", false);
        }
    }
}
