using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Layers;

/// <summary>A convolution of each channel on its own, then a 1x1 convolution over the channels; batch norm and ReLU after both.</summary>
/// <remarks>Named as in MMCV: depthwise_conv, pointwise_conv.</remarks>
internal sealed class SeparableConv : Module<Tensor, Tensor>
{
    private readonly ConvNorm depthwise_conv;
    private readonly ConvNorm pointwise_conv;

    public SeparableConv(int width, int channels, int kernel, int dilation = 1)
        : base(nameof(SeparableConv))
    {
        depthwise_conv = new ConvNorm(width, width, kernel, dilation, groups: width);
        pointwise_conv = new ConvNorm(width, channels, 1);
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, H, W].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(pointwise_conv.call(depthwise_conv.call(x)));
    }
}
