using Tessera.Models.Layers;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Models.Layers;

/// <summary>The matrix product in place of a convolution over a small map, beside the convolution in float64 of the same rounded
/// numbers.</summary>
public sealed class SmallMapsTests
{
    [Theory]
    [InlineData(1, 1, 3, 1, 1, 1, false)] // the middle tap alone sees the map
    [InlineData(1, 1, 3, 2, 1, 1, true)]
    [InlineData(2, 2, 3, 1, 1, 1, false)]
    [InlineData(3, 3, 3, 1, 1, 1, true)]
    [InlineData(6, 6, 3, 2, 1, 1, false)]
    [InlineData(4, 3, 3, 1, 1, 1, false)]
    [InlineData(4, 4, 3, 1, 2, 2, false)] // dilated
    [InlineData(5, 5, 3, 1, 0, 1, false)] // without padding
    [InlineData(3, 2, 5, 1, 2, 1, true)]
    [InlineData(1, 2, 7, 3, 3, 1, false)]
    public void Run_MapOfAFewPixels_IsTheConvolution(int height, int width, int kernel, int stride, int padding, int dilation, bool bias)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var conv = Conv2d(5, 7, kernel, stride: stride, padding: padding, dilation: dilation, bias: bias);
        Round(conv);
        var x = Rounded(randn(3, 5, height, width)).requires_grad_();
        var weight = conv.weight.detach().to_type(ScalarType.Float64).requires_grad_();
        var exactX = x.detach().to_type(ScalarType.Float64).requires_grad_();
        var exact = functional.conv2d(
            exactX,
            weight,
            conv.bias?.detach().to_type(ScalarType.Float64),
            [stride, stride],
            [padding, padding],
            [dilation, dilation]
        );
        var gradient = Rounded(randn(exact.shape));
        exact.backward([gradient.to_type(ScalarType.Float64)]);

        Tensor result;
        using (Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16))
            result = SmallMaps.Run(conv, x)!;
        Assert.Equal(exact.shape, result.shape);
        result.backward([gradient.to_type(result.dtype)]);

        Near(exact, result);
        Near(weight.grad!, conv.weight.grad!);
        Near(exactX.grad!, x.grad!);
        if (bias)
            Near(gradient.sum([0, 2, 3]), conv.bias!.grad!);
    }

    [Fact]
    public void Run_LargerMapEvaluationOrFp32_LeavesTheConvolutionAsItIs()
    {
        using var scope = NewDisposeScope();
        using var conv = Conv2d(2, 2, 3, padding: 1);
        Assert.Null(SmallMaps.Run(conv, randn(1, 2, 2, 2)));
        using var autocast = Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16);
        Assert.NotNull(SmallMaps.Run(conv, randn(1, 2, 4, 4)));
        Assert.Null(SmallMaps.Run(conv, randn(1, 2, 5, 4)));
        using (no_grad())
            Assert.Null(SmallMaps.Run(conv, randn(1, 2, 2, 2)));
        using (var point = Conv2d(2, 2, 1))
            Assert.Null(SmallMaps.Run(point, randn(1, 2, 2, 2))); // a product as it is
        using (var gaps = Conv2d(2, 2, 2, padding: 1, dilation: 2))
            Assert.Null(SmallMaps.Run(gaps, randn(1, 2, 1, 1))); // each tap lies in the padding
        conv.eval();
        Assert.Null(SmallMaps.Run(conv, randn(1, 2, 2, 2)));
    }

    private static Tensor Rounded(Tensor x) => x.to_type(ScalarType.BFloat16).to_type(ScalarType.Float32).detach();

    private static void Round(TorchSharp.Modules.Conv2d conv)
    {
        using var _ = no_grad();
        foreach (var parameter in conv.parameters())
            parameter.copy_(Rounded(parameter));
    }

    /// <summary>Within bf16's rounding of the largest value.</summary>
    private static void Near(Tensor expected, Tensor actual)
    {
        var most = expected.abs().max().to_type(ScalarType.Float64).item<double>();
        var apart = (expected.to_type(ScalarType.Float64) - actual.to_type(ScalarType.Float64)).abs().max().item<double>();
        Assert.True(apart <= most / 128, $"{apart} apart, the largest is {most}");
    }
}
