using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>y = Σ x over all processes. dL/dx = Σ dL/dy over all processes: every process's x is in every process's y.</summary>
internal sealed class SumOverProcesses : autograd.SingleTensorFunction<SumOverProcesses>
{
    public override string Name => nameof(SumOverProcesses);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var group = (IProcessGroup)vars[1];
        ctx.save_data(nameof(group), group);
        return group.Sum((Tensor)vars[0]);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) =>
        BackwardResult.Of(grad_output, ((IProcessGroup)ctx.get_data("group")).Sum(grad_output), null); // the group has no gradient
}
