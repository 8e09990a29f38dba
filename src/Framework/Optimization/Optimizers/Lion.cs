using Tessera.Torch.Optimizers;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <param name="Lr">Learning rate before any schedule: 3 to 10 times less than AdamW's.</param>
/// <param name="Betas">Shares of the gradient's average in the step, and of what is kept of it; 0.9 and 0.99 by default.</param>
/// <param name="WeightDecay">Decoupled decay: 3 to 10 times AdamW's.</param>
/// <param name="Caution">Leave out what would go against the gradient.</param>
/// <param name="CorrectedWeightDecay">Where a schedule lowers the learning rate, decay falls with its square.</param>
public sealed record LionOptions(
    [property: Range(0.0, 1e6)] double Lr = 1e-4,
    [property: Length(2, 2)] double[]? Betas = null,
    [property: Range(0.0, 1e3)] double WeightDecay = 0,
    bool Caution = false,
    bool CorrectedWeightDecay = false
);

/// <summary>Steps of one length in every element, along the sign of momentum and gradient; half of Adam's memory.</summary>
/// <remarks>Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023, arXiv:2302.06675.</remarks>
[Component("Lion")]
public sealed class Lion(LionOptions options) : OptimizerFactory
{
    public override optim.Optimizer Create(IReadOnlyList<ParameterGroup> groups) =>
        new LionOptimizer(
            BetasGroups(groups, options.Lr, options.WeightDecay, options.Betas ?? [0.9, 0.99]),
            options.Caution,
            options.CorrectedWeightDecay ? options.Lr : null
        );
}
