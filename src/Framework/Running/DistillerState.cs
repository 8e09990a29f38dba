using Tessera.Framework.Checkpoints;
using Tessera.Framework.Models.Distillation;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>What the terms of a distillation have learned, in a checkpoint.</summary>
internal static class DistillerState
{
    public static void Save(Distiller? distiller, StateWriter state)
    {
        foreach (var (name, tensor) in distiller?.state_dict() ?? [])
            state.Write(name, tensor);
    }

    /// <exception cref="UserErrorException">The state is another distillation's.</exception>
    public static void Load(Distiller? distiller, StateReader state)
    {
        using var still = no_grad();
        foreach (var (name, tensor) in distiller?.state_dict() ?? [])
        {
            if (state.Tensor(name) is not { } saved || !saved.shape.SequenceEqual(tensor.shape))
                throw new UserErrorException(
                    $"The checkpoint can't be resumed: it holds no {CheckpointParts.Distillation}.{name} of this size. Were "
                        + "distill.teacher or distill.losses changed since? Resume with the config that the run began with, or start a "
                        + "new one in another work dir."
                );
            tensor.copy_(saved);
        }
    }
}
