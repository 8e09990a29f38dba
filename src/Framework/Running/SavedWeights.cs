using Tessera.Framework.Checkpoints;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>The weights and statistics of a run's model, taken from its own checkpoint.</summary>
internal static class SavedWeights
{
    /// <exception cref="UserErrorException">They are of another model.</exception>
    public static void Load(VisionModel model, StateReader saved)
    {
        using var _ = no_grad();
        var target = model.state_dict();
        foreach (var (name, tensor) in target)
        {
            if (saved.Tensor(name) is null && model.Adaptation?.LeftOut.Contains(name) == true)
                continue; // of the base, which is there already
            var stored =
                saved.Tensor(name)
                ?? throw new UserErrorException($"The checkpoint can't be resumed: it has no {name}. Was the model changed since?");
            if (!stored.shape.SequenceEqual(tensor.shape))
            {
                var why = target
                    .Where(pair => saved.Tensor(pair.Key) is { } other && !other.shape.SequenceEqual(pair.Value.shape))
                    .Select(pair => model.ExplainShape(pair.Key, saved.Tensor(pair.Key)!.shape))
                    .FirstOrDefault(text => text is not null);
                throw new UserErrorException(
                    $"The checkpoint can't be resumed: its {name} is [{string.Join(", ", stored.shape)}], the model's is "
                        + $"[{string.Join(", ", tensor.shape)}]. {why ?? "Was the model changed since?"}"
                );
            }
            tensor.copy_(stored);
        }
    }
}
