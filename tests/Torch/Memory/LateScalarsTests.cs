using Tessera.Torch.Loading;
using Tessera.Torch.Memory;
using TorchSharp;

namespace Tessera.Tests.Torch.Memory;

/// <summary>Numbers that wait before they are freed (src/Torch/Memory/LateScalars.cs).</summary>
public sealed class LateScalarsTests
{
    [Fact]
    public void Scalars_Wait_AndAreFreedLater()
    {
        const int many = 100_000;
        LibTorch.Load();
        Assert.True(LateScalars.IsInstalled);
        Assert.Null(LateScalars.Note);
        for (var i = 0; i < many; i++)
            Drop(i);
        Assert.True(LateScalars.Waiting >= many);
        for (var round = 0; round < 2; round++) // each moves them on by one list
        {
            Thread.Sleep(LateScalars.Delay + 100);
            Drop(round);
        }
        Assert.InRange(LateScalars.Waiting, 1, many / 10);
    }

    [Fact]
    public void Install_InALibraryWithoutTheFunction_ChangesNothing()
    {
        Assert.False(LateScalars.Install(0));
        LibTorch.Load();
        Assert.False(LateScalars.Install(Exports.Binding())); // its first instructions are no longer those of TorchSharp
        Assert.True(LateScalars.IsInstalled);
    }

    private static void Drop(Scalar scalar) => scalar.Dispose();
}
