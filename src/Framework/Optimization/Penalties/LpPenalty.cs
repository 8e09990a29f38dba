using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <param name="Weight">Times the sum.</param>
/// <param name="P">The power; 2 is weight decay by the loss (its gradient is 2 · weight · w).</param>
public sealed record LpPenaltyOptions([property: Range(0.0, 1e6)] double Weight, [property: Range(1.0, 16.0)] double P = 2);

/// <summary>Weight times the sum of |w|^p.</summary>
[Component("LpPenalty")]
public sealed class LpPenalty(LpPenaltyOptions options) : Penalty
{
    public override Tensor Compute(IReadOnlyList<Tensor> parameters) =>
        parameters.Select(parameter => parameter.abs().pow(options.P).sum()).Aggregate((a, b) => a + b) * options.Weight;
}
