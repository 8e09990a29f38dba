using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Coders;
using Tessera.Models.Layers;
using Tessera.Models.Losses.Detection;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.Heads;

/// <summary>A score from the probability of the class and the centreness.</summary>
public enum CenternessScore
{
    /// <summary>Their product, as in the paper.</summary>
    Product,

    /// <summary>The root of it, as in the authors' later code and torchvision.</summary>
    Root,
}

/// <summary>What the threshold and the count of candidates go by.</summary>
public enum CandidateRank
{
    /// <summary>The probability of the class; the centreness comes in afterwards, as in MMDetection.</summary>
    Class,

    /// <summary>The score with the centreness, as in torchvision.</summary>
    Score,
}

/// <param name="NumClasses">Classes; by default as many as the data has, with which it must agree.</param>
/// <param name="FeatChannels">Channels of the towers; the maps' by default.</param>
/// <param name="StackedConvs">Convolutions of each tower.</param>
/// <param name="Norm">The norm after each of them: "gn", "bn" or "none".</param>
/// <param name="PriorProb">Probability with which every class is seen everywhere before training.</param>
/// <param name="RegressRanges">Where each map's range of sizes begins, in pixels from a place to the farthest side; the last is open. 0,
/// then 8 strides of the map before, by default.</param>
/// <param name="CenterSampling">Only places near a box's centre find it; otherwise all inside it.</param>
/// <param name="CenterSampleRadius">How near, in strides.</param>
/// <param name="NormOnBbox">Distances are learnt in strides, through a ReLU; otherwise in pixels, through an exponential.</param>
/// <param name="CenternessOnReg">The centreness is read from the boxes' tower; otherwise from the classes'.</param>
/// <param name="ScalePerLevel">Each map has a learnt factor on its distances.</param>
/// <param name="CenternessWeight">Each box's loss counts as much as its place is central.</param>
/// <param name="Score">"product" of class and centreness, or its "root".</param>
/// <param name="CandidatesBy">What score_thr and nms_pre go by: the probability of the "class" alone, or the "score" with the
/// centreness.</param>
/// <param name="PointOffset">Where in its cell a place lies, in strides: 0 the corner, 0.5 the middle.</param>
/// <param name="StridesFromImage">The distance of places is the image's size over the map's, rounded down, as torchvision has it.</param>
public sealed record FcosHeadOptions(
    [property: Range(1, 1_000_000)] int? NumClasses = null,
    [property: Range(1, 65536)] int? FeatChannels = null,
    [property: Range(0, 16)] int StackedConvs = 4,
    DetectionNorm Norm = DetectionNorm.Gn,
    [property: Range(1e-6, 0.999)] double PriorProb = 0.01,
    [property: MinLength(1), Range(0, 100_000)] double[]? RegressRanges = null,
    bool CenterSampling = true,
    [property: Range(0.01, 1000)] double CenterSampleRadius = 1.5,
    bool NormOnBbox = true,
    bool CenternessOnReg = true,
    bool ScalePerLevel = true,
    bool CenternessWeight = true,
    CenternessScore Score = CenternessScore.Product,
    [property: EarlierDefault(CandidateRank.Score)] CandidateRank CandidatesBy = CandidateRank.Class,
    [property: Range(0, 1)] double PointOffset = 0.5,
    bool StridesFromImage = false
);

/// <summary>Without anchors: every place says what it lies in, how far the sides are, and how central it is.</summary>
/// <remarks>
/// Tian et al., "FCOS: Fully Convolutional One-Stage Object Detection", 2019, arXiv:1904.01355; centre sampling, distances in
/// strides and centreness beside the boxes from the later version, arXiv:2006.09214.
/// </remarks>
[Component("FcosHead")]
public sealed class FcosHead : DenseHead
{
    private readonly ModuleList<TowerLayer> cls_convs;
    private readonly ModuleList<TowerLayer> reg_convs;
    private readonly Conv2d conv_cls;
    private readonly Conv2d conv_reg;
    private readonly Conv2d conv_centerness;
    private readonly ModuleList<LevelScale>? scales;
    private readonly FcosHeadOptions _options;
    private readonly AnchorGenerator _places;
    private readonly PointAssignment _assignment;
    private readonly BoxCoder _coder;
    private readonly ClassLoss _lossCls;
    private readonly BoxLoss _lossBbox;

    /// <param name="source">The neck, or the backbone where there is none.</param>
    /// <param name="data">The data's classes.</param>
    /// <param name="lossCls">The loss of the scores; FocalLoss by default.</param>
    /// <param name="lossBbox">The loss of the boxes; GIoULoss by default. One that compares the coder's numbers gets distances.</param>
    public FcosHead(FcosHeadOptions options, IFeatureSource source, DataInfo data, ClassLoss? lossCls = null, BoxLoss? lossBbox = null)
        : base(nameof(FcosHead))
    {
        _options = options;
        Classes = ClassesOf(nameof(FcosHead), options.NumClasses, data);
        _places = new AnchorGenerator(
            new(Scales: [1], Ratios: [1], CenterOffset: options.PointOffset, StridesFromImage: options.StridesFromImage),
            source
        );
        _assignment = new PointAssignment(
            Ranges(options.RegressRanges, source.OutStrides),
            source.OutStrides,
            options.CenterSampling ? options.CenterSampleRadius : null
        );
        _coder = new DistanceCoder(new(NormalizeBySize: options.NormOnBbox));
        _lossCls = lossCls ?? new DenseFocalLoss(new());
        _lossBbox = lossBbox ?? new GIoULoss();
        var width = Towers.WidthOf(source, nameof(FcosHead));
        var channels = options.StackedConvs == 0 ? width : options.FeatChannels ?? width;
        cls_convs = Towers.Build(width, channels, options.StackedConvs, options.Norm, bias: true);
        reg_convs = Towers.Build(width, channels, options.StackedConvs, options.Norm, bias: true);
        conv_cls = Conv2d(channels, Classes, 3, padding: 1);
        conv_reg = Conv2d(channels, 4, 3, padding: 1);
        conv_centerness = Conv2d(channels, 1, 3, padding: 1);
        scales = options.ScalePerLevel ? new ModuleList<LevelScale>([.. source.OutStrides.Select(_ => new LevelScale())]) : null;
        RegisterComponents();
        Towers.Initialize(this);
        Towers.SetPrior(conv_cls, options.PriorProb);
    }

    public override int Classes { get; }

    internal override string ClassifierKey => nameof(conv_cls);

    // There, a convolution before a norm has a bias only where the config says so.
    internal override Func<string, bool>? MmlabLacks =>
        _options.Norm == DetectionNorm.None ? null : key => key.EndsWith(".conv.bias", StringComparison.Ordinal);

    internal override IEnumerable<(string Foreign, string Own, bool ReadOnly)> TorchvisionKeys => FcosKeys();

    /// <param name="maps">[B, C, H, W] each.</param>
    /// <returns>For each map the class logits [B, classes, H, W]; then for each the distances, not negative, [B, 4, H, W]; then for each
    /// the centreness logits [B, 1, H, W].</returns>
    public override Tensor[] forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var count = maps.Length;
        var outputs = new Tensor[count * 3];
        for (var i = 0; i < count; i++)
        {
            var (classes, boxes) = (Towers.Run(cls_convs, maps[i]), Towers.Run(reg_convs, maps[i]));
            outputs[i] = conv_cls.call(classes);
            var distances = conv_reg.call(boxes);
            if (scales is not null)
                distances = scales[i].call(distances);
            // In float32: an exponential of half precision is coarse.
            outputs[count + i] = _options.NormOnBbox ? Rectifier.Of(distances) : distances.to(ScalarType.Float32).exp();
            outputs[2 * count + i] = conv_centerness.call(_options.CenternessOnReg ? boxes : classes);
        }
        scope.MoveToOuter(outputs);
        return outputs;
    }

    public override LossMap Losses(Tensor[] outputs, IReadOnlyList<TruthBoxes> truths, (int Height, int Width) image)
    {
        using var scope = NewDisposeScope();
        var (grid, logits, codes, centreness) = Read(outputs, image);
        var targets = new DenseTargets(grid, truths, InParallel.Select(truths, truth => _assignment.Assign(grid, truth)), LossNorm.Batch);
        var classLoss = targets.ClassLoss(logits, _lossCls);
        var found = targets.Gather(codes); // [P, 4]
        var device = found.device;
        var (places, boxes, weights) = (targets.Anchors(device), targets.Boxes(device), targets.Weights(device));
        var wanted = Centerness.Of(_coder.Encode(places, boxes)); // [P]
        var boxWeights = _options.CenternessWeight ? wanted / wanted.sum().clamp_min(1e-6) : weights;
        var boxLoss = BoxSum(_lossBbox, places, found, boxes, boxWeights);
        var centrenessLoss = Centerness.Loss(targets.Gather(centreness!).view(-1), wanted, weights);
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
        return new DenseOutputs(_places.Generate(SizesOf(kinds[0]), image), kinds[0], kinds[1], kinds[2]);
    }

    private protected override BoxCoder Coder => _coder;

    private protected override CandidateScore Score => new(_options.Score, _options.CandidatesBy == CandidateRank.Class);

    private protected override int Maps => _places.Strides.Count;

    private static (float Low, float High)[] Ranges(double[]? begins, IReadOnlyList<int> strides)
    {
        begins ??= [.. strides.Select((_, i) => i == 0 ? 0.0 : 8 * strides[i - 1])];
        if (begins.Length != strides.Count || begins.Zip(begins.Skip(1)).Any(pair => pair.First >= pair.Second))
            throw new UserErrorException($"FcosHead: regress_ranges are {strides.Count} rising numbers, one for each map.");
        return [.. begins.Select((begin, i) => ((float)begin, i + 1 < begins.Length ? (float)begins[i + 1] : float.PositiveInfinity))];
    }

    private IEnumerable<(string, string, bool)> FcosKeys()
    {
        foreach (var (branch, tower) in new[] { ("classification_head", "cls_convs"), ("regression_head", "reg_convs") })
        {
            // conv.0 is a convolution, conv.1 its norm, conv.2 an activation, and so on.
            var step = _options.Norm == DetectionNorm.None ? 2 : 3;
            for (var i = 0; i < _options.StackedConvs; i++)
            {
                yield return ($"{branch}.conv.{step * i}.", $"{tower}.{i}.conv.", false);
                if (_options.Norm != DetectionNorm.None)
                    yield return (
                        $"{branch}.conv.{step * i + 1}.",
                        $"{tower}.{i}.{(_options.Norm == DetectionNorm.Gn ? "gn" : "bn")}.",
                        false
                    );
            }
        }
        yield return ("classification_head.cls_logits.", $"{nameof(conv_cls)}.", false);
        yield return ("regression_head.bbox_reg.", $"{nameof(conv_reg)}.", false);
        yield return (
            _options.CenternessOnReg ? "regression_head.bbox_ctrness." : "classification_head.bbox_ctrness.",
            $"{nameof(conv_centerness)}.",
            false
        );
    }
}
