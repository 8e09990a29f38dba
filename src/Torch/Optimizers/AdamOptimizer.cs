using Tessera.Torch.Optimizers.Passes;
using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers;

/// <summary>Adam and AdamW: steps along the gradient's average, scaled by the root of its square's average.</summary>
/// <remarks>
/// Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, arXiv:1412.6980; Loshchilov and Hutter, "Decoupled weight decay
/// regularization",
/// ICLR 2019, arXiv:1711.05101; AMSGrad: Reddi et al., "On the convergence of Adam and beyond", ICLR 2018, arXiv:1904.09237. As in PyTorch,
/// ε is added
/// after the correction of the bias.
/// </remarks>
/// <param name="decoupled">AdamW: decay shrinks the parameter; otherwise it is added to the gradient as an L2 penalty.</param>
/// <param name="eps">Added to the denominator.</param>
/// <param name="amsgrad">Divide by the largest average so far.</param>
public sealed class AdamOptimizer(IReadOnlyList<BetasGroup> groups, bool decoupled, double eps = 1e-8, bool amsgrad = false)
    : ElementwiseOptimizer<BetasGroup>(
        groups,
        amsgrad ? ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"] : ["exp_avg", "exp_avg_sq"],
        countsSteps: true
    )
{
    private readonly FusedPass<AdamKernel> _pass = new();
    private (BetasGroup?, long, double, double, (double, double)) _kernelOf;
    private AdamKernel _kernel;

    private protected override FusedPass Pass => _pass;

    private protected override int TensorsNeeded(BetasGroup group) => amsgrad ? 3 : 2;

    private protected override void Fuse(BetasGroup group, Memory memory, in FlatTensors tensors)
    {
        // nearly always the same for a whole group
        if (_kernelOf != (group, memory.Steps, group.LearningRate, group.WeightDecay, group.Betas))
        {
            _kernelOf = (group, memory.Steps, group.LearningRate, group.WeightDecay, group.Betas);
            _kernel = new AdamKernel(
                memory.Steps,
                group.LearningRate,
                group.Betas.Item1,
                group.Betas.Item2,
                eps,
                group.WeightDecay,
                decoupled,
                amsgrad
            );
        }
        _pass.Add(_kernel, tensors);
    }

    private protected override void Update(BetasGroup group, Memory memory, Tensor gradient)
    {
        var (parameter, lr, decay, (beta1, beta2)) = (memory.Parameter, group.LearningRate, group.WeightDecay, group.Betas);
        var (average, square, largest) = (memory[0], memory[1], amsgrad ? memory[2] : null);
        if (decay != 0)
        {
            if (decoupled)
                parameter.mul_(1 - lr * decay);
            else
                gradient = gradient.add(parameter, alpha: decay);
        }
        average.mul_(beta1).add_(gradient, alpha: 1 - beta1);
        square.mul_(beta2).addcmul_(gradient, gradient, value: 1 - beta2);
        largest?.copy_(maximum(largest, square));
        var denominator = (largest ?? square).sqrt().div_(Math.Sqrt(1 - Math.Pow(beta2, memory.Steps))).add_(eps);
        parameter.addcdiv_(average, denominator, value: -lr / (1 - Math.Pow(beta1, memory.Steps)));
    }
}
