using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Distillation;
using Tessera.Models.Heads;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>Images to classes: one of them each, or, where the data is multi-label, any of them.</summary>
[Component("ImageClassifier"), ForTask(DataTask.Classification, DataTask.MultiLabel)]
public sealed class ImageClassifier : VisionModel, IDistillable, IGivesFeatures, IChainedModel
{
    private readonly Backbone backbone;
    private readonly Neck? neck;
    private readonly LossHead head;
    private readonly bool _multiLabel;
    private readonly View[] _views;

    /// <summary>Shows each image once when it predicts.</summary>
    /// <param name="backbone">Images to feature maps.</param>
    /// <param name="neck">Feature maps to feature maps, between the two.</param>
    /// <param name="head">The last feature map to logits [B, classes], with the losses.</param>
    /// <param name="data">The data's classes; decides between softmax and sigmoid.</param>
    public ImageClassifier(Backbone backbone, Neck? neck, LossHead head, DataInfo data)
        : this(new ImageClassifierOptions(), backbone, neck, head, data) { }

    /// <param name="options">How it predicts.</param>
    /// <param name="backbone">Images to feature maps.</param>
    /// <param name="neck">Feature maps to feature maps, between the two.</param>
    /// <param name="head">The last feature map to logits [B, classes], with the losses.</param>
    /// <param name="data">The data's classes; decides between softmax and sigmoid.</param>
    /// <exception cref="UserErrorException">The data has no class labels, or the options contradict each other.</exception>
    public ImageClassifier(ImageClassifierOptions options, Backbone backbone, Neck? neck, LossHead head, DataInfo data)
        : base(nameof(ImageClassifier))
    {
        if (data.Task is not (DataTask.Classification or DataTask.MultiLabel))
            throw new UserErrorException($"ImageClassifier needs data with class labels, not with a truth for {TaskNames.Of(data.Task)}.");
        (this.backbone, this.neck, this.head) = (backbone, neck, head);
        _multiLabel = data.Task == DataTask.MultiLabel;
        var test = options.Test ?? new ClassifierTestOptions();
        _views = View.Of(test.Scales, test.Weights, test.Flip, test.FlipDirections);
        RegisterComponents();
    }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps =>
        backbone.KeyMaps.ToDictionary(
            pair => pair.Key,
            pair => pair.Value.ForModel(nameof(backbone), head.ClassifierKey is { } key ? $"{nameof(head)}.{key}" : null)
        );

    public override IReadOnlyCollection<ClassTensor> ClassTensors =>
        [.. head.ClassTensors.Select(tensor => tensor with { Name = $"{nameof(head)}.{tensor.Name}" })];

    public override Tensor Fit(string key, Tensor stored) =>
        key.StartsWith("backbone.", StringComparison.Ordinal) ? backbone.Fit(key["backbone.".Length..], stored) : stored;

    /// <param name="images">[B, C, H, W].</param>
    /// <returns>[B, classes].</returns>
    public Tensor Logits(Tensor images)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(head.call(backbone.Maps(neck, images)));
    }

    public Tensor[] Outputs(Tensor images) => [Logits(images)];

    public override bool PredictsSideBySide => UnchangingModules.AreAll(this);

    public string LogitsFrom => nameof(head);

    public string HeadName => nameof(head);

    public string? LastLayer => head.ClassifierKey is { } key ? $"{nameof(head)}.{key}" : null;

    public Tensor Features(Tensor images)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(head.Features(backbone.Maps(neck, images)));
    }

    public override LossMap Loss(Batch batch, Progress progress) => Losses(Logits(batch.Images), batch, progress);

    public IReadOnlyList<ChainStep> Chain(int height, int width)
    {
        if (backbone is not IChainedBackbone chained)
            throw new UserErrorException(
                $"pipeline: {backbone.GetName()} can't be cut into stages, since it doesn't give its blocks. ResNet and "
                    + "VisionTransformer do."
            );
        if (neck is not null)
            throw new UserErrorException($"pipeline: a classifier with a neck ({neck.GetName()}) can't be cut into stages.");
        if (!head.ReadsLastMapAlone)
            throw new UserErrorException(
                $"pipeline: {head.GetName()} may read several maps, of which stages give the last alone. LinearHead reads the last."
            );
        return
        [
            .. chained
                .Chain(height, width)
                .Select(step => step with { Parts = [.. step.Parts.Select(part => $"{nameof(backbone)}.{part}")] }),
            new ChainStep(nameof(head), [nameof(head)], map => head.call([map])),
        ];
    }

    /// <param name="output">Logits, [B, classes].</param>
    public LossMap Losses(Tensor output, Batch batch, Progress progress) =>
        head.Losses(output, new LossTargets(batch.Labels, batch.SoftLabels), progress);

    public override IReadOnlyList<Prediction> Predict(Batch batch)
    {
        using var scope = NewDisposeScope();
        var scores = Probabilities(batch.Images).cpu();
        var values = scores.Values<float>();
        var classes = (int)scores.shape[1];
        return [.. values.Chunk(classes).Select(row => new ClassPrediction(row, Array.IndexOf(row, row.Max())))];
    }

    /// <summary>The mean over the views, [B, classes].</summary>
    private Tensor Probabilities(Tensor images)
    {
        if (_views.Length == 1)
            return Of(_views[0]);
        Tensor? sum = null;
        foreach (var view in _views)
        {
            using var scope = NewDisposeScope();
            var share = Of(view).mul_(view.Weight);
            sum = scope.MoveToOuter(sum is null ? share : sum.add_(share));
        }
        return sum!;

        Tensor Of(View view)
        {
            var logits = Logits(view.Show(images)).to(ScalarType.Float32);
            return _multiLabel ? logits.sigmoid() : logits.softmax(1);
        }
    }
}
