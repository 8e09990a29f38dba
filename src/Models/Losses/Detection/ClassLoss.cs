using static TorchSharp.torch;

namespace Tessera.Models.Losses.Detection;

/// <summary>How wrong the class logits of anchors are, each class on its own. A head sums it over all logits as if all were background,
/// then puts the few others right.</summary>
[ComponentKind("class loss")]
public abstract class ClassLoss
{
    /// <summary>Factor of the term in the sum.</summary>
    [FromConfig, Range(0, double.MaxValue)]
    public double Weight { get; set; } = 1;

    /// <summary>A weight for each class, or a rule that makes them of the training data's boxes. It counts for the class's whole column
    /// of scores: where it is there and where it isn't.</summary>
    [FromConfig]
    public ClassWeight? ClassWeight { get; set; }

    /// <summary>The weights by class, on a device; null where all count the same.</summary>
    /// <param name="classes">How many there must be.</param>
    /// <exception cref="UserErrorException">There are more or fewer, or a rule was left without its values.</exception>
    public Tensor? WeightOfClasses(long classes, Device device)
    {
        if (ClassWeight is null)
            return null;
        var values = ClassWeight.Values ?? throw ClassWeight.Unfilled(GetType().Name);
        return values.Length == classes
            ? tensor(values, dtype: ScalarType.Float32, device: device)
            : throw new UserErrorException($"{GetType().Name}: class_weight has {values.Length} values, but there are {classes} outputs.");
    }

    /// <summary>The loss of each logit where the class is not there; weight not applied.</summary>
    /// <returns>In the logits' shape.</returns>
    public abstract Tensor Absent(Tensor logits);

    /// <summary>The loss of each logit where the class is there; weight not applied.</summary>
    /// <returns>In the logits' shape.</returns>
    public abstract Tensor Present(Tensor logits);

    /// <summary>Whether the target where the class is there can be how good the box is, in [0, 1], in place of 1.</summary>
    public virtual bool TakesQuality => false;

    /// <summary>The loss of each logit where the class is there with a box of the given quality; weight not applied.</summary>
    /// <param name="quality">In [0, 1], in the logits' shape; without a gradient.</param>
    /// <returns>In the logits' shape.</returns>
    /// <exception cref="UserErrorException">The loss knows only classes that are there and such that aren't.</exception>
    public virtual Tensor Present(Tensor logits, Tensor quality) =>
        throw new UserErrorException(
            $"{GetType().Name} has no target between 0 and 1 (ClassLoss.Present): it can't teach a score how good a box is."
        );
}
