using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection.Assigners;
using Tessera.Models.Detection.Coders;
using Tessera.Models.Detection.Suppression;
using Tessera.Models.Losses.Detection;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.RoI;

/// <param name="StageLossWeights">The weight of each stage's losses, one for each stage; 1, 0.5 and 0.25 by default.</param>
/// <param name="AddGtAsProposals">In training the true boxes are looked at beside the proposals.</param>
public sealed record CascadeRoIHeadOptions(
    [property: MinLength(1), Range(0, 1000)] double[]? StageLossWeights = null,
    bool AddGtAsProposals = true
);

/// <summary>Several looks, each at the boxes that the one before it found, and each asked for a larger overlap.</summary>
/// <remarks>Cai and Vasconcelos, "Cascade R-CNN", 2017, arXiv:1712.00726; with masks: of the same authors, 2019, arXiv:1906.09756. Classes
/// are judged by the mean of all stages, on the boxes of the last; so are masks.</remarks>
[Component("CascadeRoIHead")]
public sealed class CascadeRoIHead : RoIHead
{
    private static readonly double[] s_overlaps = [0.5, 0.6, 0.7];
    private static readonly double[] s_weights = [1, 0.5, 0.25];
    private static readonly double[][] s_deviations =
    [
        [0.1, 0.1, 0.2, 0.2],
        [0.05, 0.05, 0.1, 0.1],
        [0.033, 0.033, 0.067, 0.067],
    ];

    private readonly ModuleList<RoIBoxHead> bbox_head = new();
    private readonly ModuleList<MaskHead>? mask_head;
    private readonly double[] _weights;
    private readonly RoIStage[] _stages;

    /// <param name="source">The neck, or the backbone where there is none.</param>
    /// <param name="data">The data's classes.</param>
    /// <param name="bboxRoiExtractor">Regions for the heads of all stages; SingleRoIExtractor by default.</param>
    /// <param name="bboxHead">Regions to classes and boxes, for each stage; by default three ConvFcBboxHead with one box a region, whose
    /// coders expect smaller shifts from stage to stage.</param>
    /// <param name="maskRoiExtractor">Regions for mask heads; SingleRoIExtractor with output_size 14 by default.</param>
    /// <param name="maskHead">Regions to masks, for each stage; none by default.</param>
    /// <param name="assigners">Which region is to find which box, for each stage; MaxIouAssigner with 0.5, 0.6 and 0.7 by default.</param>
    /// <param name="sampler">Which regions the losses look at; RandomSampler of 512, a quarter of them on objects, by default.</param>
    public CascadeRoIHead(
        CascadeRoIHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        RoIExtractor? bboxRoiExtractor = null,
        IReadOnlyList<RoIBoxHead>? bboxHead = null,
        RoIExtractor? maskRoiExtractor = null,
        IReadOnlyList<MaskHead>? maskHead = null,
        IReadOnlyList<Assigner>? assigners = null,
        BoxSampler? sampler = null
    )
        : base(nameof(CascadeRoIHead))
    {
        _weights = options.StageLossWeights ?? s_weights;
        bboxHead = bboxHead is { Count: > 0 } ? bboxHead : [.. s_deviations.Select(deviations => Usual(source, data, deviations))];
        assigners = assigners is { Count: > 0 } ? assigners : [.. s_overlaps.Select(RoIParts.Assigner)];
        RequireAsMany(_weights.Length, bboxHead.Count, "bbox_head");
        RequireAsMany(_weights.Length, assigners.Count, "assigners");
        bboxRoiExtractor ??= new SingleRoIExtractor(new(), source);
        var picks = sampler ?? new RandomBoxSampler(new());
        if (maskHead is { Count: > 0 })
        {
            RequireAsMany(_weights.Length, maskHead.Count, "mask_head");
            mask_head = new ModuleList<MaskHead>([.. maskHead]);
        }
        _stages = new RoIStage[_weights.Length];
        for (var i = 0; i < _stages.Length; i++)
        {
            bbox_head.Add(bboxHead[i]);
            RoIParts.RequireSameSize(nameof(CascadeRoIHead), "bbox", bboxRoiExtractor, bboxHead[i].RoiFeatSize);
            maskRoiExtractor = RoIParts.MaskExtractor(nameof(CascadeRoIHead), maskRoiExtractor, mask_head?[i], source);
            _stages[i] = new RoIStage(
                bboxRoiExtractor,
                bboxHead[i],
                maskRoiExtractor,
                mask_head?[i],
                assigners[i],
                picks,
                options.AddGtAsProposals
            );
        }
        RegisterComponents();
    }

    public override int Classes => bbox_head[0].Classes;

    public override bool FindsMasks => mask_head is not null;

    public override IReadOnlyCollection<ClassTensor> ClassTensors =>
        [
            .. bbox_head.SelectMany(
                (head, i) => head.ClassTensors.Select(tensor => tensor with { Name = $"{nameof(bbox_head)}.{i}.{tensor.Name}" })
            ),
            .. mask_head?.SelectMany(
                (head, i) => head.ClassTensors.Select(tensor => tensor with { Name = $"{nameof(mask_head)}.{i}.{tensor.Name}" })
            )
                ?? [],
        ];

    public override LossMap Losses(RoIInput input, IReadOnlyList<TruthBoxes> truths, RandomSource random, Progress progress)
    {
        using var scope = NewDisposeScope();
        var (losses, proposals) = (new LossMap(), input.Proposals);
        for (var i = 0; i < _stages.Length; i++)
        {
            var sampled = _stages[i].Sample(proposals, truths, random);
            var outputs = _stages[i].Outputs(input.Maps, sampled.Regions);
            _stages[i].AddLosses(losses, $"s{i}.", _weights[i], input.Maps, outputs, sampled, truths, progress);
            if (i + 1 < _stages.Length)
                proposals = _stages[i].Refined(outputs, sampled.Regions, input.Areas, sampled.Labels, sampled.AreTruth);
        }
        scope.MoveToOuter(losses.Values);
        return losses;
    }

    public override IReadOnlyList<(Candidates Found, bool IsFinite)> Detect(RoIInput input, float scoreThr)
    {
        using var scope = NewDisposeScope();
        var (mean, codes, regions) = Looks(input);
        return _stages[^1].Candidates(mean, codes, regions, input.Areas, scoreThr);
    }

    /// <summary>All stages' looks, each at the boxes of the one before: mean probabilities, and what the last says of its
    /// regions.</summary>
    private (Tensor Mean, Tensor Codes, RoIs Regions) Looks(RoIInput input)
    {
        var regions = RoIs.Of(input.Proposals);
        Tensor? sum = null;
        for (var i = 0; ; i++)
        {
            var outputs = _stages[i].Outputs(input.Maps, regions);
            var scores = outputs[0].softmax(1);
            sum = sum is null ? scores : sum + scores;
            if (i == _stages.Length - 1)
                return (sum / _stages.Length, outputs[1], regions);
            regions = RoIs.Of(_stages[i].Refined(outputs, regions, input.Areas));
        }
    }

    /// <summary>Logarithms of the stages' mean probabilities.</summary>
    public override Tensor ClassLogits(RoIInput input)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(Looks(input).Mean.log());
    }

    /// <summary>Those of the first stage.</summary>
    public override int[] LevelsOf(BoxArray regions) => _stages[0].LevelsOf(regions);

    public override Tensor Masks(Tensor[] maps, RoIs regions, int[] labels)
    {
        if (!FindsMasks)
            throw new InvalidOperationException("There is no mask head.");
        using var scope = NewDisposeScope();
        var sum = _stages.Select(stage => stage.Masks(maps, regions, labels)).Aggregate((a, b) => a + b);
        return scope.MoveToOuter(sum / _stages.Length);
    }

    private static ConvFcBboxHead Usual(IFeatureSource source, DataInfo data, double[] deviations) =>
        new(
            new(RegClassAgnostic: true),
            source,
            data,
            new DeltaXywhCoder(new(TargetStds: deviations)),
            lossBbox: new BoxSmoothL1Loss(new(Beta: 1))
        );

    private static void RequireAsMany(int stages, int given, string name)
    {
        if (given != stages)
            throw new UserErrorException(
                $"CascadeRoIHead: {name} has {given} entries, but there are {stages} stages (stage_loss_weights; 3 by default)."
            );
    }
}
