using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Distillation;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses.Distillation;

/// <summary>The teacher's decision as the label: cross entropy with its most probable class, for each image or pixel.</summary>
/// <remarks>Touvron et al., "Training data-efficient image transformers &amp; distillation through attention", ICML 2021, arXiv:2012.12877,
/// equation 3; on the logits themselves, without a token of its own.</remarks>
[Component("HardTargetLoss")]
public sealed class HardTargetLoss() : DistillationTerm(nameof(HardTargetLoss))
{
    public override void Prepare(IFeatureSource student, IFeatureSource teacher, DataTask task) =>
        ExclusiveClasses.Require(nameof(HardTargetLoss), task);

    public override Tensor Compute(Lesson lesson)
    {
        using var scope = NewDisposeScope();
        var decided = LogitMaps.Like(lesson.Teacher, lesson.Student).argmax(1);
        return scope.MoveToOuter(functional.cross_entropy(lesson.Student, decided));
    }
}
