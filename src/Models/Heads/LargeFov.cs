using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Heads;

/// <summary>Two dilated 3x3 convolutions with ReLU and a 1x1 convolution, all without bias: features to logits of the background and of
/// classes.</summary>
/// <remarks>Chen et al., "Semantic Image Segmentation with Deep Convolutional Nets and Fully Connected CRFs", 2015, arXiv:1412.7062
/// (DeepLab-LargeFOV), with the sizes of ToCo. The background's row is a layer of its own, so that the other one has a row for each
/// class.</remarks>
public sealed class LargeFov : nn.Module<Tensor, Tensor>
{
    private const int Width = 512;
    private const int Dilation = 5;

    private readonly Conv2d conv6;
    private readonly Conv2d conv7;
    private readonly Conv2d conv8;
    private readonly Conv2d background;

    /// <param name="channels">Of the features.</param>
    /// <param name="classes">Without the background.</param>
    public LargeFov(int channels, int classes)
        : base(nameof(LargeFov))
    {
        conv6 = Conv2d(channels, Width, 3, padding: Dilation, dilation: Dilation, bias: false);
        conv7 = Conv2d(Width, Width, 3, padding: Dilation, dilation: Dilation, bias: false);
        conv8 = Conv2d(Width, classes, 1, bias: false);
        background = Conv2d(Width, 1, 1, bias: false);
        RegisterComponents();
    }

    /// <param name="x">[B, channels, h, w].</param>
    /// <returns>[B, 1 + classes, h, w], the background first.</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var hidden = conv7.call(conv6.call(x).relu()).relu();
        return scope.MoveToOuter(cat([background.call(hidden), conv8.call(hidden)], 1));
    }
}
