using Tessera.Framework.Running;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

internal static class GradientClipping
{
    /// <summary>Limits gradients in place; nothing is read from the device.</summary>
    public static void Clip(IReadOnlyList<Tensor> gradients, ClipGradOptions? limits)
    {
        if (limits is null || gradients.Count == 0) return;
        using var scope = NewDisposeScope();
        if (limits.Value is { } value)
        {
            foreach (var gradient in gradients) gradient.clamp_(-value, value);
        }
        if (limits.Norm is { } norm)
        {
            var total = stack(gradients.Select(gradient => gradient.norm())).norm();
            var factor = (norm / (total + 1e-6)).clamp_max(1);
            foreach (var gradient in gradients) gradient.mul_(factor);
        }
    }
}
