using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones.Csp;

/// <summary>How the blocks of a <see cref="CspLayer"/> are made.</summary>
/// <param name="Norm">Of every convolution.</param>
/// <param name="Depthwise">Convolutions that are larger than 1x1 are of each channel on its own, then over the channels.</param>
/// <param name="LargeKernel">CSPNeXt's blocks, 3x3 and a separable 5x5; otherwise Darknet's, 1x1 and 3x3.</param>
/// <param name="ExpandRatio">Width inside, over that which comes out.</param>
/// <param name="Attention">Channels are weighed before the last convolution.</param>
internal sealed record CspStyle(
    NormSettings Norm,
    bool Depthwise = false,
    bool LargeKernel = false,
    double ExpandRatio = 0.5,
    bool Attention = false
)
{
    /// <summary>Channels inside a layer.</summary>
    public int Inside(int channels) => (int)(channels * ExpandRatio);
}

/// <summary>Half of the channels pass by, the other half go through blocks; a 1x1 convolution joins them.</summary>
/// <remarks>Wang et al., "CSPNet", 2019, arXiv:1911.11929. Parameters are named as in MMDetection.</remarks>
internal sealed class CspLayer : Module<Tensor, Tensor>
{
    private readonly SiluConv main_conv;
    private readonly SiluConv short_conv;
    private readonly SiluConv final_conv;
    private readonly ModuleList<CspBlock> blocks = new();
    private readonly CspAttention? attention;

    /// <param name="shortcuts">What comes into a block is added to what comes out of it.</param>
    public CspLayer(int width, int channels, int count, bool shortcuts, CspStyle style)
        : base(nameof(CspLayer))
    {
        var inside = style.Inside(channels);
        main_conv = new SiluConv(width, inside, 1, style.Norm);
        short_conv = new SiluConv(width, inside, 1, style.Norm);
        final_conv = new SiluConv(2 * inside, channels, 1, style.Norm);
        for (var i = 0; i < count; i++)
            blocks.Add(new CspBlock(inside, shortcuts, style));
        attention = style.Attention ? new CspAttention(2 * inside) : null;
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, H, W].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var main = main_conv.call(x);
        foreach (var block in blocks)
            main = block.call(main);
        var joined = cat([main, short_conv.call(x)], 1);
        return scope.MoveToOuter(final_conv.call(attention is null ? joined : attention.call(joined)));
    }
}

/// <summary>Two convolutions, perhaps with a shortcut.</summary>
internal sealed class CspBlock : Module<Tensor, Tensor>
{
    private const int LargeKernel = 5;

    private readonly Module<Tensor, Tensor> conv1;
    private readonly Module<Tensor, Tensor> conv2;
    private readonly bool _shortcut;

    public CspBlock(int width, bool shortcut, CspStyle style)
        : base(nameof(CspBlock))
    {
        (conv1, conv2) = style.LargeKernel
            ? (SiluConv.Of(style.Depthwise, width, width, 3, style.Norm), SiluConv.Of(true, width, width, LargeKernel, style.Norm))
            : (SiluConv.Of(false, width, width, 1, style.Norm), SiluConv.Of(style.Depthwise, width, width, 3, style.Norm));
        _shortcut = shortcut;
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, width, H, W].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = conv2.call(conv1.call(x));
        return scope.MoveToOuter(_shortcut ? y + x : y);
    }
}

/// <summary>Channels weighed by what all their pixels say together.</summary>
/// <remarks>Lyu et al., "RTMDet", 2022, arXiv:2212.07784; as squeeze-and-excitation, arXiv:1709.01507, in one layer.</remarks>
internal sealed class CspAttention : Module<Tensor, Tensor>
{
    private readonly Conv2d fc;

    public CspAttention(int channels)
        : base(nameof(CspAttention))
    {
        fc = Conv2d(channels, channels, 1);
        RegisterComponents();
    }

    /// <param name="x">[B, channels, H, W].</param>
    /// <returns>[B, channels, H, W].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(x * functional.hardsigmoid(fc.call(x.mean([2, 3], keepdim: true))));
    }
}
