using static TorchSharp.torch;

namespace Tessera.Models.Losses.Detection;

/// <summary>How far a distribution over whole numbers is from the number it is to stand for.</summary>
[ComponentKind("distribution loss")]
public abstract class DistributionLoss
{
    /// <summary>Factor of the term in the sum.</summary>
    [FromConfig, Range(0, double.MaxValue)]
    public double Weight { get; set; } = 1;

    /// <summary>The sum over all numbers, weight applied.</summary>
    /// <param name="logits">[N, n + 1], of the numbers 0 to n.</param>
    /// <param name="truth">[N], in [0, n).</param>
    /// <param name="weights">[N]; null: 1.</param>
    /// <returns>A scalar; 0 (with a gradient) for no numbers.</returns>
    public Tensor Sum(Tensor logits, Tensor truth, Tensor? weights = null)
    {
        using var scope = NewDisposeScope();
        var rows = PerNumber(logits, truth);
        var sum = (weights is null ? rows : rows * weights).sum();
        return scope.MoveToOuter(Weight == 1 ? sum : sum * Weight);
    }

    /// <returns>[N].</returns>
    protected abstract Tensor PerNumber(Tensor logits, Tensor truth);
}
