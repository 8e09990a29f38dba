using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Layers;

/// <summary>The batch norms of a network.</summary>
/// <param name="Eps">Added to variances.</param>
/// <param name="Momentum">The share of a batch in the running statistics.</param>
internal readonly record struct NormSettings(double Eps, double Momentum)
{
    /// <summary>PyTorch's own.</summary>
    public static NormSettings Usual { get; } = new(1e-5, 0.1);
}

/// <summary>Convolution without bias, batch norm, SiLU. Parameters are named as in MMCV's module of this kind: conv.weight,
/// bn.weight.</summary>
/// <remarks>SiLU, x · sigmoid(x): Elfwing et al., 2017, arXiv:1702.03118.</remarks>
internal sealed class SiluConv : Module<Tensor, Tensor>
{
    private readonly Conv2d conv;
    private readonly BatchNorm2d bn;

    /// <param name="kernel">Odd; padded so that H and W stay at stride 1.</param>
    public SiluConv(int width, int channels, int kernel, NormSettings norm, int stride = 1, int groups = 1)
        : base(nameof(SiluConv))
    {
        conv = Conv2d(width, channels, kernel, stride: stride, padding: kernel / 2, groups: groups, bias: false);
        bn = BatchNorm2d(channels, eps: norm.Eps, momentum: norm.Momentum);
        RegisterComponents();
    }

    /// <param name="depthwise">Each channel on its own, then a 1x1 convolution over the channels.</param>
    public static Module<Tensor, Tensor> Of(bool depthwise, int width, int channels, int kernel, NormSettings norm, int stride = 1) =>
        depthwise ? new SeparableSiluConv(width, channels, kernel, norm, stride) : new SiluConv(width, channels, kernel, norm, stride);

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, ⌈H / stride⌉, ⌈W / stride⌉].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(functional.silu(ConvThenNorm.Run(conv, bn, x)));
    }
}

/// <summary>A convolution of each channel on its own, then a 1x1 convolution over the channels; batch norm and SiLU after both.</summary>
/// <remarks>Named as in MMCV: depthwise_conv, pointwise_conv.</remarks>
internal sealed class SeparableSiluConv : Module<Tensor, Tensor>
{
    private readonly SiluConv depthwise_conv;
    private readonly SiluConv pointwise_conv;

    public SeparableSiluConv(int width, int channels, int kernel, NormSettings norm, int stride = 1)
        : base(nameof(SeparableSiluConv))
    {
        depthwise_conv = new SiluConv(width, width, kernel, norm, stride, groups: width);
        pointwise_conv = new SiluConv(width, channels, 1, norm);
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, ⌈H / stride⌉, ⌈W / stride⌉].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(pointwise_conv.call(depthwise_conv.call(x)));
    }
}
