using Tessera.Torch.Optimizers.Passes;
using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers;

/// <summary>What is done to all gradients together.</summary>
public static class Gradients
{
    /// <summary>Scales gradients in place so that their norm, taken over all of them together, is at most
    /// <paramref name="limit"/>.</summary>
    /// <remarks>
    /// As PyTorch's clip_grad_norm_: times min(1, limit / (norm + 1e-6)); a norm that is not finite makes them NaN or zero. For float32 on
    /// the CPU in one
    /// pass over memory, the same bit for bit however many threads there are; on other devices nothing is read from the device.
    /// </remarks>
    public static void ClipNorm(IReadOnlyList<Tensor> gradients, double limit)
    {
        using var _ = no_grad();
        var norms = new NormPass();
        if (gradients.All(norms.Add))
        {
            var factor = limit / (Math.Sqrt(norms.RunAndClear()) + 1e-6);
            if (factor >= 1)
                return;
            var pass = new FusedPass<ScaleKernel>();
            var kernel = new ScaleKernel(factor);
            foreach (var gradient in gradients)
                pass.Add(kernel, gradient, gradient);
            pass.RunAndClear();
            return;
        }
        using var scope = NewDisposeScope();
        var total = stack(gradients.Select(gradient => gradient.norm())).norm();
        var scale = (limit / (total + 1e-6)).clamp_max(1);
        foreach (var gradient in gradients)
            gradient.mul_(scale);
    }
}
