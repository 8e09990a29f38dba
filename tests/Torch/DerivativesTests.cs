using Tessera.Tests.Torch.Conformance;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch;

public sealed class DerivativesTests
{
    [Fact]
    public void Of_SeveralInputs_GivesEachItsOwnAndTouchesNoParameter()
    {
        using var scope = NewDisposeScope();
        var weight = nn.Parameter(tensor((float[])[2, 3]));
        var x = tensor((float[])[5, 7], requires_grad: true);
        var other = ones(4, requires_grad: true);
        var found = Derivatives.Of((weight * x * x).sum(), [x, weight, other]);
        Assert.Equal([20, 42], found[0]!.data<float>().ToArray()); // 2 w x
        Assert.Equal([25, 49], found[1]!.data<float>().ToArray()); // x^2
        Assert.Null(found[2]);
        Assert.Null(weight.grad);
        Assert.Null(x.grad);
    }

    [Fact]
    public void Of_WithGraph_CanBeDifferentiatedAgain()
    {
        using var scope = NewDisposeScope();
        var x = tensor(3f, requires_grad: true);
        var first = Derivatives.Of(x.pow(3), [x], createGraph: true)[0]!;
        Assert.Equal(18, Derivatives.Of(first, [x])[0]!.item<float>()); // 6 x

        var y = x.pow(2);
        _ = Derivatives.Of(y, [x], retainGraph: true);
        Assert.Equal(6, Derivatives.Of(y, [x])[0]!.item<float>());
    }

    [Fact]
    public void Of_WhatHasNoDerivative_IsRefusedBeforeLibtorchEndsTheProcess()
    {
        using var scope = NewDisposeScope();
        var x = ones(2, requires_grad: true);
        Assert.Throws<ArgumentException>(() => Derivatives.Of(x * 2, [x])); // two numbers
        Assert.Throws<ArgumentException>(() => Derivatives.Of(ones(1), [x])); // no graph
        var error = Assert.Throws<ArgumentException>(() => Derivatives.Of(x.sum(), [x, ones(3)]));
        Assert.Contains("shape [3]", error.Message, StringComparison.Ordinal);
        Assert.Empty(Derivatives.Of(x.sum(), []));
    }

    [Fact]
    [Covers("autograd::grad", "Tensor::get_IsInvalid", "Tensor::requires_grad_")]
    public void Grad_OfAnUnusedInput_GivesAnInvalidTensor()
    {
        using var scope = NewDisposeScope();
        var x = tensor(3f).requires_grad_(true);
        var unused = ones(2).requires_grad_();
        var found = autograd.grad([x.pow(2)], [x, unused], null, false, false, allow_unused: true);
        Assert.Equal([false, true], found.Select(gradient => gradient.IsInvalid));
        Assert.Equal(6, found[0].item<float>());
    }
}
