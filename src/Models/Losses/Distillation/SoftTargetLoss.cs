using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Distillation;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses.Distillation;

/// <param name="Temperature">Divides the logits of both: the higher, the more the teacher's small probabilities count.</param>
public sealed record SoftTargetLossOptions([property: Range(0.01, 1e3)] double Temperature = 4);

/// <summary>The teacher's probabilities at a temperature T as targets: T² · KL(teacher, student), averaged over images, or over pixels
/// of maps.</summary>
/// <remarks>Hinton et al., "Distilling the knowledge in a neural network", 2015, arXiv:1503.02531, section 2.</remarks>
[Component("SoftTargetLoss")]
public sealed class SoftTargetLoss(SoftTargetLossOptions options) : DistillationTerm(nameof(SoftTargetLoss))
{
    public override void Prepare(IFeatureSource student, IFeatureSource teacher, DataTask task) =>
        ExclusiveClasses.Require(nameof(SoftTargetLoss), task);

    public override Tensor Compute(Lesson lesson)
    {
        using var scope = NewDisposeScope();
        var taught = LogitMaps.Like(lesson.Teacher, lesson.Student);
        var student = (lesson.Student / options.Temperature).log_softmax(1);
        var teacher = (taught / options.Temperature).log_softmax(1);
        var divergence = (teacher.exp() * (teacher - student)).sum(1).mean();
        return scope.MoveToOuter(divergence * (options.Temperature * options.Temperature));
    }
}
