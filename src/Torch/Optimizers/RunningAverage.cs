using Tessera.Torch.Optimizers.Passes;
using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers;

/// <summary>Updates running averages of many tensors in one pass over memory.</summary>
public sealed class RunningAverage
{
    private readonly FusedPass<AverageKernel> _pass = new();

    /// <summary>average = decay · average + (1 - decay) · value, in place; by operators where it isn't float32 on the CPU, or laid out in
    /// another way.</summary>
    /// <param name="decay">Share of the average that stays, 0 to 1.</param>
    public void Update(IEnumerable<(Tensor Average, Tensor Value)> pairs, double decay)
    {
        using var _ = no_grad();
        var kernel = new AverageKernel(decay);
        foreach (var (average, value) in pairs)
            if (!_pass.Add(kernel, average, value))
                average.mul_(decay).add_(value, alpha: 1 - decay);
        _pass.RunAndClear();
    }
}
