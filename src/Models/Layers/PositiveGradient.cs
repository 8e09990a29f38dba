using static TorchSharp.torch;

namespace Tessera.Models.Layers;

/// <summary>y = x. dL/dx = max(dL/dy, 0).</summary>
internal sealed class PositiveGradient : autograd.SingleTensorFunction<PositiveGradient>
{
    // TorchSharp hands the gradient's address to libtorch when nothing refers to the object any more; this keeps the collector from it.
    [ThreadStatic]
    private static Tensor? t_returned;

    public override string Name => nameof(PositiveGradient);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => ((Tensor)vars[0]).clone();

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        t_returned = grad_output.clamp_min(0);
        return [t_returned];
    }
}
