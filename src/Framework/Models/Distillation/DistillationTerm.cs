using Tessera.Framework.Components;
using Tessera.Framework.Data;
using static TorchSharp.torch;

namespace Tessera.Framework.Models.Distillation;

/// <summary>A loss that compares what a student gives with what its teacher gives: <c>"distill": { "losses": { "soft": { "type":
/// "SoftTargetLoss" } } }</c>. Its parameters are trained along with the student's.</summary>
[ComponentKind("distillation")]
public abstract class DistillationTerm(string name) : nn.Module(name)
{
    /// <summary>Factor of the term in the sum.</summary>
    [FromConfig, Range(0.0, 1e9)]
    public double Weight { get; set; } = 1;

    /// <summary>Whether it compares logits, so that student and teacher must have the same classes.</summary>
    public virtual bool ComparesLogits => true;

    /// <summary>Whether it compares the backbones' maps.</summary>
    public virtual bool ComparesMaps => false;

    /// <summary>Called once, before the first lesson: refuses what the term can't compare, and makes its parameters.</summary>
    /// <param name="student">The maps of the student's backbone.</param>
    /// <param name="teacher">The maps of the teacher's backbone.</param>
    /// <exception cref="UserErrorException">They don't fit the term.</exception>
    public virtual void Prepare(IFeatureSource student, IFeatureSource teacher, DataTask task) { }

    /// <returns>A scalar with a gradient, not yet weighted.</returns>
    public abstract Tensor Compute(Lesson lesson);
}
