using Tessera.Torch;
using Tessera.Torch.Loading;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Defects;

/// <summary>TorchSharp hands the addresses of its objects to libtorch without keeping the objects alive during the call.</summary>
public sealed class LifetimeDefects
{
    [Fact]
    public void Scalar_IsFreedWhileLibtorchReadsIt()
    {
        if (CacheSizes.AreHidden)
            return; // libtorch, and with it the remedy, is loaded before anyone can see the defect
        var (code, output) = ProcessOfItsOwn.Run("scalars");
        Mended.Not(
            code != 0 || output.Contains("Exception", StringComparison.Ordinal),
            "the lifetime of Scalar",
            "src/Torch/Memory/LateScalars.cs can go."
        );
    }

    [Fact]
    public void Scalar_IsKept_OnceATrainingHasBegun()
    {
        var (code, output) = ProcessOfItsOwn.Run("scalars, kept");
        Assert.Equal(0, code);
        Assert.Equal("alive", output.Trim());
    }

    /// <summary>y = x, and keeps the gradient that its backward is given.</summary>
    private sealed class Watched : autograd.SingleTensorFunction<Watched>
    {
        public static Tensor? Given { get; private set; }

        public override string Name => nameof(Watched);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => ((Tensor)vars[0]).clone();

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            Given = grad_output;
            return [grad_output];
        }
    }

    [Fact]
    public void GradientGivenToBackward_IsNeverFreed()
    {
        using var scope = NewDisposeScope();
        Watched.apply(ones(3, requires_grad: true)).sum().backward();
        Mended.Not(
            !Watched.Given!.IsInvalid,
            "the end of the gradients that a function's backward is given and returns",
            "src/Torch/BackwardResult.cs need not free them."
        );
    }

    [Fact]
    public void BackwardResult_FreesWhatWasGiven_AndWhatTheLastOneReturned()
    {
        using var scope = NewDisposeScope();
        Tensor given = ones(3),
            first = ones(3),
            second = ones(3);
        var returned = BackwardResult.Of(given, first, null);
        Assert.Same(first, returned[0]);
        Assert.Null(returned[1]);
        Assert.True(given.IsInvalid);
        Assert.Same(second, Assert.Single(BackwardResult.Of(second, second)));
        Assert.True(first.IsInvalid);
        Assert.False(second.IsInvalid);
    }

    [Fact]
    public void Tensor_InNoScope_IsFreedWhileLibtorchReadsIt()
    {
        var (code, output) = ProcessOfItsOwn.Run("tensors");
        Mended.Not(
            code != 0 || output.Contains("Exception", StringComparison.Ordinal),
            "the lifetime of Tensor",
            "Temporary tensors may be used outside of dispose scopes."
        );
    }
}
