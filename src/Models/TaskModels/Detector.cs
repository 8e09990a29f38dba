using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Models.Detection.Heads;
using Tessera.Models.Detection.Suppression;
using Tessera.Models.Layers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.TaskModels;

/// <summary>Images to boxes with classes, in one stage: a head looks at every place of a pyramid.</summary>
[Component("Detector"), ForTask(DataTask.Detection)]
public sealed class Detector : VisionModel, IExplainable, ILocatesObjects, IPredictsByTensors
{
    private readonly Backbone backbone;
    private readonly Neck? neck;
    private readonly BoxHead bbox_head;
    private readonly DetectorTestOptions _test;
    private readonly SuppressionMethod _nms;
    private ConvNormFusion? _fused;

    /// <param name="backbone">Images to feature maps.</param>
    /// <param name="neck">Feature maps to a pyramid.</param>
    /// <param name="bboxHead">The pyramid to boxes and classes, with the losses.</param>
    /// <param name="data">The data's classes.</param>
    /// <param name="services">Build the method of suppression.</param>
    public Detector(DetectorOptions options, Backbone backbone, Neck? neck, BoxHead bboxHead, DataInfo data, IServiceProvider services)
        : this(
            options.Test ?? new DetectorTestOptions(),
            backbone,
            neck,
            bboxHead,
            data,
            options.Test?.Nms?.Build(services) ?? new Nms(new())
        ) { }

    internal Detector(DetectorTestOptions test, Backbone backbone, Neck? neck, BoxHead bboxHead, DataInfo data, SuppressionMethod nms)
        : base(nameof(Detector))
    {
        if (data.Task != DataTask.Detection)
            throw new UserErrorException($"Detector needs data with boxes, not with a truth for {TaskNames.Of(data.Task)}.");
        (this.backbone, this.neck, bbox_head) = (backbone, neck, bboxHead);
        (_test, _nms) = (test, nms);
        TestLook.RequireFlip(nameof(Detector), _test.Flip, _test.FlipDirections);
        RegisterComponents();
    }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => DetectorKeys.Of(backbone, neck, bbox_head);

    public override IReadOnlyCollection<ClassTensor> ClassTensors =>
        [
            .. bbox_head.ClassTensors.Select(tensor =>
                tensor with
                {
                    Name = $"{nameof(bbox_head)}.{tensor.Name}",
                    Beside = tensor.Beside is { } beside ? $"{nameof(bbox_head)}.{beside}" : null,
                }
            ),
        ];

    public override Tensor Fit(string key, Tensor stored) =>
        key.StartsWith("backbone.", StringComparison.Ordinal) ? backbone.Fit(key["backbone.".Length..], stored) : stored;

    /// <summary>What the head says of images, as it needs it for losses and candidates.</summary>
    /// <param name="images">[B, C, H, W].</param>
    public Tensor[] Outputs(Tensor images)
    {
        using var scope = NewDisposeScope();
        var outputs = bbox_head.call(backbone.Maps(neck, images));
        scope.MoveToOuter(outputs);
        return outputs;
    }

    public string Pyramid => neck is null ? nameof(backbone) : nameof(neck);

    /// <summary>The logits of the classes: for each level [B, A · classes, H, W], those of an anchor beside each other.</summary>
    /// <exception cref="UserErrorException">The head does not say where they are.</exception>
    public Tensor[] ClassLogits(Tensor[] outputs) => bbox_head.ClassLogits(outputs);

    public Tensor LogitsOf(Tensor[] outputs, IReadOnlyList<DetectedObject> objects)
    {
        using var scope = NewDisposeScope();
        var levels = ClassLogits(outputs);
        var byLevel = Enumerable.Range(0, objects.Count).GroupBy(row => objects[row].Place.Level).ToArray();
        var logits = cat([.. byLevel.Select(rows => Of(levels[rows.Key], [.. rows]))]);
        var places = new long[objects.Count];
        foreach (var (at, row) in byLevel.SelectMany(rows => rows).Index())
            places[row] = at;
        return scope.MoveToOuter(logits.index(Indices(places)));

        Tensor Of(Tensor level, int[] rows)
        {
            foreach (var row in rows)
                objects[row].Place.Require(this, level);
            return level.index(
                Indices(rows.Select(row => (long)row)),
                Indices(rows.Select(row => (long)(objects[row].Place.Shape * bbox_head.Classes) + objects[row].Label)),
                Indices(rows.Select(row => (long)objects[row].Place.Row)),
                Indices(rows.Select(row => (long)objects[row].Place.Column))
            );
        }

        Tensor Indices(IEnumerable<long> values) => tensor(values.ToArray(), device: outputs[0].device);
    }

    public IReadOnlyList<IReadOnlyList<DetectedObject>> Locate(Batch batch)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var outputs = Outputs(batch.Images);
        var logits = ClassLogits(outputs);
        var size = SizeOf(batch.Images);
        var found = bbox_head.Candidates(outputs, size, Limits);
        return
        [
            .. found.Select(
                IReadOnlyList<DetectedObject> (candidates, i) =>
                    Located(ImageFrame.ToOriginal(candidates, batch.Samples[i], size, _test.MinBboxSize), logits)
            ),
        ];
    }

    public override LossMap Loss(Batch batch, Progress progress)
    {
        var truths = batch.Samples.Select(sample => TruthBoxes.Of(sample, bbox_head.Classes)).ToArray();
        using var scope = NewDisposeScope();
        var losses = bbox_head.Losses(Outputs(batch.Images), truths, SizeOf(batch.Images));
        scope.MoveToOuter(losses.Values);
        return losses;
    }

    public override IReadOnlyList<Prediction> Predict(Batch batch)
    {
        using var fused = _test.FuseConvBn && !ConvNormFusion.IsEntered ? (_fused ??= new ConvNormFusion()).Enter() : default(IDisposable);
        var found = batch.Samples.Select(_ => new List<Candidates>()).ToArray();
        var finite = Enumerable.Repeat(true, found.Length).ToArray();
        foreach (var look in TestLook.All(SizeOf(batch.Images), _test.Flip, _test.FlipDirections, _test.Scales))
        {
            using var scope = NewDisposeScope();
            var images = look.Of(batch.Images);
            var outputs = Outputs(images);
            var areFinite = FiniteOutput.OfImages(outputs);
            var candidates = bbox_head.Candidates(outputs, SizeOf(images), Limits);
            for (var i = 0; i < found.Length; i++)
            {
                finite[i] &= areFinite[i];
                look.ToBatch(candidates[i].Corners);
                found[i].Add(ImageFrame.ToOriginal(candidates[i], batch.Samples[i], SizeOf(batch.Images), _test.MinBboxSize));
            }
        }
        return [.. found.Select((looks, i) => Suppress(looks) with { OutputIsFinite = finite[i] })];
    }

    public IReadOnlyList<(string Name, Tensor Value)> Predicted(Tensor images)
    {
        DetectorFacts.RequirePlain(_test);
        using var scope = NewDisposeScope();
        var (boxes, scores, labels) = bbox_head.CandidateTensors(Outputs(images), SizeOf(images), Limits);
        scope.MoveToOuter(boxes, scores, labels);
        return [("boxes", boxes), ("scores", scores), ("labels", labels)];
    }

    public BoxSuppression? Suppression => DetectorFacts.Suppression(_nms, _test);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _fused?.Dispose();
        base.Dispose(disposing);
    }

    private CandidateLimits Limits => new((float)_test.ScoreThr, _test.NmsPre);

    private DetectedObject[] Located(Candidates candidates, Tensor[] logits)
    {
        var (kept, scores) = _nms.Apply(candidates, _test.MaxPerImg);
        if (candidates.Anchors.Length != candidates.Count)
            throw new UserErrorException(
                $"{bbox_head.GetName()} does not say which anchors its boxes come from (Candidates.Anchors): its objects can't "
                    + "be explained."
            );
        return
        [
            .. kept.Zip(
                scores,
                (i, score) =>
                    new DetectedObject(
                        candidates.Corners[(i * 4)..(i * 4 + 4)],
                        score,
                        candidates.Labels[i],
                        bbox_head.PlaceOf(candidates.Anchors[i], logits)
                    )
            ),
        ];
    }

    private DetectionPrediction Suppress(List<Candidates> looks)
    {
        var all = looks is [var only]
            ? only
            : new Candidates(
                [.. looks.SelectMany(look => look.Corners)],
                [.. looks.SelectMany(look => look.Scores)],
                [.. looks.SelectMany(look => look.Labels)]
            );
        var (kept, scores) = _nms.Apply(all, _test.MaxPerImg);
        return new DetectionPrediction(
            [.. kept.SelectMany(i => all.Corners[(i * 4)..(i * 4 + 4)])],
            scores,
            [.. kept.Select(i => all.Labels[i])]
        );
    }

    private static (int Height, int Width) SizeOf(Tensor images) => ((int)images.shape[2], (int)images.shape[3]);
}
