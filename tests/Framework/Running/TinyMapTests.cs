using Tessera.Framework.Running;
using Tessera.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Framework.Running;

/// <summary>Convolutions over maps of which parts of the kernel never see anything.</summary>
[Collection(ProcessWide.Name)]
public sealed class TinyMapTests
{
    // One pixel, 3 x 3, padding 1: only the middle sees it, so its gradient is what it saw, 2, and all others' are 0.
    [Fact]
    public void Gradient_OfWhatNeverSeesTheMap_IsZero()
    {
        using var scope = NewDisposeScope();
        using var conv = Conv2d(16, 16, 3, stride: 2, padding: 1);
        using var model = Sequential(("conv", (Module<Tensor, Tensor>)conv));
        TinyMaps.Attach(model);
        TinyMaps.Attach(model);
        using (no_grad())
            conv.weight.set_(conv.weight.detach().permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2));
        for (var i = 0; i < 20; i++)
        {
            full(16 * 16 * 9, 3e8f).Dispose(); // memory that is likely to be given again
            model.zero_grad();
            using (Autocast.Enter(DeviceType.CPU, bfloat16))
                model.call(full([4, 16, 1, 1], 2f)).sum().backward();
            var gradient = conv.weight.grad!;
            Assert.Equal(8, gradient[TensorIndex.Colon, TensorIndex.Colon, 1, 1].mean().item<float>(), 1e-5);
            Assert.Equal(16 * 16 * 8, gradient.abs().sum().item<float>(), 1e-3);
        }
    }

    [Fact]
    public void Applies_WhereAWeightWouldLearn_AndAPartSeesNothing()
    {
        using var scope = NewDisposeScope();
        using var conv = Conv2d(2, 2, 3, stride: 2, padding: 1);
        var (small, large) = (zeros(1, 2, 1, 1), zeros(1, 2, 3, 3));
        Assert.True(TinyMaps.Applies(conv, small));
        Assert.False(TinyMaps.Applies(conv, large));
        using (no_grad())
            Assert.False(TinyMaps.Applies(conv, small));
        using var mirrored = Conv2d(2, 2, 3, padding: 1, padding_mode: PaddingModes.Reflect);
        Assert.False(TinyMaps.Applies(mirrored, large));
        conv.weight.requires_grad = false;
        Assert.False(TinyMaps.Applies(conv, small));
    }
}
