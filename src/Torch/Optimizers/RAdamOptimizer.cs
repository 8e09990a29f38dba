using Tessera.Torch.Optimizers.Passes;
using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers;

/// <summary>Adam with a rectified variance: plain momentum until enough steps make the variance of the square's average finite.</summary>
/// <remarks>
/// Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020, arXiv:1908.03265, algorithm 2. As in PyTorch the
/// threshold is 5, and ε
/// is added before the correction of the bias.
/// </remarks>
/// <param name="eps">Added to the denominator.</param>
public sealed class RAdamOptimizer(IReadOnlyList<BetasGroup> groups, double eps = 1e-8)
    : ElementwiseOptimizer<BetasGroup>(groups, ["exp_avg", "exp_avg_sq"], countsSteps: true)
{
    private readonly FusedPass<RAdamKernel> _pass = new();

    private protected override FusedPass Pass => _pass;

    private protected override int TensorsNeeded(BetasGroup group) => 2;

    private protected override void Fuse(BetasGroup group, Memory memory, in FlatTensors tensors)
    {
        var (factor, adaptive) = Step(group, memory.Steps);
        _pass.Add(new RAdamKernel(factor, adaptive, group.Betas.Item1, group.Betas.Item2, eps, group.WeightDecay), tensors);
    }

    private protected override void Update(BetasGroup group, Memory memory, Tensor gradient)
    {
        var (parameter, (beta1, beta2), average, square) = (memory.Parameter, group.Betas, memory[0], memory[1]);
        if (group.WeightDecay != 0)
            gradient = gradient.add(parameter, alpha: group.WeightDecay);
        average.mul_(beta1).add_(gradient, alpha: 1 - beta1);
        square.mul_(beta2).addcmul_(gradient, gradient, value: 1 - beta2);
        var (factor, adaptive) = Step(group, memory.Steps);
        if (adaptive)
            parameter.addcdiv_(average, square.sqrt().add_(eps), value: factor);
        else
            parameter.add_(average, alpha: factor);
    }

    /// <summary>The factor of m, or of m / (√v + ε) once the variance is finite; the paper's r_t, its corrections and the learning rate in
    /// one.</summary>
    private static (double Factor, bool Adaptive) Step(BetasGroup group, long t)
    {
        var (beta1, beta2) = group.Betas;
        var (correction1, correction2) = (1 - Math.Pow(beta1, t), 1 - Math.Pow(beta2, t));
        var longest = 2 / (1 - beta2) - 1; // ρ_∞
        var length = longest - 2 * t * Math.Pow(beta2, t) / correction2; // ρ_t
        if (length <= 5)
            return (-group.LearningRate / correction1, false);
        var rectification = Math.Sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length));
        return (-group.LearningRate * rectification * Math.Sqrt(correction2) / correction1, true);
    }
}
