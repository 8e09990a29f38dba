using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>A place in a network at which backward tells that it has come by: y = x, dL/dx = dL/dy.</summary>
/// <remarks>
/// Why it exists: TorchSharp 0.107 has no hooks on tensors. When backward comes by, the gradients of all that was computed after the mark
/// are complete: libtorch's engine runs, of the operations that are ready on a device, the one that was recorded last, and whatever was
/// recorded after the mark and is not ready waits for something recorded later still.
/// </remarks>
public static class BackwardMark
{
    /// <param name="x">Any tensor.</param>
    /// <param name="reached">Called in every backward through the mark, on the thread that backward runs on.</param>
    /// <returns>The same values and memory; <paramref name="x"/> itself where no gradient is recorded.</returns>
    public static Tensor Place(Tensor x, Action reached) => is_grad_enabled() && x.requires_grad ? Identity.apply(x, reached) : x;

    private sealed class Identity : autograd.SingleTensorFunction<Identity>
    {
        public override string Name => nameof(BackwardMark);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_data("reached", vars[1]);
            return ((Tensor)vars[0]).detach(); // no view, so that it may be changed in place
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            ((Action)ctx.get_data("reached"))();
            return BackwardResult.Of(grad_output, grad_output, null); // the callback has no gradient
        }
    }
}
