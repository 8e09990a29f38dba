using Tessera.Framework.Data;

namespace Tessera.Models.BatchTransforms;

/// <param name="Weights">How often each choice is taken, relative to the others; equally by default.</param>
public sealed record BatchChoiceOptions([property: MinLength(1)] double[]? Weights = null);

/// <summary>Applies one of several batch transforms to each batch, drawn at random: usually Mixup or CutMix.</summary>
/// <remarks>As He et al., "Bag of Tricks", 2018, arXiv:1812.01187, and later recipes combine them.</remarks>
[Component("BatchChoice")]
public sealed class BatchChoice : BatchTransform
{
    private readonly IReadOnlyList<BatchTransform> _choices;
    private readonly double[] _weights;

    /// <param name="choices">What is chosen from.</param>
    public BatchChoice(BatchChoiceOptions options, IReadOnlyList<BatchTransform> choices)
    {
        if (choices.Count == 0)
            throw new UserErrorException("BatchChoice has no choices.");
        _choices = choices;
        _weights = options.Weights ?? [.. choices.Select(_ => 1.0)];
        if (_weights.Length != choices.Count)
            throw new UserErrorException($"BatchChoice has {choices.Count} choices, but {_weights.Length} weights.");
        if (_weights.Any(weight => !(weight >= 0)) || !(_weights.Sum() > 0))
            throw new UserErrorException("BatchChoice: weights must not be negative, and not all be 0.");
    }

    public override void Apply(Batch batch, DataInfo info, RandomSource random)
    {
        var drawn = random.Uniform(0, _weights.Sum());
        var i = 0;
        while (i < _choices.Count - 1 && drawn >= _weights[i])
            drawn -= _weights[i++];
        _choices[i].Apply(batch, info, random);
    }
}
