using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones.DenseNets;

/// <summary>How the layers of a <see cref="DenseNet"/> are made.</summary>
/// <param name="Growth">Channels that a layer adds.</param>
/// <param name="Inside">Channels between its two convolutions.</param>
internal sealed record DenseStyle(int Growth, int Inside, double DropRate, NormSettings Norm)
{
    public BatchNorm2d NormOf(int channels) => BatchNorm2d(channels, eps: Norm.Eps, momentum: Norm.Momentum);
}

/// <summary>A convolution with its norm and a ReLU, and perhaps a max pool.</summary>
internal sealed class DenseStem : Module<Tensor, Tensor>
{
    private readonly Conv2d conv0;
    private readonly BatchNorm2d norm0;
    private readonly MaxPool2d? pool0;

    public DenseStem(int width, int channels, DenseNetStem stem, NormSettings norm)
        : base(nameof(DenseStem))
    {
        var small = stem == DenseNetStem.Small;
        conv0 = small
            ? Conv2d(width, channels, 3, padding: 1, bias: false)
            : Conv2d(width, channels, 7, stride: 2, padding: 3, bias: false);
        norm0 = BatchNorm2d(channels, eps: norm.Eps, momentum: norm.Momentum);
        pool0 = small ? null : MaxPool2d(3, stride: 2, padding: 1);
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, ⌈H / 4⌉, ⌈W / 4⌉], or of the size of x.</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = ConvThenNorm.Rectified(conv0, norm0, x);
        return scope.MoveToOuter(pool0 is null ? y : pool0.call(y));
    }
}

/// <summary>The transition from the stage before, dense layers, and after the last stage a norm with a ReLU.</summary>
internal sealed class DenseStage : Module<Tensor, Tensor>
{
    private readonly BatchNorm2d? norm; // of the transition
    private readonly Conv2d? conv;
    private readonly AvgPool2d? pool;
    private readonly ModuleList<DenseLayer> block = new();
    private readonly BatchNorm2d? norm5;

    /// <param name="begins">There is no stage before.</param>
    /// <param name="ends">There is no stage after.</param>
    public DenseStage(int width, int layers, DenseStyle style, bool begins, bool ends)
        : base(nameof(DenseStage))
    {
        if (!begins)
        {
            norm = style.NormOf(width);
            conv = Conv2d(width, width / 2, 1, bias: false);
            pool = AvgPool2d(2, stride: 2);
            width /= 2;
        }
        for (var i = 0; i < layers; i++)
            block.Add(new DenseLayer(width + i * style.Growth, style));
        Channels = width + layers * style.Growth;
        norm5 = ends ? style.NormOf(Channels) : null;
        RegisterComponents();
    }

    /// <summary>Of what it gives.</summary>
    public int Channels { get; }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, Channels, ⌊H / 2⌋, ⌊W / 2⌋]; of the first stage [B, Channels, H, W].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        if (norm is not null)
            x = pool!.call(conv!.call(Rectifier.InPlace(norm.call(x))));
        foreach (var layer in block)
            x = cat([x, layer.call(x)], 1);
        return scope.MoveToOuter(norm5 is null ? x : Rectifier.InPlace(norm5.call(x)));
    }
}

/// <summary>Norm, ReLU, 1x1 convolution, norm, ReLU, 3x3 convolution.</summary>
/// <remarks>Parameters are named as in torchvision.</remarks>
internal sealed class DenseLayer : Module<Tensor, Tensor>
{
    private readonly BatchNorm2d norm1;
    private readonly Conv2d conv1;
    private readonly BatchNorm2d norm2;
    private readonly Conv2d conv2;
    private readonly double _dropRate;

    public DenseLayer(int width, DenseStyle style)
        : base(nameof(DenseLayer))
    {
        norm1 = style.NormOf(width);
        conv1 = Conv2d(width, style.Inside, 1, bias: false);
        norm2 = style.NormOf(style.Inside);
        conv2 = Conv2d(style.Inside, style.Growth, 3, padding: 1, bias: false);
        _dropRate = style.DropRate;
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>What is added, [B, Growth, H, W].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = Rectifier.InPlace(norm1.call(x));
        y = conv2.call(ConvThenNorm.Rectified(conv1, norm2, y));
        return scope.MoveToOuter(_dropRate > 0 ? functional.dropout(y, _dropRate, training) : y);
    }
}
