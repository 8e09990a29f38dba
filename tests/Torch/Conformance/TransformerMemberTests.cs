using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Torch.Conformance;

/// <summary>Members that detection by transformers calls: modules of three to five inputs, bounds, SiLU.</summary>
public sealed class TransformerMemberTests
{
    private sealed class Three() : Module<Tensor, Tensor, Tensor?, Tensor>(nameof(Three))
    {
        public override Tensor forward(Tensor a, Tensor b, Tensor? c) => c is null ? a - b : a - b + c;
    }

    private sealed class Four() : Module<Tensor, Tensor, string, Tensor?, Tensor>(nameof(Four))
    {
        public override Tensor forward(Tensor a, Tensor b, string c, Tensor? d) => d is null ? a - b + c.Length : d;
    }

    private sealed class Five() : Module<Tensor, Tensor, Tensor, string, Tensor?, Tensor>(nameof(Five))
    {
        public override Tensor forward(Tensor a, Tensor b, Tensor c, string d, Tensor? e) => e is null ? a - (b * c) + d.Length : e;
    }

    [Fact]
    [Covers(
        "nn.Module`4::.ctor",
        "nn.Module`4::call",
        "nn.Module`5::.ctor",
        "nn.Module`5::call",
        "nn.Module`6::.ctor",
        "nn.Module`6::call"
    )]
    public void Modules_OfSeveralInputs_GetThemInOrder_AndRunHooks()
    {
        using var scope = NewDisposeScope();
        var (a, b, c) = (full(2, 7f), full(2, 5f), full(2, 3f));
        using var three = new Three();
        using var four = new Four();
        using var five = new Five();
        Assert.Equal([2f, 2], three.call(a, b, null).data<float>().ToArray());
        Assert.Equal([5f, 5], three.call(a, b, c).data<float>().ToArray());
        Assert.Equal([6f, 6], four.call(a, b, "four", null).data<float>().ToArray());
        Assert.Equal([3f, 3], four.call(a, b, "four", c).data<float>().ToArray());
        Assert.Equal([-4f, -4], five.call(a, b, c, "five", null).data<float>().ToArray());
        three.register_forward_hook((_, _, _, _, output) => output * 2);
        Assert.Equal([4f, 4], three.call(a, b, null).data<float>().ToArray());
        Assert.Equal([2f, 2], three.forward(a, b, null).data<float>().ToArray());
    }

    /// <summary>A bound passes its gradient on within, and none beyond; x · s has the derivative s + x · s · (1 - s).</summary>
    [Fact]
    [Covers("Tensor::clamp", "nn.functional::silu")]
    public void BoundsAndSilu_ByHand()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new double[] { -2, -0.5, 0.25, 3 }).requires_grad_();
        var bounded = x.clamp(-1, 2);
        Assert.Equal([-1, -0.5, 0.25, 2], bounded.data<double>().ToArray());
        Assert.Equal([0.0, 1, 1, 0], autograd.grad([bounded.sum()], [x])[0].data<double>().ToArray());
        var silu = functional.silu(x);
        var slopes = autograd.grad([silu.sum()], [x])[0].data<double>().ToArray();
        foreach (var (i, value) in x.data<double>().ToArray().Index())
        {
            var s = 1 / (1 + Math.Exp(-value));
            Assert.Equal(value * s, silu[i].item<double>(), 1e-12);
            Assert.Equal(s + (value * s * (1 - s)), slopes[i], 1e-12);
        }
    }

    /// <summary>x / 6 + 1/2, cut to 0 .. 1.</summary>
    [Fact]
    [Covers("nn.functional::hardsigmoid")]
    public void HardSigmoid_ByHand()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new double[] { -4, -1.5, 0.3, 5 }).requires_grad_();
        var y = functional.hardsigmoid(x);
        Assert.Equal([0, 0.25, 0.55, 1], y.data<double>().ToArray().Select(value => Math.Round(value, 12)));
        var slopes = autograd.grad([y.sum()], [x])[0].data<double>().ToArray();
        Assert.Equal([0, 1 / 6.0, 1 / 6.0, 0], slopes, Near);
    }

    /// <summary>x (x + 3) / 6 between -3 and 3; 0 below, x above.</summary>
    [Fact]
    [Covers("nn.functional::hardswish")]
    public void HardSwish_ByHand()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new double[] { -4, -1.5, 0.3, 5 }).requires_grad_();
        var y = functional.hardswish(x);
        Assert.Equal([0, -0.375, 0.165, 5], y.data<double>().ToArray(), Near);
        var slopes = autograd.grad([y.sum()], [x])[0].data<double>().ToArray();
        Assert.Equal([0, 0, 0.6, 1], slopes, Near); // (2 x + 3) / 6
    }

    [Fact]
    [Covers("nn.functional::relu6", "nn.functional::sigmoid")]
    public void Relu6AndSigmoid_ByHand()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new double[] { -1, 2, 7 }).requires_grad_();
        Assert.Equal([0, 2, 6], functional.relu6(x).data<double>().ToArray());
        Assert.Equal([0, 1, 0], autograd.grad([functional.relu6(x).sum()], [x])[0].data<double>().ToArray());
        double[] shares = [1 / (1 + Math.Exp(1)), 1 / (1 + Math.Exp(-2)), 1 / (1 + Math.Exp(-7))];
        Assert.Equal(shares, functional.sigmoid(x).data<double>().ToArray(), Near);
        var slopes = autograd.grad([functional.sigmoid(x).sum()], [x])[0].data<double>().ToArray();
        Assert.Equal(shares.Select(share => share * (1 - share)), slopes, Near);
    }

    [Fact]
    [Covers("Tensor::log1p")]
    public void Log1p_IsExactNearZero()
    {
        using var scope = NewDisposeScope();
        double[] values = [1e-12, 0.5, 3];
        var x = tensor(values).requires_grad_();
        var y = x.log1p();
        Assert.Equal([1e-12 - 5e-25, Math.Log(1.5), Math.Log(4)], y.data<double>().ToArray(), (a, b) => Math.Abs(a - b) <= 1e-15 * a);
        var slopes = autograd.grad([y.sum()], [x])[0].data<double>().ToArray();
        Assert.Equal(values.Select(value => 1 / (1 + value)), slopes, Near);
    }

    [Fact]
    [Covers("Tensor::nan_to_num")]
    public void NanToNum_PutsNumbersInTheirPlaces()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { double.NaN, double.PositiveInfinity, double.NegativeInfinity, 2 });
        Assert.Equal([7, 8, -9, 2], x.nan_to_num(7, 8, -9).data<double>().ToArray());
    }

    /// <summary>The root of the sum of squares along dimensions; its gradient is the vector over its length.</summary>
    [Fact]
    [Covers("linalg::vector_norm")]
    public void VectorNorm_ByHand()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new double[] { 3, 4, 5, 12 }).view(2, 2).requires_grad_();
        var y = linalg.vector_norm(x, 2, [1], keepdim: true);
        Assert.Equal([2, 1], y.shape);
        Assert.Equal([5, 13], y.data<double>().ToArray(), Near);
        var slopes = autograd.grad([y.sum()], [x])[0].data<double>().ToArray();
        Assert.Equal([3 / 5.0, 4 / 5.0, 5 / 13.0, 12 / 13.0], slopes, Near);
    }

    private static bool Near(double a, double b) => Math.Abs(a - b) < 1e-7; // libtorch's sixth is a float32
}
