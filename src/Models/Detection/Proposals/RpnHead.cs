using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Assigners;
using Tessera.Models.Detection.Coders;
using Tessera.Models.Detection.Heads;
using Tessera.Models.Detection.Suppression;
using Tessera.Models.Layers;
using Tessera.Models.Losses.Detection;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.Proposals;

/// <param name="NmsPre">Of each map, at most this many of the best go on to suppression.</param>
/// <param name="MaxPerImg">At most this many are left of an image.</param>
public sealed record ProposalCounts(
    [property: Range(1, 1_000_000)] int NmsPre = 1000,
    [property: Range(1, 1_000_000)] int MaxPerImg = 1000
);

/// <param name="FeatChannels">Channels between the two layers; the maps' by default.</param>
/// <param name="Train">How many proposals the second stage is trained by; 2000 of each map and 1000 by default.</param>
/// <param name="Test">How many it predicts by; 1000 and 1000 by default.</param>
/// <param name="NmsIouThreshold">A proposal that overlaps a better one of its map by more than this is dropped.</param>
/// <param name="MinBboxSize">A proposal's width and height, in pixels of the tensor, are at least this.</param>
public sealed record RpnHeadOptions(
    [property: Range(1, 65536)] int? FeatChannels = null,
    ProposalCounts? Train = null,
    ProposalCounts? Test = null,
    [property: Range(0, 1)] double NmsIouThreshold = 0.7,
    [property: Range(0, 10_000)] double MinBboxSize = 1e-3
);

/// <summary>One convolution, shared by all maps, and for every anchor whether it is on an object and how it is shifted.</summary>
/// <remarks>Ren et al., "Faster R-CNN", 2015, arXiv:1506.01497, section 3.1. Maps are suppressed each by itself, as in MMDetection and
/// torchvision.</remarks>
[Component("RpnHead")]
public sealed class RpnHead : ProposalHead
{
    private readonly Conv2d rpn_conv;
    private readonly Conv2d rpn_cls;
    private readonly Conv2d rpn_reg;
    private readonly RpnHeadOptions _options;
    private readonly AnchorGeneratorBase _anchors;
    private readonly Assigner _assigner;
    private readonly BoxSampler _sampler;
    private readonly BoxCoder _coder;
    private readonly ClassLoss _lossCls;
    private readonly BoxLoss _lossBbox;
    private readonly Nms _nms;

    /// <param name="source">The neck, or the backbone where there is none.</param>
    /// <param name="anchorGenerator">The anchors; of 8 strides in 3 ratios by default.</param>
    /// <param name="assigner">Which anchor is to find which box; MaxIouAssigner with 0.7, 0.3 and min_pos_iou 0.3 by default.</param>
    /// <param name="sampler">Which anchors the losses look at; RandomSampler of 256, one half of them on objects, by default.</param>
    /// <param name="boxCoder">Boxes as numbers; DeltaXywhCoder by default.</param>
    /// <param name="lossCls">The loss of the scores; CrossEntropyLoss by default.</param>
    /// <param name="lossBbox">The loss of the boxes; L1Loss by default. One that compares boxes gets them decoded.</param>
    public RpnHead(
        RpnHeadOptions options,
        IFeatureSource source,
        AnchorGeneratorBase? anchorGenerator = null,
        Assigner? assigner = null,
        BoxSampler? sampler = null,
        BoxCoder? boxCoder = null,
        ClassLoss? lossCls = null,
        BoxLoss? lossBbox = null
    )
        : base(nameof(RpnHead))
    {
        _options = options;
        _anchors = anchorGenerator ?? new AnchorGenerator(new(Scales: [8]), source);
        _assigner = assigner ?? new MaxIouAssigner(new(PosIouThr: 0.7, NegIouThr: 0.3, MinPosIou: 0.3)) { IgnoreIofThr = -1 };
        _sampler = sampler ?? new RandomBoxSampler(new(Num: 256, PosFraction: 0.5));
        _coder = boxCoder ?? new DeltaXywhCoder(new());
        _lossCls = lossCls ?? new DenseCrossEntropyLoss();
        _lossBbox = lossBbox ?? new BoxL1Loss();
        _nms = new Nms(new(options.NmsIouThreshold));
        var width = Towers.WidthOf(source, nameof(RpnHead));
        var channels = options.FeatChannels ?? width;
        rpn_conv = Conv2d(width, channels, 3, padding: 1);
        rpn_cls = Conv2d(channels, _anchors.PerCell, 1);
        rpn_reg = Conv2d(channels, _anchors.PerCell * 4, 1);
        RegisterComponents();
        Towers.Initialize(this);
    }

    public AnchorGeneratorBase Anchors => _anchors;

    public Assigner Assigner => _assigner;

    internal override IEnumerable<(string Foreign, string Own, bool ReadOnly)> TorchvisionKeys =>
        [
            ("conv.0.0.", $"{nameof(rpn_conv)}.", false),
            ("conv.", $"{nameof(rpn_conv)}.", true), // before torchvision 0.13
            ("cls_logits.", $"{nameof(rpn_cls)}.", false),
            ("bbox_pred.", $"{nameof(rpn_reg)}.", false),
        ];

    /// <param name="maps">[B, C, H, W] each.</param>
    /// <returns>For each map the logits [B, A, H, W], then for each map the boxes [B, A · 4, H, W].</returns>
    public override Tensor[] forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var outputs = new Tensor[maps.Length * 2];
        for (var i = 0; i < maps.Length; i++)
        {
            var hidden = Rectifier.InPlace(rpn_conv.call(maps[i]));
            outputs[i] = rpn_cls.call(hidden).to(ScalarType.Float32);
            outputs[maps.Length + i] = rpn_reg.call(hidden).to(ScalarType.Float32);
        }
        scope.MoveToOuter(outputs);
        return outputs;
    }

    public override LossMap Losses(Tensor[] outputs, IReadOnlyList<TruthBoxes> truths, (int Height, int Width) image, RandomSource random)
    {
        using var scope = NewDisposeScope();
        var (logits, codes) = Parts(outputs);
        var grid = _anchors.Generate([.. logits.Select(map => ((int)map.shape[2], (int)map.shape[3]))], image);
        var assigned = InParallel.Select(truths, truth => _assigner.Assign(grid, truth));
        var targets = new ProposalTargets(grid, truths, assigned, [.. assigned.Select(image => _sampler.Sample(image, random))]);
        var device = logits[0].device;
        var found = Rows(logits, 1).index_select(0, tensor(targets.Sampled, device: device)).squeeze(1); // [S], the positives first
        var positives = targets.Positives;
        var classLoss =
            (
                _lossCls.Present(found.narrow(0, 0, positives)).sum()
                + _lossCls.Absent(found.narrow(0, positives, found.shape[0] - positives)).sum()
            ) * (_lossCls.Weight / Math.Max(1, found.shape[0]));
        var code = Rows(codes, 4).index_select(0, tensor(targets.Sampled.AsSpan(0, positives).ToArray(), device: device)); // [P, 4]
        var (anchors, boxes) = (targets.Anchors(device), targets.Boxes(device));
        if (_lossBbox.OnBoxes)
            code = _coder.Decode(anchors, code);
        else
            boxes = _coder.Encode(anchors, boxes);
        var boxLoss = _lossBbox.Sum(code, boxes) / Math.Max(1, found.shape[0]);
        scope.MoveToOuter(classLoss, boxLoss);
        return new LossMap { ["loss_rpn_cls"] = classLoss, ["loss_rpn_bbox"] = boxLoss };
    }

    public override IReadOnlyList<BoxArray> Proposals(
        Tensor[] outputs,
        (int Height, int Width) image,
        IReadOnlyList<ImageArea> areas,
        bool training
    )
    {
        using var still = no_grad();
        using var scope = NewDisposeScope();
        var (logits, codes) = Parts(outputs);
        var grid = _anchors.Generate([.. logits.Select(map => ((int)map.shape[2], (int)map.shape[3]))], image);
        var counts = training ? _options.Train ?? new ProposalCounts(2000) : _options.Test ?? new ProposalCounts();
        var everything = new CandidateLimits(-1, counts.NmsPre);
        var found = CandidateSelection.Select(grid, logits, codes, null, CandidateScore.Alone, _coder, everything);
        return InParallel.Select(
            [.. found.Zip(areas)],
            pair => ProposalSelection.Best(pair.First, pair.Second, grid, _nms, counts.MaxPerImg, (float)_options.MinBboxSize)
        );
    }

    private static (Tensor[] Logits, Tensor[] Codes) Parts(Tensor[] outputs) =>
        (outputs[..(outputs.Length / 2)], outputs[(outputs.Length / 2)..]);

    /// <summary>What maps [B, A · n, H, W] say of every anchor, image after image in the anchors' order: [B · anchors, n].</summary>
    private static Tensor Rows(Tensor[] maps, int values) =>
        cat([.. maps.Select(map => map.unflatten(1, [-1, values]).permute(0, 3, 4, 1, 2).reshape(map.shape[0], -1, values))], 1)
            .flatten(0, 1);
}
