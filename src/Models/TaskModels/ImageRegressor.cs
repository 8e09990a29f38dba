using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Heads;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>Images to numbers.</summary>
[Component("ImageRegressor"), ForTask(DataTask.Regression)]
public sealed class ImageRegressor : VisionModel, IExplainable, IGivesFeatures, IPredictsByTensors
{
    private readonly Backbone backbone;
    private readonly Neck? neck;
    private readonly RegressionHead head;

    /// <param name="backbone">Images to feature maps.</param>
    /// <param name="neck">Feature maps to feature maps, between the two.</param>
    /// <param name="head">The last feature map to values [B, targets], with the losses.</param>
    /// <param name="data">Names the targets.</param>
    public ImageRegressor(Backbone backbone, Neck? neck, RegressionHead head, DataInfo data)
        : base(nameof(ImageRegressor))
    {
        if (data.Task != DataTask.Regression)
            throw new UserErrorException(
                $"ImageRegressor needs data with regression targets, not with a truth for {TaskNames.Of(data.Task)}."
            );
        (this.backbone, this.neck, this.head) = (backbone, neck, head);
        RegisterComponents();
    }

    /// <summary>The backbone's, whose classifiers have no place here.</summary>
    public override IReadOnlyDictionary<string, KeyMap> KeyMaps =>
        backbone.KeyMaps.ToDictionary(pair => pair.Key, pair => pair.Value.ForModel(nameof(backbone), null));

    public override IReadOnlyCollection<ClassTensor> ClassTensors =>
        [.. head.ClassTensors.Select(tensor => tensor with { Name = $"{nameof(head)}.{tensor.Name}" })];

    public override Tensor Fit(string key, Tensor stored) =>
        key.StartsWith("backbone.", StringComparison.Ordinal) ? backbone.Fit(key["backbone.".Length..], stored) : stored;

    /// <param name="images">[B, C, H, W].</param>
    /// <returns>Standardised, [B, targets].</returns>
    public Tensor Values(Tensor images)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(head.call(backbone.Maps(neck, images)));
    }

    public Tensor[] Outputs(Tensor images) => [Values(images)];

    public IReadOnlyList<(string Name, Tensor Value)> Predicted(Tensor images)
    {
        using var scope = NewDisposeScope();
        return [("values", scope.MoveToOuter(head.Restore(Values(images).to(ScalarType.Float32))))];
    }

    public string HeadName => nameof(head);

    public string? LastLayer => head.ClassifierKey is { } key ? $"{nameof(head)}.{key}" : null;

    public Tensor Features(Tensor images)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(head.Features(backbone.Maps(neck, images)));
    }

    public override LossMap Loss(Batch batch, Progress progress)
    {
        if (batch.Targets is null)
            throw new UserErrorException("ImageRegressor needs regression targets, which the data does not give.");
        return head.Losses(Values(batch.Images), new LossTargets(Values: head.Standardise(batch.Targets)), progress);
    }

    public override bool PredictsSideBySide => UnchangingModules.AreAll(this);

    public override IReadOnlyList<Prediction> Predict(Batch batch)
    {
        using var scope = NewDisposeScope();
        var values = head.Restore(Values(batch.Images).to(ScalarType.Float32)).cpu();
        return [.. values.Values<float>().Chunk((int)values.shape[1]).Select(row => new RegressionPrediction(row))];
    }
}
