using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Layers;
using Tessera.Models.Losses;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Linear = TorchSharp.Modules.Linear;

namespace Tessera.Models.Heads;

/// <param name="NumClasses">Classes; by default as many as the data has, with which it must agree.</param>
/// <param name="Pooling">How the last feature map becomes a vector: "average", "max" or "none".</param>
/// <param name="MapSize">Positions (H · W) of the last feature map, for pooling "none".</param>
/// <param name="Dropout">Dropout before the layer.</param>
/// <param name="Bias">Whether the layer has a bias.</param>
public sealed record LinearHeadOptions(
    [property: Range(1, 1_000_000)] int? NumClasses = null,
    FeaturePooling Pooling = FeaturePooling.Average,
    [property: Range(1, 1_000_000)] int? MapSize = null,
    [property: Range(0, 0.99)] double Dropout = 0,
    bool Bias = true
);

/// <summary>Classifies an image by one linear layer over the pooled last feature map.</summary>
[Component("LinearHead")]
public sealed class LinearHead : LossHead
{
    private readonly Linear fc;
    private readonly LinearHeadOptions _options;

    /// <param name="source">The backbone, or the neck over it.</param>
    /// <param name="data">The data's classes.</param>
    /// <param name="loss">The only loss; by default cross entropy, or binary cross entropy for multi-label data.</param>
    /// <param name="losses">Several losses, by name.</param>
    public LinearHead(
        LinearHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        Loss? loss = null,
        IReadOnlyDictionary<string, Loss>? losses = null
    )
        : base(
            nameof(LinearHead),
            loss,
            losses,
            () => data.Task == DataTask.MultiLabel ? new BinaryCrossEntropyLoss(new()) : new CrossEntropyLoss(new())
        )
    {
        _options = options;
        if (options.NumClasses is { } wanted && wanted != data.Classes.Count)
            throw new UserErrorException($"LinearHead: num_classes is {wanted}, but the data has {data.Classes.Count} classes.");
        fc = Linear(options.Pooling.Width(source, options.MapSize, nameof(LinearHead)), data.Classes.Count, options.Bias);
        RegisterComponents();
        Weights.Truncated(fc, 0.01);
    }

    public override bool ReadsLastMapAlone => true;

    public override string ClassifierKey => nameof(fc);

    public override Tensor Features(Tensor[] maps) => _options.Pooling.Pool(maps[^1]).alias();

    /// <param name="maps">The last: [B, C, H, W] or [B, C].</param>
    /// <returns>Logits, [B, classes].</returns>
    public override Tensor forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var x = _options.Pooling.Pool(maps[^1]);
        if (_options.Dropout > 0)
            x = functional.dropout(x, _options.Dropout, training);
        return scope.MoveToOuter(fc.call(x));
    }
}
