using Tessera.Framework.Models;

namespace Tessera.Results;

/// <summary>A predicted number.</summary>
/// <param name="Index">Among the model's targets.</param>
/// <param name="Name">The target's name.</param>
/// <param name="Value">In the unit of the training data.</param>
public sealed record TargetValue(int Index, string Name, float Value);

/// <summary>The numbers that an image shows.</summary>
public sealed record Regression : Result
{
    internal Regression(RegressionPrediction raw, IReadOnlyList<string> names)
        : base(raw) => Values = [.. raw.Values.Select((value, t) => new TargetValue(t, names[t], value))];

    /// <summary>One for each target, in the order of the training data.</summary>
    public IReadOnlyList<TargetValue> Values { get; }
}
