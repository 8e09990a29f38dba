using Tessera.Framework.Data;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation.Faithfulness;

/// <summary>Two classes with logits w·x + b and 0, so that what every pixel does can be reckoned by hand.</summary>
internal sealed class LinearClassifier(float[] weights, float bias) : VisionModel(nameof(LinearClassifier)), IExplainable
{
    public override IReadOnlyCollection<ClassTensor> ClassTensors => [];

    public Tensor[] Outputs(Tensor images)
    {
        using var scope = NewDisposeScope();
        var logit = (images.flatten(1) * tensor(weights)).sum(1) + bias;
        return [scope.MoveToOuter(stack([logit, zeros_like(logit)], 1))];
    }

    public override LossMap Loss(Batch batch, Progress progress) => throw new NotSupportedException();

    public override IReadOnlyList<Prediction> Predict(Batch batch) => throw new NotSupportedException();
}
