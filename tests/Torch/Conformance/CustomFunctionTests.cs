using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Conformance;

/// <summary>Functions whose gradient is written in C#, which the sum over processes is.</summary>
public sealed class CustomFunctionTests
{
    /// <summary>y = factor x.</summary>
    private sealed class Scaled : autograd.SingleTensorFunction<Scaled>
    {
        [ThreadStatic]
        private static Tensor? t_returned;

        public override string Name => nameof(Scaled);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_data("factor", vars[1]);
            return (Tensor)vars[0] * (float)vars[1];
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            t_returned = grad_output * (float)ctx.get_data("factor");
            return [t_returned, null!];
        }
    }

    [Fact]
    [Covers(
        "autograd.AutogradContext::get_data",
        "autograd.AutogradContext::save_data",
        "autograd.SingleTensorFunction`1::.ctor",
        "autograd.SingleTensorFunction`1::apply"
    )]
    public void Function_OfOneTensor_HasTheGradientThatItGives()
    {
        using var scope = NewDisposeScope();
        var x = tensor((float[])[1, -2, 3], requires_grad: true);
        var y = Scaled.apply(x, 3f);
        (y * y).sum().backward(); // d (3x)² / dx = 18 x
        Assert.Equal([3, -6, 9], y.detach().data<float>().ToArray());
        Assert.Equal([18, -36, 54], x.grad!.data<float>().ToArray());
    }

    /// <summary>y = x², whose gradient needs what forward saw.</summary>
    private sealed class Squared : autograd.SingleTensorFunction<Squared>
    {
        [ThreadStatic]
        private static Tensor? t_returned;

        public override string Name => nameof(Squared);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_for_backward([(Tensor)vars[0]]);
            return ((Tensor)vars[0]).square();
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            t_returned = 2 * grad_output * ctx.get_saved_variables()[0];
            return [t_returned];
        }
    }

    [Fact]
    [Covers("autograd.AutogradContext::get_saved_variables", "autograd.AutogradContext::save_for_backward")]
    public void Function_ThatSavesItsInput_GetsItBack()
    {
        using var scope = NewDisposeScope();
        var x = tensor((float[])[1, -2, 3], requires_grad: true);
        using (NewDisposeScope())
            Squared.apply(x.alias()).sum().backward(); // d x² / dx = 2 x
        Assert.Equal([2, -4, 6], x.grad!.data<float>().ToArray());
    }
}
