using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch;

public sealed class TensorValuesTests
{
    [Fact]
    public void Values_OfNothing_AreNone()
    {
        using var scope = NewDisposeScope();
        var whole = arange(12, ScalarType.Float32).view(3, 4);
        Assert.Empty(zeros(0, 4).Values<float>());
        Assert.Empty(whole.narrow(0, 1, 0).Values<float>());
        Assert.Empty(whole.t().narrow(1, 3, 0).Values<float>());
        Assert.Equal([0f, 4, 8, 1, 5, 9], whole.t().narrow(0, 0, 2).Values<float>());
    }
}
