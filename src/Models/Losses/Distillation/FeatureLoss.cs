using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Distillation;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses.Distillation;

/// <param name="StudentMap">Which of the maps that the student's backbone gives (its <c>out_indices</c>): 0 for the first, -1 for the
/// last.</param>
/// <param name="TeacherMap">Which of the teacher's.</param>
public sealed record FeatureLossOptions([property: Range(-64, 63)] int StudentMap = -1, [property: Range(-64, 63)] int TeacherMap = -1);

/// <summary>A map of the student's, through a 1x1 convolution that is trained along, is to be the teacher's: the mean of squared
/// differences. Maps of one stride; or vectors.</summary>
/// <remarks>Romero et al., "FitNets: hints for thin deep nets", ICLR 2015, arXiv:1412.6550, equation 3, with a 1x1 regressor.</remarks>
[Component("FeatureLoss")]
public sealed class FeatureLoss(FeatureLossOptions options) : DistillationTerm(nameof(FeatureLoss))
{
    private Conv2d? proj;

    public override bool ComparesLogits => false;

    public override bool ComparesMaps => true;

    /// <exception cref="UserErrorException">There is no such map, or the two have different strides.</exception>
    public override void Prepare(IFeatureSource student, IFeatureSource teacher, DataTask task)
    {
        var (own, others) = (Find(student, options.StudentMap, "student_map"), Find(teacher, options.TeacherMap, "teacher_map"));
        var (stride, taught) = (student.OutStrides[own], teacher.OutStrides[others]);
        if (stride != taught)
            throw new UserErrorException(
                $"FeatureLoss: the student's map has stride {stride}, the teacher's {taught}. The student gives maps of strides "
                    + $"{string.Join(", ", student.OutStrides)}, the teacher of {string.Join(", ", teacher.OutStrides)} (0: a vector); "
                    + "student_map and teacher_map choose among them, out_indices of a backbone says which it gives."
            );
        proj = Conv2d(student.OutChannels[own], teacher.OutChannels[others], 1);
        register_module(nameof(proj), proj);
        Weights.Convolutional(this);
    }

    public override Tensor Compute(Lesson lesson)
    {
        using var scope = NewDisposeScope();
        var own = Map(lesson.StudentMaps, options.StudentMap);
        var taught = Map(lesson.TeacherMaps, options.TeacherMap);
        var projected = proj!.call(own).to(ScalarType.Float32);
        if (!projected.shape.SequenceEqual(taught.shape))
            throw new UserErrorException(
                $"FeatureLoss: the student's map is [{string.Join(", ", projected.shape)}], the teacher's "
                    + $"[{string.Join(", ", taught.shape)}]."
            );
        return scope.MoveToOuter(functional.mse_loss(projected, taught));
    }

    /// <returns>[B, C, H, W]; of a vector, one pixel.</returns>
    private static Tensor Map(IReadOnlyList<Tensor> maps, int index)
    {
        var map = maps[index < 0 ? index + maps.Count : index];
        return map.dim() == 2 ? map.unsqueeze(2).unsqueeze(3) : map;
    }

    private static int Find(IFeatureSource source, int index, string option)
    {
        var count = source.OutChannels.Count;
        var found = index < 0 ? index + count : index;
        return found >= 0 && found < count
            ? found
            : throw new UserErrorException($"FeatureLoss: {option} is {index}, but the backbone gives {count} maps.");
    }
}
