using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Layers;

/// <summary>Convolution without bias, batch norm, ReLU. Parameters are named as in MMCV's module of this kind: conv.weight,
/// bn.weight.</summary>
internal sealed class ConvNorm : Module<Tensor, Tensor>
{
    private readonly Conv2d conv;
    private readonly BatchNorm2d bn;
    private readonly bool _relu;

    /// <param name="kernel">Odd; padded so that H and W stay at stride 1.</param>
    public ConvNorm(int width, int channels, int kernel, int dilation = 1, int groups = 1, bool relu = true, int stride = 1)
        : base(nameof(ConvNorm))
    {
        var padding = dilation * (kernel / 2);
        conv = Conv2d(width, channels, kernel, stride: stride, padding: padding, dilation: dilation, groups: groups, bias: false);
        bn = BatchNorm2d(channels);
        _relu = relu;
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, ⌈H / stride⌉, ⌈W / stride⌉].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = ConvThenNorm.Run(conv, bn, x);
        return scope.MoveToOuter(_relu ? Rectifier.InPlace(x) : x);
    }
}
