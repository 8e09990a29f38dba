using System.Numerics;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Models.Detection.Proposals;
using Tessera.Models.Detection.RoI;
using Tessera.Models.Detection.Suppression;
using Tessera.Models.Layers;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.TaskModels;

/// <summary>Images to boxes with classes, and to masks where there is a mask head, in two stages: what may be an object, then what it
/// is.</summary>
/// <remarks>Ren et al., "Faster R-CNN", 2015, arXiv:1506.01497. With masks: He et al., "Mask R-CNN", 2017, arXiv:1703.06870.</remarks>
[Component("TwoStageDetector"), ForTask(DataTask.Detection)]
public sealed class TwoStageDetector : VisionModel
{
    private readonly Backbone backbone;
    private readonly Neck? neck;
    private readonly ProposalHead rpn_head;
    private readonly RoIHead roi_head;
    private readonly TwoStageTestOptions _test;
    private readonly SuppressionMethod _nms;
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
        RegisterComponents();
    }

    /// <summary>Whether it finds masks, and is trained by them.</summary>
    public bool FindsMasks => roi_head.FindsMasks;

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => TwoStageKeys.Of(backbone, neck, rpn_head, roi_head);

    public override IReadOnlyCollection<ClassTensor> ClassTensors =>
        [.. roi_head.ClassTensors.Select(tensor => tensor with { Name = $"{nameof(roi_head)}.{tensor.Name}" })];

    public override Tensor Fit(string key, Tensor stored) =>
        key.StartsWith("backbone.", StringComparison.Ordinal) ? backbone.Fit(key["backbone.".Length..], stored) : stored;

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
        var masks = FindsMasks ? Masks(looks, left, batch.Samples, size) : null;
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

    private Kept Suppress(List<Candidates> looks, Sample sample, (int Height, int Width) size)
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
        return new Kept(
            [.. kept.SelectMany(i => inOriginal.Corners[(i * 4)..((i * 4) + 4)])],
            scores,
            [.. kept.Select(i => inOriginal.Labels[i])],
            [.. kept.Select(i => inOriginal.Anchors[i]).SelectMany(i => all.Corners[(i * 4)..((i * 4) + 4)])]
        );
    }

    /// <summary>The masks of what is left, the mean of all looks, in the original images.</summary>
    private IReadOnlyList<RunLengthMask>[] Masks(
        List<(TestLook Look, Tensor[] Maps)> looks,
        Kept[] left,
        IReadOnlyList<Sample> samples,
        (int Height, int Width) size
    )
    {
        var (labels, images) = (
            left.SelectMany(kept => kept.Labels).ToArray(),
            left.SelectMany((kept, i) => Enumerable.Repeat(i, kept.Labels.Length)).ToArray()
        );
        if (labels.Length == 0)
            return Array.ConvertAll(left, _ => (IReadOnlyList<RunLengthMask>)[]);
        using var scope = NewDisposeScope();
        Tensor? sum = null;
        foreach (var (look, maps) in looks)
        {
            var corners = left.SelectMany(kept => kept.InBatch).ToArray();
            look.FromBatch(corners);
            var ofLook = look.Mirrored(roi_head.Masks(maps, new RoIs(BoxArray.Of(corners), images), labels));
            sum = sum is null ? ofLook : sum + ofLook;
        }
        var cells = (int)sum!.shape[2];
        var masks = (sum / looks.Count).cpu().contiguous().Values<float>();
        var starts = left.Select((_, i) => left.Take(i).Sum(kept => kept.Labels.Length)).ToArray();
        var pasted = new RunLengthMask[labels.Length];
        Parallel.For(
            0,
            pasted.Length,
            i =>
                pasted[i] = Paste(
                    masks.AsSpan(i * cells * cells, cells * cells),
                    cells,
                    left[images[i]],
                    i - starts[images[i]],
                    samples[images[i]],
                    size
                )
        );
        return [.. left.Select((kept, i) => pasted.AsSpan(starts[i], kept.Labels.Length).ToArray())];
    }

    private RunLengthMask Paste(ReadOnlySpan<float> mask, int cells, Kept kept, int i, Sample sample, (int Height, int Width) size)
    {
        var geometry = sample.Geometry;
        var image = geometry is null ? size : (geometry.OriginalHeight, geometry.OriginalWidth);
        var toTensor = geometry?.Transform ?? Matrix3x2.Identity;
        var found = kept.Corners.AsSpan(i * 4, 4);
        var isUpright = toTensor is { M12: 0, M21: 0 };
        var place =
            _test.MaskPaste == MaskPaste.WholePixels && isUpright
                ? MaskPlace.WholePixels(cells, found, toTensor.M11 < 0, toTensor.M22 < 0, image)
                : MaskPlace.Sampled(cells, kept.InBatch.AsSpan(i * 4, 4), found, toTensor, image);
        return place.Paste(mask, cells, (float)_test.MaskThr, image);
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

    /// <summary>What suppression left of an image.</summary>
    /// <param name="Corners">[N * 4], in pixels of the original image.</param>
    /// <param name="InBatch">[N * 4], in pixels of the batch's tensor.</param>
    private sealed record Kept(float[] Corners, float[] Scores, int[] Labels, float[] InBatch);
}
