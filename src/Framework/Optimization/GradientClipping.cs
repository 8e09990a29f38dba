using Tessera.Framework.Running;
using Tessera.Torch;
using Tessera.Torch.Optimizers;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

internal static class GradientClipping
{
    /// <summary>Limits gradients in place; nothing is read from a GPU.</summary>
    /// <param name="group">Processes with other gradients of the same model, which count in the norm; null: these are all.</param>
    public static void Clip(IReadOnlyList<Tensor> gradients, ClipGradOptions? limits, IProcessGroup? group = null)
    {
        if (limits is null || (gradients.Count == 0 && group is null))
            return;
        if (limits.Value is { } value)
        {
            using var scope = NewDisposeScope();
            foreach (var gradient in gradients)
                gradient.clamp_(-value, value);
        }
        if (limits.Norm is { } limit && group is not null)
            ClipNorm(gradients, limit, group);
        else if (limits.Norm is { } norm)
            Gradients.ClipNorm(gradients, norm);
    }

    private static void ClipNorm(IReadOnlyList<Tensor> gradients, double limit, IProcessGroup group)
    {
        using var scope = NewDisposeScope();
        var squares = zeros(1, ScalarType.Float64, gradients.Count > 0 ? gradients[0].device : CPU);
        foreach (var gradient in gradients)
            squares.add_(gradient.to(ScalarType.Float64).square().sum());
        group.AllReduceSum(squares);
        var factor = (limit / (squares.sqrt() + 1e-6)).clamp_max(1);
        foreach (var gradient in gradients)
            gradient.mul_(factor.to(gradient.dtype));
    }
}
