using static TorchSharp.torch;

namespace Tessera.Models.Losses.Detection;

/// <summary>How far predicted boxes are from the boxes they are to find.</summary>
[ComponentKind("box loss")]
public abstract class BoxLoss
{
    /// <summary>Factor of the term in the sum.</summary>
    [FromConfig, Range(0, double.MaxValue)]
    public double Weight { get; set; } = 1;

    /// <summary>Compares boxes, xyxy; otherwise the box coder's numbers.</summary>
    public abstract bool OnBoxes { get; }

    /// <summary>The sum over all boxes, weight applied.</summary>
    /// <param name="predicted">[N, 4].</param>
    /// <param name="truth">[N, 4].</param>
    /// <param name="weights">[N]; null: 1.</param>
    /// <returns>A scalar; 0 (with a gradient) for no boxes.</returns>
    public Tensor Sum(Tensor predicted, Tensor truth, Tensor? weights = null)
    {
        using var scope = NewDisposeScope();
        var rows = PerBox(predicted, truth);
        var sum = (weights is null ? rows : rows * weights).sum();
        return scope.MoveToOuter(Weight == 1 ? sum : sum * Weight);
    }

    /// <returns>[N].</returns>
    protected abstract Tensor PerBox(Tensor predicted, Tensor truth);
}
