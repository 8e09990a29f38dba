using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Layers;

/// <summary>A convolution.</summary>
/// <param name="Kernel">Odd.</param>
/// <param name="Same">Padded as TensorFlow's "same" has it: as much as is needed, an odd pixel on the right and below. Otherwise padded
/// alike on all sides. Without stride both are one.</param>
internal readonly record struct ConvShape(
    int Width,
    int Channels,
    int Kernel,
    int Stride = 1,
    int Dilation = 1,
    int Groups = 1,
    bool Same = false
)
{
    /// <summary>Whether the padding follows the image's size, so that the convolution itself has none.</summary>
    public bool PadsBySize => Same && Stride > 1;

    /// <summary>The convolution, without bias.</summary>
    public Conv2d Build() =>
        Conv2d(
            Width,
            Channels,
            Kernel,
            stride: Stride,
            padding: PadsBySize ? 0 : Dilation * (Kernel / 2),
            dilation: Dilation,
            groups: Groups,
            bias: false
        );

    /// <summary>The map with zeros around it where the padding follows its size; otherwise the map itself.</summary>
    /// <param name="x">[B, Width, H, W].</param>
    public Tensor Pad(Tensor x)
    {
        if (!PadsBySize)
            return x;
        var (rows, columns) = (Missing(x.shape[2]), Missing(x.shape[3]));
        return functional.pad(x, [columns / 2, columns - columns / 2, rows / 2, rows - rows / 2]);
    }

    private long Missing(long length) =>
        Math.Max(0, ((length + Stride - 1) / Stride - 1) * Stride + (long)(Kernel - 1) * Dilation + 1 - length);
}

/// <summary>Convolution without bias, batch norm, an activation. Parameters are named as in MMCV's module of this kind: conv.weight,
/// bn.weight.</summary>
internal sealed class ConvNorm : Module<Tensor, Tensor>
{
    private readonly Conv2d conv;
    private readonly BatchNorm2d bn;
    private readonly ConvShape _shape;
    private readonly Activation _activation;

    /// <param name="kernel">Odd; padded so that H and W stay at stride 1.</param>
    public ConvNorm(int width, int channels, int kernel, int dilation = 1, int groups = 1, bool relu = true, int stride = 1)
        : this(
            new ConvShape(width, channels, kernel, stride, dilation, groups),
            NormSettings.Usual,
            relu ? Activation.Relu : Activation.None
        ) { }

    public ConvNorm(ConvShape shape, NormSettings norm, Activation activation)
        : base(nameof(ConvNorm))
    {
        (_shape, _activation) = (shape, activation);
        conv = shape.Build();
        bn = BatchNorm2d(shape.Channels, eps: norm.Eps, momentum: norm.Momentum);
        RegisterComponents();
    }

    /// <summary>The norm.</summary>
    public BatchNorm2d Norm => bn;

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, ⌈H / stride⌉, ⌈W / stride⌉].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var padded = _shape.Pad(x);
        return scope.MoveToOuter(
            _activation == Activation.Relu ? ConvThenNorm.Rectified(conv, bn, padded) : _activation.Run(ConvThenNorm.Run(conv, bn, padded))
        );
    }
}
