using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Layers;

/// <summary>y = x. dL/dx = max(dL/dy, 0).</summary>
internal sealed class PositiveGradient : autograd.SingleTensorFunction<PositiveGradient>
{
    public override string Name => nameof(PositiveGradient);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => ((Tensor)vars[0]).clone();

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) =>
        BackwardResult.Of(grad_output, grad_output.clamp_min(0));
}
