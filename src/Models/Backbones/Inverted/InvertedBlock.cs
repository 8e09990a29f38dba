using Tessera.Models.Layers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones.Inverted;

/// <summary>A block whose inside is wider than what comes in and goes out.</summary>
/// <param name="Hidden">Channels inside.</param>
/// <param name="Channels">Channels that go out.</param>
/// <param name="Stride">Of the network as published; the convolution's may be traded for dilation.</param>
/// <param name="Squeezed">Channels between the two layers that weigh the inner ones; 0: they are not weighed.</param>
/// <param name="Fused">One convolution over all channels expands, instead of a 1x1 and one of each channel on its own.</param>
internal sealed record InvertedShape(
    int Kernel,
    int Hidden,
    int Channels,
    int Stride,
    Activation Activation,
    int Squeezed = 0,
    bool Fused = false
);

/// <summary>How the blocks of a network are made.</summary>
/// <param name="Same">Strided convolutions are padded as in TensorFlow.</param>
/// <param name="HardGate">The weights of channels come by a hard sigmoid, and a ReLU lies before; otherwise by a sigmoid, and the block's
/// activation lies before.</param>
internal sealed record InvertedStyle(NormSettings Norm, bool Same, bool HardGate);

/// <summary>
/// An inverted residual: 1x1 to the wide inside, a convolution of each channel on its own, weights for the channels, 1x1 back; what comes
/// in is added where it fits.
/// </summary>
/// <remarks>
/// Sandler et al., "MobileNetV2", 2018, arXiv:1801.04381; Tan, Le, "EfficientNetV2", 2021, arXiv:2104.00298 (fused). Parameters are named
/// as in MMPretrain: expand_conv, depthwise_conv, se, linear_conv; a fused block without expansion has one convolution, conv.
/// </remarks>
internal sealed class InvertedBlock : Module<Tensor, Tensor>
{
    private readonly ConvNorm? expand_conv;
    private readonly ConvNorm? depthwise_conv;
    private readonly SqueezeExcitation? se;
    private readonly ConvNorm? linear_conv;
    private readonly ConvNorm? conv;
    private readonly DropPath? drop_path;
    private readonly bool _adds;

    /// <param name="width">Channels that come in.</param>
    /// <param name="stride">Of the convolution.</param>
    /// <param name="dilation">Of the convolution.</param>
    /// <param name="dropRate">How often the block is left out in training, where what comes in is added.</param>
    public InvertedBlock(InvertedShape shape, int width, int stride, int dilation, double dropRate, InvertedStyle style)
        : base(nameof(InvertedBlock))
    {
        var (hidden, expands) = (shape.Hidden, shape.Hidden != width);
        if (shape.Fused)
        {
            var spatial = new ConvShape(width, expands ? hidden : shape.Channels, shape.Kernel, stride, dilation, Same: style.Same);
            if (expands)
                expand_conv = new ConvNorm(spatial, style.Norm, shape.Activation);
            else
                conv = new ConvNorm(spatial, style.Norm, shape.Activation);
        }
        else
        {
            if (expands)
                expand_conv = new ConvNorm(new ConvShape(width, hidden, 1), style.Norm, shape.Activation);
            depthwise_conv = new ConvNorm(
                new ConvShape(hidden, hidden, shape.Kernel, stride, dilation, Groups: hidden, style.Same),
                style.Norm,
                shape.Activation
            );
        }
        if (shape.Squeezed > 0)
            se = new SqueezeExcitation(hidden, shape.Squeezed, style.HardGate ? Activation.Relu : shape.Activation, style.HardGate);
        if (conv is null)
            linear_conv = new ConvNorm(new ConvShape(hidden, shape.Channels, 1), style.Norm, Activation.None);
        _adds = stride == 1 && width == shape.Channels;
        drop_path = _adds && dropRate > 0 ? new DropPath(dropRate) : null;
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, ⌈H / stride⌉, ⌈W / stride⌉].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = x;
        foreach (var layer in (Module<Tensor, Tensor>?[])[conv, expand_conv, depthwise_conv, se, linear_conv, drop_path])
            if (layer is not null)
                y = layer.call(y);
        return scope.MoveToOuter(_adds ? y.add_(x) : y);
    }
}
