using Tessera.Torch.Loading;

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
