using Tessera.Tests.Torch.Conformance;
using Tessera.Torch.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Layers;

public sealed class InitializeTests
{
    [Fact]
    public void TruncatedNormal_ManyValues_StaysWithinBoundsWithTheExpectedMoments()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var values = Initialize.TruncatedNormal(empty(200_000), deviation: 0.5, low: -1, high: 1);
        Assert.InRange(values.max().item<float>(), 0.95, 1);
        Assert.InRange(values.min().item<float>(), -1, -0.95);
        Assert.InRange(values.mean().item<float>(), -0.005, 0.005);
        // A normal cut at two deviations has the variance 1 - 4 φ(2) / (2 Φ(2) - 1) = 0.7737 of the whole.
        Assert.InRange(values.var().item<float>() / 0.25, 0.765, 0.782);
    }

    [Fact]
    public void TruncatedNormal_OfAParameter_LeavesItALeafAndNothingBehind()
    {
        using var parameter = new TorchSharp.Modules.Parameter(zeros(64));
        using var scope = NewDisposeScope();
        Assert.Same(parameter, Initialize.TruncatedNormal(parameter, deviation: 0.02));
        Assert.True(parameter.is_leaf);
        Assert.Equal(0, scope.DisposablesCount);
        Assert.True(parameter.detach().abs().sum().item<float>() > 0);
    }

    [Fact]
    public void TruncatedNormal_WithoutRoom_IsRefused()
    {
        using var values = empty(2);
        Assert.Throws<ArgumentOutOfRangeException>(() => Initialize.TruncatedNormal(values, deviation: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Initialize.TruncatedNormal(values, low: 1, high: 1));
    }

    [Fact]
    [Covers("Modules.GroupNorm::get_weight", "Modules.GroupNorm::get_bias")]
    public void GroupNorm_InUsedMemory_StartsFromOnesAndZeros()
    {
        for (var i = 0; i < 5; i++)
        {
            full(64, 7f).Dispose();
            using var norm = Norms.GroupNorm(4, 64);
            using var scope = NewDisposeScope();
            Assert.True(norm.weight.eq(1).all().item<bool>());
            Assert.True(norm.bias!.eq(0).all().item<bool>());
            Assert.Equal(["bias", "weight"], norm.state_dict().Keys.Order());
        }
    }

    [Fact]
    public void GroupNorm_BuiltInsideAScope_OutlivesIt()
    {
        TorchSharp.Modules.GroupNorm norm;
        using (NewDisposeScope())
            norm = Norms.GroupNorm(2, 4);
        Assert.False(norm.weight.IsInvalid);
        norm.Dispose();
    }

    [Fact]
    public void GroupNorm_OfGroupsThatDoNotDivide_IsRefused() => Assert.Throws<ArgumentException>(() => Norms.GroupNorm(3, 4));

    [Fact]
    [Covers("nn::GroupNorm")]
    public void GroupNorm_WithoutAffine_HasNoParameters()
    {
        using var norm = Norms.GroupNorm(2, 4, affine: false);
        using var same = nn.GroupNorm(2, 4, affine: false);
        using var scope = NewDisposeScope();
        var x = randn(2, 4, 5);
        Assert.Empty(norm.parameters());
        Assert.True(norm.call(x).allclose(same.call(x)));
        Assert.InRange(norm.call(x).mean().item<float>(), -1e-5, 1e-5);
    }
}
