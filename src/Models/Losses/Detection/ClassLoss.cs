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
}
