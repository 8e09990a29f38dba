using Tessera.Framework.Data;
using Tessera.Framework.Models;
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
/// <param name="ShareConv">All maps share the towers' convolutions; their norms are each map's own.</param>
/// <param name="ExpOnReg">Distances go through an exponential, as in RTMDet-m and larger.</param>
/// <param name="PredKernelSize">Side of the last convolutions, odd.</param>
/// <param name="PriorProb">Probability with which every class is seen everywhere before training.</param>
/// <param name="NormEps">What batch norms add to variances.</param>
/// <param name="NormMomentum">The share of a batch in batch norms' running statistics.</param>
public sealed record RtmdetHeadOptions(
    [property: Range(1, 1_000_000)] int? NumClasses = null,
    [property: Range(1, 65536)] int? FeatChannels = null,
    [property: Range(1, 16)] int StackedConvs = 2,
    bool ShareConv = true,
    bool ExpOnReg = false,
    [property: Range(1, 15)] int PredKernelSize = 1,
    [property: Range(1e-6, 0.999)] double PriorProb = 0.01,
    [property: Range(1e-12, 1)] double NormEps = 1e-5,
    [property: Range(0, 1)] double NormMomentum = 0.1
);

/// <summary>Without anchors: towers whose convolutions all maps share, with norms of their own; a class's score says how good the box is,
/// too.</summary>
/// <remarks>
/// Lyu et al., "RTMDet: An Empirical Study of Designing Real-Time Object Detectors", 2022, arXiv:2212.07784; MMDetection's
/// RTMDetSepBNHead without objectness. Both losses are averaged over the sum of the overlaps of the places' guesses with their boxes. A
/// place is the upper left corner of its cell.
/// </remarks>
[Component("RtmdetHead")]
public sealed class RtmdetHead : DenseHead
{
    private readonly ModuleList<ModuleList<SepNormLayer>> cls_convs;
    private readonly ModuleList<ModuleList<SepNormLayer>> reg_convs;
    private readonly ModuleList<Conv2d> rtm_cls = new();
    private readonly ModuleList<Conv2d> rtm_reg = new();
    private readonly RtmdetHeadOptions _options;
    private readonly AnchorGenerator _places;
    private readonly DistanceCoder _coder = new(new()); // in strides, a place's anchor being one stride wide
    private readonly PredictionAssigner _assigner;
    private readonly ClassLoss _lossCls;
    private readonly BoxLoss _lossBbox;

    /// <param name="source">The neck, or the backbone where there is none.</param>
    /// <param name="data">The data's classes.</param>
    /// <param name="assigner">Which place is to find which box; DynamicSoftLabelAssigner by default.</param>
    /// <param name="lossCls">The loss of the scores, one that takes qualities; QualityFocalLoss by default.</param>
    /// <param name="lossBbox">The loss of the boxes; GIoULoss of weight 2 by default. One that compares a coder's numbers gets distances in
    /// strides.</param>
    public RtmdetHead(
        RtmdetHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        PredictionAssigner? assigner = null,
        ClassLoss? lossCls = null,
        BoxLoss? lossBbox = null
    )
        : base(nameof(RtmdetHead))
    {
        _options = options;
        Classes = ClassesOf(nameof(RtmdetHead), options.NumClasses, data);
        if (options.PredKernelSize % 2 == 0)
            throw new UserErrorException($"RtmdetHead: pred_kernel_size must be odd, not {options.PredKernelSize}.");
        _places = new AnchorGenerator(new(Scales: [1], Ratios: [1]), source);
        _assigner = assigner ?? new DynamicSoftLabelAssigner(new());
        _lossCls = lossCls ?? new QualityFocalLoss(new());
        RequireQuality(nameof(RtmdetHead), _lossCls);
        _lossBbox = lossBbox ?? new GIoULoss { Weight = 2 };
        var width = Towers.WidthOf(source, nameof(RtmdetHead));
        var channels = options.FeatChannels ?? width;
        (cls_convs, reg_convs) = (Tower(width, channels), Tower(width, channels));
        foreach (var _ in _places.Strides)
        {
            rtm_cls.Add(Conv2d(channels, Classes, options.PredKernelSize, padding: options.PredKernelSize / 2));
            rtm_reg.Add(Conv2d(channels, 4, options.PredKernelSize, padding: options.PredKernelSize / 2));
        }
        RegisterComponents();
        Towers.Initialize(this);
        foreach (var layer in rtm_cls)
            Towers.SetPrior(layer, options.PriorProb);
    }

    public override int Classes { get; }

    internal override string ClassifierKey => nameof(rtm_cls);

    internal override IEnumerable<ClassTensor> ClassTensors =>
        Enumerable
            .Range(0, Maps)
            .SelectMany(map => new[] { "weight", "bias" }.Select(name => new ClassTensor($"{nameof(rtm_cls)}.{map}.{name}")));

    internal override IEnumerable<(string Foreign, string Own, bool ReadOnly)> TorchvisionKeys => [];

    // There, shared convolutions lie in the file once for each map.
    internal override Func<string, string?>? MmlabRepeats => _options.ShareConv ? FirstOf : null;

    /// <param name="maps">[B, C, H, W] each.</param>
    /// <returns>For each map the class logits [B, classes, H, W]; then for each the distances to left, top, right and bottom, in strides,
    /// [B, 4, H, W].</returns>
    public override Tensor[] forward(Tensor[] maps)
    {
        RequireMaps(maps);
        using var scope = NewDisposeScope();
        var outputs = new Tensor[maps.Length * 2];
        for (var i = 0; i < maps.Length; i++)
        {
            outputs[i] = rtm_cls[i].call(Run(cls_convs[i], maps[i]));
            var distances = rtm_reg[i].call(Run(reg_convs[i], maps[i]));
            // In float32: an exponential of half precision is coarse.
            outputs[maps.Length + i] = _options.ExpOnReg ? distances.to(ScalarType.Float32).exp() : distances;
        }
        scope.MoveToOuter(outputs);
        return outputs;
    }

    public override LossMap Losses(Tensor[] outputs, IReadOnlyList<TruthBoxes> truths, (int Height, int Width) image)
    {
        using var scope = NewDisposeScope();
        var (grid, logits, codes, _) = Read(outputs, image);
        var guesses = PlaceTargets.Guesses(grid, _coder, PlaceTargets.Flat(logits), PlaceTargets.Flat(codes), null);
        var pairs = truths.Zip(guesses).ToArray();
        var matches = InParallel.Select(pairs, pair => _assigner.Assign(grid, pair.First, pair.Second));
        var sum = MathF.Max(1, matches.Sum(match => match.Overlaps.Sum()));
        var weights = Array.ConvertAll(pairs, _ => 1 / sum);
        var targets = new DenseTargets(grid, truths, [.. matches.Select(match => match.Boxes)], weights);

        var found = targets.Gather(codes); // [P, 4]
        var device = found.device;
        var quality = targets.OfPositives([.. matches.Select(match => match.Overlaps)], device); // [P]
        var classLoss = targets.ClassLoss(logits, _lossCls, quality);
        var boxLoss = BoxSum(_lossBbox, targets.Anchors(device), found, targets.Boxes(device), quality / sum);
        scope.MoveToOuter(classLoss, boxLoss);
        return new LossMap { ["loss_cls"] = classLoss, ["loss_bbox"] = boxLoss };
    }

    private protected override DenseOutputs Read(Tensor[] outputs, (int Height, int Width) image)
    {
        var kinds = Kinds(outputs, 2);
        return new DenseOutputs(_places.Generate(SizesOf(kinds[0]), image), kinds[0], kinds[1]);
    }

    private protected override BoxCoder Coder => _coder;

    private protected override int Maps => _places.Strides.Count;

    /// <summary>For each map its layers.</summary>
    private ModuleList<ModuleList<SepNormLayer>> Tower(int width, int channels)
    {
        var norm = new NormSettings(_options.NormEps, _options.NormMomentum);
        var maps = new ModuleList<ModuleList<SepNormLayer>>();
        foreach (var _ in _places.Strides)
        {
            var layers = new ModuleList<SepNormLayer>();
            for (var i = 0; i < _options.StackedConvs; i++)
                layers.Add(
                    new SepNormLayer(i == 0 ? width : channels, channels, norm, _options.ShareConv && maps.Count > 0 ? maps[0][i] : null)
                );
            maps.Add(layers);
        }
        return maps;
    }

    private static Tensor Run(ModuleList<SepNormLayer> layers, Tensor map)
    {
        foreach (var layer in layers)
            map = layer.call(map);
        return map;
    }

    /// <summary>"cls_convs.0.1.conv.weight" for "cls_convs.2.1.conv.weight"; null for what no other map has.</summary>
    private static string? FirstOf(string key) =>
        key.Split('.') is [nameof(cls_convs) or nameof(reg_convs), not "0", var layer, "conv", var name]
            ? $"{key[..key.IndexOf('.', StringComparison.Ordinal)]}.0.{layer}.conv.{name}"
            : null;
}
