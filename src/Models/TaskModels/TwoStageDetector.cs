using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Models.Detection.Proposals;
using Tessera.Models.Detection.RoI;
using Tessera.Models.Detection.Suppression;
using Tessera.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.TaskModels;

/// <summary>Images to boxes with classes, and to masks where there is a mask head, in two stages: what may be an object, then what it
/// is.</summary>
/// <remarks>Ren et al., "Faster R-CNN", 2015, arXiv:1506.01497. With masks: He et al., "Mask R-CNN", 2017, arXiv:1703.06870.</remarks>
[Component("TwoStageDetector"), ForTask(DataTask.Detection)]
public sealed class TwoStageDetector : VisionModel, IExplainable, ILocatesObjects
{
    private readonly Backbone backbone;
    private readonly Neck? neck;
    private readonly ProposalHead rpn_head;
    private readonly RoIHead roi_head;
    private readonly TwoStageTestOptions _test;
    private readonly SuppressionMethod _nms;
    private readonly FoundRegions _regions;
    private readonly RegionMasks _masks;
    private ConvNormFusion? _fused;

    /// <param name="backbone">Images to feature maps.</param>
    /// <param name="neck">Feature maps to a pyramid.</param>
    /// <param name="rpnHead">The pyramid to proposals.</param>
    /// <param name="roiHead">Proposals to boxes and classes, and to masks.</param>
    /// <param name="data">The data's classes.</param>
    /// <param name="services">Build the method of suppression.</param>
    public TwoStageDetector(
        TwoStageDetectorOptions options,
        Backbone backbone,
        Neck? neck,
        ProposalHead rpnHead,
        RoIHead roiHead,
        DataInfo data,
        IServiceProvider services
    )
        : base(nameof(TwoStageDetector))
    {
        if (data.Task != DataTask.Detection)
            throw new UserErrorException($"TwoStageDetector needs data with boxes, not with a truth for {TaskNames.Of(data.Task)}.");
        (this.backbone, this.neck, rpn_head, roi_head) = (backbone, neck, rpnHead, roiHead);
        _test = options.Test ?? new TwoStageTestOptions();
        _nms = _test.Nms?.Build(services) ?? new Nms(new());
        TestLook.RequireFlip(nameof(TwoStageDetector), _test.Flip, _test.FlipDirections);
        (_regions, _masks) = (new FoundRegions(rpn_head, roi_head, _nms, _test), new RegionMasks(roi_head, _test));
        RegisterComponents();
    }

    /// <summary>Whether it finds masks, and is trained by them.</summary>
    public bool FindsMasks => roi_head.FindsMasks;

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => TwoStageKeys.Of(backbone, neck, rpn_head, roi_head);

    public override IReadOnlyCollection<ClassTensor> ClassTensors =>
        [.. roi_head.ClassTensors.Select(tensor => tensor with { Name = $"{nameof(roi_head)}.{tensor.Name}" })];

    public override Tensor Fit(string key, Tensor stored) =>
        key.StartsWith("backbone.", StringComparison.Ordinal) ? backbone.Fit(key["backbone.".Length..], stored) : stored;

    /// <summary>The pyramid, of which the second stage cuts its regions.</summary>
    public Tensor[] Outputs(Tensor images) => backbone.Maps(neck, images);

    public string Pyramid => neck is null ? nameof(backbone) : nameof(neck);

    public IReadOnlyList<IReadOnlyList<DetectedObject>> Locate(Batch batch)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        return _regions.Locate(batch, Outputs(batch.Images));
    }

    public Tensor LogitsOf(Tensor[] outputs, IReadOnlyList<DetectedObject> objects)
    {
        foreach (var found in objects)
            found.Place.Require(this, outputs[found.Place.Level]);
        return _regions.LogitsOf(outputs, objects);
    }

    /// <summary>What the first stage says of images.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <returns>The pyramid's maps, and the rpn_head's outputs.</returns>
    public (Tensor[] Maps, Tensor[] Outputs) FirstStage(Tensor images)
    {
        using var scope = NewDisposeScope();
        var maps = backbone.Maps(neck, images);
        var outputs = rpn_head.call(maps);
        scope.MoveToOuter(maps);
        scope.MoveToOuter(outputs);
        return (maps, outputs);
    }

    public override LossMap Loss(Batch batch, Progress progress)
    {
        var truths = batch.Samples.Select(TruthOf).ToArray();
        var size = SizeOf(batch.Images);
        var areas = batch.Samples.Select(sample => ImageArea.Of(sample, size)).ToArray();
        using var scope = NewDisposeScope();
        var random = new RandomSource((ulong)randint(long.MaxValue, [1], ScalarType.Int64).item<long>());
        var (maps, outputs) = FirstStage(batch.Images);
        var losses = rpn_head.Losses(outputs, truths, size, random);
        var proposals = rpn_head.Proposals(outputs, size, areas, training: true);
        foreach (var (name, loss) in roi_head.Losses(new RoIInput(maps, proposals, areas), truths, random, progress))
            losses.Add(name, loss);
        scope.MoveToOuter(losses.Values);
        return losses;
    }

    public override IReadOnlyList<Prediction> Predict(Batch batch)
    {
        using var fused = _test.FuseConvBn && !ConvNormFusion.IsEntered ? (_fused ??= new ConvNormFusion()).Enter() : default(IDisposable);
        using var scope = NewDisposeScope();
        var size = SizeOf(batch.Images);
        var areas = batch.Samples.Select(sample => ImageArea.Of(sample, size)).ToArray();
        var found = batch.Samples.Select(_ => new List<Candidates>()).ToArray();
        var finite = Enumerable.Repeat(true, found.Length).ToArray();
        var looks = new List<(TestLook Look, Tensor[] Maps)>();
        foreach (var look in TestLook.All(size, _test.Flip, _test.FlipDirections, _test.Scales))
            looks.Add((look, LookAt(look, batch.Images, areas, found, finite)));
        var left = found.Select((looks, i) => Suppress(looks, batch.Samples[i], size)).ToArray();
        var masks = FindsMasks ? _masks.Of(looks, left, batch.Samples, size) : null;
        return
        [
            .. left.Select(
                (kept, i) =>
                    new DetectionPrediction(kept.Corners, kept.Scores, kept.Labels) { OutputIsFinite = finite[i], Masks = masks?[i] }
            ),
        ];
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _fused?.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Boxes of one look go to what was found.</summary>
    /// <returns>The maps, where masks are wanted of them.</returns>
    private Tensor[] LookAt(TestLook look, Tensor batchImages, ImageArea[] areas, List<Candidates>[] found, bool[] finite)
    {
        using var scope = NewDisposeScope();
        var images = look.Of(batchImages);
        var (maps, outputs) = FirstStage(images);
        var firstIsFinite = FiniteOutput.OfImages(outputs);
        var areasOfLook = Array.ConvertAll(areas, look.FromBatch);
        var proposals = rpn_head.Proposals(outputs, SizeOf(images), areasOfLook, training: false);
        var detected = roi_head.Detect(new RoIInput(maps, proposals, areasOfLook), (float)_test.ScoreThr);
        for (var i = 0; i < found.Length; i++)
        {
            finite[i] &= firstIsFinite[i] && detected[i].IsFinite;
            look.ToBatch(detected[i].Found.Corners);
            found[i].Add(detected[i].Found);
        }
        if (!FindsMasks)
            return [];
        scope.MoveToOuter(maps);
        return maps;
    }

    private KeptRegions Suppress(List<Candidates> looks, Sample sample, (int Height, int Width) size)
    {
        var all = new Candidates(
            [.. looks.SelectMany(look => look.Corners)],
            [.. looks.SelectMany(look => look.Scores)],
            [.. looks.SelectMany(look => look.Labels)]
        )
        {
            Anchors = [.. Enumerable.Range(0, looks.Sum(look => look.Count))], // which box each comes from
        };
        var inOriginal = ImageFrame.ToOriginal(all, sample, size, _test.MinBboxSize);
        var (kept, scores) = _nms.Apply(inOriginal, _test.MaxPerImg);
        return new KeptRegions(
            [.. kept.SelectMany(i => inOriginal.Corners[(i * 4)..((i * 4) + 4)])],
            scores,
            [.. kept.Select(i => inOriginal.Labels[i])],
            [.. kept.Select(i => inOriginal.Anchors[i]).SelectMany(i => all.Corners[(i * 4)..((i * 4) + 4)])]
        );
    }

    private TruthBoxes TruthOf(Sample sample)
    {
        var truth = TruthBoxes.Of(sample, roi_head.Classes);
        if (FindsMasks && truth is { Masks: null, Boxes.Count: > 0 })
            throw new UserErrorException(
                $"{sample.Name} has boxes but no mask for each, which roi_head.mask_head is trained by. Does its annotation have masks "
                    + "(segmentation in COCO's files), and does the data set read them (with_masks of CocoDetection)? Without masks, "
                    + "leave mask_head and mask_roi_extractor out of model.roi_head."
            );
        return truth;
    }

    private static (int Height, int Width) SizeOf(Tensor images) => ((int)images.shape[2], (int)images.shape[3]);
}
