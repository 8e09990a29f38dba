using Tessera.Torch.Optimizers.Passes;
using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers;

/// <summary>Lion: steps of one length in every element, along the sign of momentum and gradient together.</summary>
/// <remarks>
/// Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023, arXiv:2302.06675, algorithm 2, as in google/automl and in
/// timm: decay is decoupled, β₁ weighs the average in the step and β₂ what is kept of it.
/// </remarks>
/// <param name="caution">Only elements whose step goes along the gradient are changed; by operators then, not in one pass.</param>
/// <param name="largestRate">The learning rate that weight decay is reckoned from: it shrinks by rate² / largest rate; null: by the
/// rate.</param>
public sealed class LionOptimizer(IReadOnlyList<BetasGroup> groups, bool caution = false, double? largestRate = null)
    : ElementwiseOptimizer<BetasGroup>(groups, ["exp_avg"], countsSteps: false)
{
    private readonly FusedPass<LionKernel> _pass = new();

    private protected override FusedPass? Pass => caution ? null : _pass;

    private protected override int TensorsNeeded(BetasGroup group) => 1;

    private protected override void Fuse(BetasGroup group, Memory memory, in FlatTensors tensors) =>
        _pass.Add(new LionKernel(group.LearningRate, group.Betas.Item1, group.Betas.Item2, Shrink(group)), tensors);

    private protected override void Update(BetasGroup group, Memory memory, Tensor gradient)
    {
        var (parameter, average, (beta1, beta2)) = (memory.Parameter, memory[0], group.Betas);
        parameter.mul_(Shrink(group));
        var update = average.mul(beta1).add_(gradient, alpha: 1 - beta1).sign();
        if (caution)
            Caution.Apply(update, gradient);
        parameter.add_(update, alpha: -group.LearningRate);
        average.mul_(beta2).add_(gradient, alpha: 1 - beta2);
    }

    private double Shrink(BetasGroup group) => 1 - group.WeightDecay * group.LearningRate * (group.LearningRate / largestRate ?? 1);
}
