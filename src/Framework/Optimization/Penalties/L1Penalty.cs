using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <param name="Weight">Times the sum.</param>
public sealed record L1PenaltyOptions([property: Range(0.0, 1e6)] double Weight);

/// <summary>Weight times the sum of absolute values: drives weights to zero.</summary>
/// <remarks>Tibshirani, "Regression shrinkage and selection via the lasso", 1996.</remarks>
[Component("L1Penalty")]
public sealed class L1Penalty(L1PenaltyOptions options) : Penalty
{
    public override Tensor Compute(IReadOnlyList<Tensor> parameters) =>
        parameters.Select(parameter => parameter.abs().sum()).Aggregate((a, b) => a + b) * options.Weight;
}
