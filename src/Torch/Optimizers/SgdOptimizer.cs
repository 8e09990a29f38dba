using Tessera.Torch.Optimizers.Passes;
using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers;

/// <summary>Gradient descent with momentum, also Nesterov's.</summary>
/// <remarks>
/// Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013. As in PyTorch the learning rate scales
/// the step, not
/// what enters the momentum, and the first step has no dampening.
/// </remarks>
/// <param name="dampening">Share of the gradient that doesn't enter the momentum.</param>
/// <param name="nesterov">Look ahead by one step of momentum.</param>
public sealed class SgdOptimizer(IReadOnlyList<MomentumGroup> groups, double dampening = 0, bool nesterov = false)
    : ElementwiseOptimizer<MomentumGroup>(groups, ["momentum_buffer"], countsSteps: false)
{
    private readonly FusedPass<SgdKernel> _pass = new();

    private protected override FusedPass Pass => _pass;

    private protected override int TensorsNeeded(MomentumGroup group) => group.Momentum != 0 ? 1 : 0;

    private protected override void Fuse(MomentumGroup group, Memory memory, in FlatTensors tensors) =>
        _pass.Add(new SgdKernel(group.LearningRate, group.Momentum, dampening, group.WeightDecay, nesterov, memory.New), tensors);

    private protected override void Update(MomentumGroup group, Memory memory, Tensor gradient)
    {
        if (group.WeightDecay != 0)
            gradient = gradient.add(memory.Parameter, alpha: group.WeightDecay);
        if (group.Momentum != 0)
        {
            var buffer = memory[0];
            if (memory.New)
                buffer.copy_(gradient);
            else
                buffer.mul_(group.Momentum).add_(gradient, alpha: 1 - dampening);
            gradient = nesterov ? gradient.add(buffer, alpha: group.Momentum) : buffer;
        }
        memory.Parameter.add_(gradient, alpha: -group.LearningRate);
    }
}
