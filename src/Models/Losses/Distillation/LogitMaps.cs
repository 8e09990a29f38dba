using Tessera.Framework.Data;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses.Distillation;

/// <summary>Logits of two models beside each other.</summary>
internal static class LogitMaps
{
    /// <summary>The teacher's logits in the size of the student's: maps of another stride are resized bilinearly.</summary>
    public static Tensor Like(Tensor teacher, Tensor student)
    {
        if (student.dim() != 4 || teacher.shape.SequenceEqual(student.shape))
            return teacher;
        return functional.interpolate(
            teacher,
            [student.shape[2], student.shape[3]],
            mode: InterpolationMode.Bilinear,
            align_corners: false
        );
    }
}

/// <summary>Terms that need classes of which each image or pixel has one.</summary>
internal static class ExclusiveClasses
{
    /// <exception cref="UserErrorException">The task has other truth.</exception>
    public static void Require(string term, DataTask task)
    {
        if (task is not (DataTask.Classification or DataTask.Segmentation))
            throw new UserErrorException(
                $"{term} compares probabilities of classes that exclude each other, which {TaskNames.Of(task)} doesn't have. "
                    + "FeatureLoss compares maps."
            );
    }
}
