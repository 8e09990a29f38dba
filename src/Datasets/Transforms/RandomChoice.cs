using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="Prob">How often each is chosen, summing to 1. By default all are equally often.</param>
public sealed record RandomChoiceOptions([property: MinLength(1)] double[]? Prob = null);

/// <summary>Takes one of several lists of steps, drawn anew for each sample; an empty list changes nothing. mmcv's step of this
/// name.</summary>
[Component("RandomChoice")]
public sealed class RandomChoice : Transform
{
    private readonly IReadOnlyList<IReadOnlyList<Transform>> _transforms;
    private readonly double[] _until;
    private readonly int _last; // where sums of shares fall short of 1 by rounding

    /// <param name="options">How often.</param>
    /// <param name="transforms">The lists of steps.</param>
    /// <exception cref="UserErrorException">There is no list, the probabilities are none of as many lists, or a step stands in one that
    /// must be found in the pipeline itself.</exception>
    public RandomChoice(RandomChoiceOptions options, IReadOnlyList<IReadOnlyList<Transform>> transforms)
    {
        _transforms = transforms;
        if (transforms.Count == 0)
            throw new UserErrorException("RandomChoice: transforms is empty; lists of steps were expected.");
        var prob = options.Prob ?? [.. Enumerable.Repeat(1.0 / transforms.Count, transforms.Count)];
        if (prob.Length != transforms.Count)
            throw new UserErrorException($"RandomChoice: prob has {prob.Length} numbers for {transforms.Count} lists of steps.");
        if (prob.Any(share => !(share >= 0)) || Math.Abs(prob.Sum() - 1) > 1e-6)
            throw new UserErrorException($"RandomChoice: prob sums to {prob.Sum()}; shares that sum to 1 were expected.");
        (_until, _last) = (new double[prob.Length], Array.FindLastIndex(prob, share => share > 0));
        for (var i = 0; i < prob.Length; i++)
            _until[i] = prob[i] + (i > 0 ? _until[i - 1] : 0);
        foreach (var step in transforms.SelectMany(steps => steps))
            if (step.Loads || step.ReadsTruth || step is Normalize or ToFloat)
                throw new UserErrorException(
                    $"RandomChoice: {step.GetType().Name} can't be left to chance; it stands in the pipeline itself."
                );
    }

    public override bool LosesObjects => _transforms.Any(steps => steps.Any(step => step.LosesObjects));

    public override Sample Apply(Sample sample, RandomSource random)
    {
        var drawn = random.NextDouble();
        var chosen = Array.FindIndex(_until, until => drawn < until);
        foreach (var step in _transforms[chosen < 0 ? _last : chosen])
            sample = step.Apply(sample, random);
        return sample;
    }
}
