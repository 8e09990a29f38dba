using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch;

public sealed class AutogradTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    private static float[] Values(Tensor t) => t.data<float>().ToArray();

    [Fact]
    public void Backward_AddsGradientsUp()
    {
        var x = tensor((float[])[1, 2, 3], requires_grad: true);
        x.square().sum().backward();
        Assert.Equal([2, 4, 6], Values(x.grad!));
        (x * 10).sum().backward();
        Assert.Equal([12, 14, 16], Values(x.grad!));
        x.grad = null;
        Assert.Null(x.grad);
    }

    [Fact]
    public void Grad_OfGrad_IsTheSecondDerivative()
    {
        var x = tensor(3f, requires_grad: true);
        var first = autograd.grad([x.pow(3)], [x], create_graph: true, retain_graph: true)[0]; // 3 x^2
        Assert.Equal(27, first.ToSingle());
        Assert.Equal(18, autograd.grad([first], [x])[0].ToSingle()); // 6 x
    }

    [Fact]
    public void Backward_TwiceThroughOneGraph_NeedsRetainGraph()
    {
        var x = tensor(2f, requires_grad: true);
        var y = x.pow(2);
        y.backward(retain_graph: true);
        y.backward();
        Assert.Equal(8, x.grad!.ToSingle());
        Assert.Throws<ExternalException>(y.backward);
    }

    [Fact]
    public void GradientModes_Nest()
    {
        var x = ones(1, requires_grad: true);
        using (no_grad())
        {
            Assert.False(is_grad_enabled());
            Assert.False((x + 1).requires_grad);
            using (enable_grad())
                Assert.True((x + 1).requires_grad);
            Assert.False(is_grad_enabled());
        }
        Assert.True(is_grad_enabled());
        using (inference_mode())
        {
            Assert.True(is_inference_mode_enabled());
            Assert.False((x + 1).requires_grad);
        }
        Assert.False(is_inference_mode_enabled());
    }

    [Fact]
    public void Leaves_AreTheOnesThatWereMade()
    {
        var x = ones(1, requires_grad: true);
        Assert.True(x.is_leaf);
        Assert.False((x + 1).is_leaf);
        Assert.True((x + 1).detach().is_leaf);
        var y = x + 1;
        y.retain_grad();
        y.sum().backward();
        Assert.Equal([1], Values(y.grad!));
    }

    [Fact]
    public void Anomaly_NamesTheNaN()
    {
        var x = tensor(0f, requires_grad: true);
        using (autograd.detect_anomaly())
            Assert.Contains("nan", Assert.Throws<ExternalException>(() => (x.sqrt() * 0).backward()).Message, StringComparison.Ordinal);
        Assert.False(AnomalyMode.IsEnabled);
    }

    [Fact]
    public void Autocast_ComputesProductsInBfloat16()
    {
        var a = rand(8, 8);
        using (Tessera.Torch.Autocast.Enter(DeviceType.CPU, bfloat16))
        {
            Assert.True(Tessera.Torch.Autocast.IsEnabled(DeviceType.CPU));
            Assert.Equal(ScalarType.BFloat16, a.matmul(a).dtype);
            using (Tessera.Torch.Autocast.Leave(DeviceType.CPU))
                Assert.Equal(ScalarType.Float32, a.matmul(a).dtype);
            Assert.Equal(ScalarType.BFloat16, a.matmul(a).dtype);
        }
        Assert.Equal(ScalarType.Float32, a.matmul(a).dtype);
    }

    [Fact]
    public void ChannelsLast_KeepsShapeAndValues()
    {
        var a = rand(2, 3, 4, 5);
        var last = Tessera.Torch.ChannelsLast.Lay(a);
        Assert.True(Tessera.Torch.ChannelsLast.IsLaid(last));
        Assert.False(Tessera.Torch.ChannelsLast.IsLaid(a));
        Assert.Equal([60, 1, 15, 3], last.stride());
        Assert.True(last.Equals(a));
    }
}
