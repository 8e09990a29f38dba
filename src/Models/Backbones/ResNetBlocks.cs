using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <param name="Width">Channels that come in.</param>
/// <param name="Planes">Channels inside, before expansion.</param>
/// <param name="Stride">Of the first (basic block) or the only (bottleneck) 3x3 convolution; of a Caffe bottleneck's first 1x1.</param>
/// <param name="Dilation">Of the first (basic block) or the only (bottleneck) 3x3 convolution.</param>
/// <param name="AvgDown">The shortcut shrinks by pooling.</param>
internal readonly record struct ResNetBlockShape(int Width, int Planes, int Stride, int Dilation, bool AvgDown)
{
    /// <summary>Whether the shortcut has a projection even where the input would fit.</summary>
    public bool Projects { get; init; }

    /// <summary>The shortcut's projection; null where the input passes as it is.</summary>
    public Sequential? Downsample(int channels)
    {
        if (Stride == 1 && Width == channels && !Projects)
            return null;
        if (!AvgDown)
            return Sequential(Conv2d(Width, channels, 1, stride: Stride, bias: false), BatchNorm2d(channels));
        Module<Tensor, Tensor> pool =
            Stride == 1 ? Identity() : AvgPool2d(Stride, stride: Stride, ceil_mode: true, count_include_pad: false);
        return Sequential(pool, Conv2d(Width, channels, 1, bias: false), BatchNorm2d(channels));
    }
}

/// <summary>A residual branch and a shortcut.</summary>
public abstract class ResNetBlock(string name) : Module<Tensor, Tensor>(name), IRecomputable
{
    /// <param name="x">[B, Width, H, W].</param>
    /// <returns>[B, channels, ⌈H / Stride⌉, ⌈W / Stride⌉].</returns>
    public sealed override Tensor forward(Tensor x) => ActivationCheckpoints.Run(this, Compute, x);

    /// <summary>What <see cref="forward"/> gives; may run twice in a step.</summary>
    private protected abstract Tensor Compute(Tensor x);

    /// <summary>The norm that ends the residual branch.</summary>
    public abstract BatchNorm2d LastNorm { get; }
}

/// <summary>Two 3x3 convolutions.</summary>
public sealed class BasicBlock : ResNetBlock
{
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Conv2d conv2;
    private readonly BatchNorm2d bn2;
    private readonly Sequential? downsample;

    /// <param name="secondDilation">Of the second convolution.</param>
    internal BasicBlock(ResNetBlockShape shape, int secondDilation = 1)
        : base(nameof(BasicBlock))
    {
        conv1 = Conv2d(shape.Width, shape.Planes, 3, stride: shape.Stride, padding: shape.Dilation, dilation: shape.Dilation, bias: false);
        bn1 = BatchNorm2d(shape.Planes);
        conv2 = Conv2d(shape.Planes, shape.Planes, 3, padding: secondDilation, dilation: secondDilation, bias: false);
        bn2 = BatchNorm2d(shape.Planes);
        downsample = shape.Downsample(shape.Planes);
        RegisterComponents();
    }

    public override BatchNorm2d LastNorm => bn2;

    /// <param name="x">[B, Width, H, W].</param>
    /// <returns>[B, Planes, ⌈H / Stride⌉, ⌈W / Stride⌉].</returns>
    private protected override Tensor Compute(Tensor x)
    {
        using var scope = NewDisposeScope();
        var branch = ConvThenNorm.Rectified(conv1, bn1, x);
        branch = ConvThenNorm.Run(conv2, bn2, branch);
        return scope.MoveToOuter(Rectifier.InPlace(branch.add_(downsample is null ? x : ConvThenNorm.Run(downsample, x))));
    }
}

/// <summary>1x1, 3x3 (grouped, perhaps) and 1x1 convolutions; the last widens fourfold.</summary>
public sealed class Bottleneck : ResNetBlock
{
    private const int Expansion = 4;

    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Conv2d conv2;
    private readonly BatchNorm2d bn2;
    private readonly Conv2d conv3;
    private readonly BatchNorm2d bn3;
    private readonly Sequential? downsample;

    internal Bottleneck(ResNetBlockShape shape, int groups, int baseWidth, ResNetStyle style = ResNetStyle.Pytorch)
        : base(nameof(Bottleneck))
    {
        var width = (int)(shape.Planes * (baseWidth / 64.0)) * groups;
        if (width == 0)
            throw new UserErrorException($"ResNet: base_width {baseWidth} leaves no channels of {shape.Planes}.");
        var (first, second) = style == ResNetStyle.Caffe ? (shape.Stride, 1) : (1, shape.Stride);
        conv1 = Conv2d(shape.Width, width, 1, stride: first, bias: false);
        bn1 = BatchNorm2d(width);
        conv2 = Conv2d(width, width, 3, stride: second, padding: shape.Dilation, dilation: shape.Dilation, groups: groups, bias: false);
        bn2 = BatchNorm2d(width);
        conv3 = Conv2d(width, shape.Planes * Expansion, 1, bias: false);
        bn3 = BatchNorm2d(shape.Planes * Expansion);
        downsample = shape.Downsample(shape.Planes * Expansion);
        RegisterComponents();
    }

    public override BatchNorm2d LastNorm => bn3;

    /// <param name="x">[B, Width, H, W].</param>
    /// <returns>[B, 4 · Planes, ⌈H / Stride⌉, ⌈W / Stride⌉].</returns>
    private protected override Tensor Compute(Tensor x)
    {
        using var scope = NewDisposeScope();
        var branch = ConvThenNorm.Rectified(conv1, bn1, x);
        branch = ConvThenNorm.Rectified(conv2, bn2, branch);
        branch = ConvThenNorm.Run(conv3, bn3, branch);
        return scope.MoveToOuter(Rectifier.InPlace(branch.add_(downsample is null ? x : ConvThenNorm.Run(downsample, x))));
    }
}
