using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Layers;
using Tessera.Models.Losses;
using Tessera.Torch;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Linear = TorchSharp.Modules.Linear;

namespace Tessera.Models.Heads;

/// <param name="NumTargets">Targets; by default as many as the data has, with which it must agree.</param>
/// <param name="Pooling">How the last feature map becomes a vector: "average", "max" or "none".</param>
/// <param name="MapSize">Positions (H · W) of the last feature map, for pooling "none".</param>
/// <param name="Dropout">Dropout before the layer.</param>
/// <param name="TargetMean">Mean of each target: the layer learns (target - mean) / std. 0 by default.</param>
/// <param name="TargetStd">Standard deviation of each target. 1 by default.</param>
/// <param name="StandardizeTargets">A training run takes mean and deviation of its training data for what is not given of target_mean and
/// target_std, and writes them into its config.</param>
public sealed record RegressionHeadOptions(
    [property: Range(1, 1_000_000)] int? NumTargets = null,
    FeaturePooling Pooling = FeaturePooling.Average,
    [property: Range(1, 1_000_000)] int? MapSize = null,
    [property: Range(0, 0.99)] double Dropout = 0,
    [property: MinLength(1)] double[]? TargetMean = null,
    [property: MinLength(1)] double[]? TargetStd = null,
    bool StandardizeTargets = false
);

/// <summary>Predicts one or several numbers by one linear layer over the pooled last feature map.</summary>
[Component("RegressionHead")]
public sealed class RegressionHead : LossHead
{
    private readonly Linear fc;
    private readonly RegressionHeadOptions _options;
    private bool _isFilledIn;

    /// <param name="source">The backbone, or the neck over it.</param>
    /// <param name="data">The data's targets.</param>
    /// <param name="loss">The only loss; by default the mean squared error.</param>
    /// <param name="losses">Several losses, by name.</param>
    public RegressionHead(
        RegressionHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        Loss? loss = null,
        IReadOnlyDictionary<string, Loss>? losses = null
    )
        : base(nameof(RegressionHead), loss, losses, () => new MseLoss(new()))
    {
        _options = options;
        var targets = data.Classes.Count;
        if (options.NumTargets is { } wanted && wanted != targets)
            throw new UserErrorException($"RegressionHead: num_targets is {wanted}, but the data has {targets} targets.");
        _isFilledIn = !options.StandardizeTargets || (options.TargetMean is not null && options.TargetStd is not null);
        Keep("target_mean", options.TargetMean ?? Placeholder(0, targets), targets);
        Keep("target_std", options.TargetStd ?? Placeholder(1, targets), targets);
        if (options.TargetStd is { } deviations && deviations.Any(deviation => deviation <= 0))
            throw new UserErrorException("RegressionHead: target_std must be positive.");
        fc = Linear(options.Pooling.Width(source, options.MapSize, nameof(RegressionHead)), targets);
        RegisterComponents();
        Weights.Truncated(fc, 0.01);
    }

    /// <summary>A row for each target; what standardises the targets goes with them.</summary>
    public override IReadOnlyCollection<ClassTensor> ClassTensors =>
        [
            .. state_dict()
                .Keys.Where(name => name.StartsWith("fc.", StringComparison.Ordinal) || name is "target_mean" or "target_std")
                .Select(name => new ClassTensor(name)),
        ];

    public override Tensor Features(Tensor[] maps) => _options.Pooling.Pool(maps[^1]).alias();

    /// <param name="maps">The last: [B, C, H, W] or [B, C].</param>
    /// <returns>Standardised values, [B, targets].</returns>
    public override Tensor forward(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var x = _options.Pooling.Pool(maps[^1]);
        if (_options.Dropout > 0)
            x = functional.dropout(x, _options.Dropout, training);
        return scope.MoveToOuter(fc.call(x));
    }

    /// <summary>Targets as the layer learns them: (target - mean) / std.</summary>
    /// <exception cref="UserErrorException">Mean and deviation are to be the training data's, and neither a run has filled them in nor
    /// were they loaded.</exception>
    public Tensor Standardise(Tensor targets)
    {
        using var scope = NewDisposeScope();
        RequireFilledIn();
        if (get_buffer("target_mean") is { } mean)
            targets = targets - mean;
        return scope.MoveToOuter(get_buffer("target_std") is { } deviation ? targets / deviation : targets.alias());
    }

    /// <summary>The layer's values in the targets' own units.</summary>
    public Tensor Restore(Tensor values)
    {
        using var scope = NewDisposeScope();
        if (get_buffer("target_std") is { } deviation)
            values = values * deviation;
        return scope.MoveToOuter(get_buffer("target_mean") is { } mean ? values + mean : values.alias());
    }

    /// <summary>Where a run or a checkpoint is to fill them in, and changes nothing until then.</summary>
    private double[]? Placeholder(double value, int targets) => _options.StandardizeTargets ? [.. Enumerable.Repeat(value, targets)] : null;

    private void RequireFilledIn()
    {
        if (_isFilledIn)
            return;
        bool Is(string name, double[]? given, float placeholder) =>
            given is null && Array.TrueForAll(get_buffer(name)!.Values<float>(), value => value == placeholder);
        if (Is("target_mean", _options.TargetMean, 0) || Is("target_std", _options.TargetStd, 1))
            throw new UserErrorException(
                "RegressionHead: standardize_targets is true, which a training run fills in from its training data, and here it isn't. "
                    + "Give target_mean and target_std as lists of numbers."
            );
        _isFilledIn = true;
    }

    private void Keep(string name, double[]? values, int targets)
    {
        if (values is null)
            return;
        if (values.Length != targets)
            throw new UserErrorException($"RegressionHead: {name} has {values.Length} values, but the data has {targets} targets.");
        register_buffer(name, tensor(values, dtype: ScalarType.Float32));
    }
}
