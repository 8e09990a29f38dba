using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection.Assigners;
using Tessera.Models.Detection.Suppression;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.RoI;

/// <param name="AddGtAsProposals">In training the true boxes are looked at beside the proposals.</param>
public sealed record StandardRoIHeadOptions(bool AddGtAsProposals = true);

/// <summary>One look at every proposal.</summary>
/// <remarks>Ren et al., "Faster R-CNN", 2015, arXiv:1506.01497; with masks: He et al., "Mask R-CNN", 2017, arXiv:1703.06870.</remarks>
[Component("StandardRoIHead")]
public sealed class StandardRoIHead : RoIHead
{
    private readonly RoIBoxHead bbox_head;
    private readonly MaskHead? mask_head;
    private readonly RoIStage _stage;

    /// <param name="source">The neck, or the backbone where there is none.</param>
    /// <param name="data">The data's classes.</param>
    /// <param name="bboxRoiExtractor">Regions for the bbox_head; SingleRoIExtractor by default.</param>
    /// <param name="bboxHead">Regions to classes and boxes; ConvFcBboxHead by default.</param>
    /// <param name="maskRoiExtractor">Regions for the mask_head; SingleRoIExtractor with output_size 14 by default.</param>
    /// <param name="maskHead">Regions to masks; none by default.</param>
    /// <param name="assigner">Which proposal is to find which box; MaxIouAssigner with 0.5 by default.</param>
    /// <param name="sampler">Which proposals the losses look at; RandomSampler of 512, a quarter of them on objects, by default.</param>
    public StandardRoIHead(
        StandardRoIHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        RoIExtractor? bboxRoiExtractor = null,
        RoIBoxHead? bboxHead = null,
        RoIExtractor? maskRoiExtractor = null,
        MaskHead? maskHead = null,
        Assigner? assigner = null,
        BoxSampler? sampler = null
    )
        : base(nameof(StandardRoIHead))
    {
        bboxRoiExtractor ??= new SingleRoIExtractor(new(), source);
        bbox_head = bboxHead ?? new ConvFcBboxHead(new(), source, data);
        mask_head = maskHead;
        RoIParts.RequireSameSize(nameof(StandardRoIHead), "bbox", bboxRoiExtractor, bbox_head.RoiFeatSize);
        maskRoiExtractor = RoIParts.MaskExtractor(nameof(StandardRoIHead), maskRoiExtractor, maskHead, source);
        _stage = new RoIStage(
            bboxRoiExtractor,
            bbox_head,
            maskRoiExtractor,
            mask_head,
            assigner ?? RoIParts.Assigner(0.5),
            sampler ?? new RandomBoxSampler(new()),
            options.AddGtAsProposals
        );
        RegisterComponents();
    }

    public override int Classes => bbox_head.Classes;

    public override bool FindsMasks => mask_head is not null;

    public override IReadOnlyCollection<ClassTensor> ClassTensors =>
        [
            .. bbox_head.ClassTensors.Select(tensor => tensor with { Name = $"{nameof(bbox_head)}.{tensor.Name}" }),
            .. mask_head?.ClassTensors.Select(tensor => tensor with { Name = $"{nameof(mask_head)}.{tensor.Name}" }) ?? [],
        ];

    internal override IEnumerable<(string Foreign, string Own, bool ReadOnly)> TorchvisionKeys =>
        [
            .. bbox_head.TorchvisionKeys.Select(key => key with { Own = $"{nameof(bbox_head)}.{key.Own}" }),
            .. mask_head?.TorchvisionKeys.Select(key => key with { Own = $"{nameof(mask_head)}.{key.Own}" }) ?? [],
        ];

    public override LossMap Losses(RoIInput input, IReadOnlyList<TruthBoxes> truths, RandomSource random, Progress progress)
    {
        using var scope = NewDisposeScope();
        var sampled = _stage.Sample(input.Proposals, truths, random);
        var losses = new LossMap();
        _stage.AddLosses(losses, "", 1, input.Maps, _stage.Outputs(input.Maps, sampled.Regions), sampled, truths, progress);
        scope.MoveToOuter(losses.Values);
        return losses;
    }

    public override IReadOnlyList<(Candidates Found, bool IsFinite)> Detect(RoIInput input, float scoreThr)
    {
        using var scope = NewDisposeScope();
        var regions = RoIs.Of(input.Proposals);
        var outputs = _stage.Outputs(input.Maps, regions);
        return _stage.Candidates(outputs[0].softmax(1), outputs[1], regions, input.Areas, scoreThr);
    }

    public override Tensor ClassLogits(RoIInput input)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(_stage.Outputs(input.Maps, RoIs.Of(input.Proposals))[0]);
    }

    public override int[] LevelsOf(BoxArray regions) => _stage.LevelsOf(regions);

    public override Tensor Masks(Tensor[] maps, RoIs regions, int[] labels) =>
        FindsMasks ? _stage.Masks(maps, regions, labels) : throw new InvalidOperationException("There is no mask head.");
}
