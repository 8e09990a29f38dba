using Tessera.Framework.Running;
using Tessera.Torch.Optimizers;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

internal static class GradientClipping
{
    /// <summary>Limits gradients in place; nothing is read from a GPU.</summary>
    public static void Clip(IReadOnlyList<Tensor> gradients, ClipGradOptions? limits)
    {
        if (limits is null || gradients.Count == 0)
            return;
        if (limits.Value is { } value)
        {
            using var scope = NewDisposeScope();
            foreach (var gradient in gradients)
                gradient.clamp_(-value, value);
        }
        if (limits.Norm is { } norm)
            Gradients.ClipNorm(gradients, norm);
    }
}
