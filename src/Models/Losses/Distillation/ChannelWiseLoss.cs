using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Distillation;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses.Distillation;

/// <param name="Temperature">Divides the logits of both.</param>
public sealed record ChannelWiseLossOptions([property: Range(0.01, 1e3)] double Temperature = 4);

/// <summary>Where in the image each class is: a softmax over the pixels of every channel of the logits, T² · KL(teacher, student),
/// averaged over images and channels. For segmentation.</summary>
/// <remarks>Shu et al., "Channel-wise knowledge distillation for dense prediction", ICCV 2021, arXiv:2011.13256, equation 4; as in
/// MMRazor.</remarks>
[Component("ChannelWiseLoss")]
public sealed class ChannelWiseLoss(ChannelWiseLossOptions options) : DistillationTerm(nameof(ChannelWiseLoss))
{
    public override void Prepare(IFeatureSource student, IFeatureSource teacher, DataTask task)
    {
        if (task != DataTask.Segmentation)
            throw new UserErrorException(
                $"ChannelWiseLoss compares maps of logits, which a model for {TaskNames.Of(task)} doesn't give. "
                    + "SoftTargetLoss does not need them."
            );
    }

    public override Tensor Compute(Lesson lesson)
    {
        using var scope = NewDisposeScope();
        var taught = LogitMaps.Like(lesson.Teacher, lesson.Student);
        var student = (lesson.Student.flatten(2) / options.Temperature).log_softmax(2);
        var teacher = (taught.flatten(2) / options.Temperature).log_softmax(2);
        var divergence = (teacher.exp() * (teacher - student)).sum(2).mean(); // over [B, classes]
        return scope.MoveToOuter(divergence * (options.Temperature * options.Temperature));
    }
}
