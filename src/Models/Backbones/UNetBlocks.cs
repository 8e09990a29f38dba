using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>3x3 convolutions one after the other, each with batch norm and ReLU.</summary>
internal sealed class UNetConvs : Module<Tensor, Tensor>
{
    private readonly Sequential convs;

    /// <param name="stride">Of the first convolution.</param>
    /// <param name="dilation">Of the others.</param>
    public UNetConvs(int width, int channels, int count, int stride, int dilation)
        : base(nameof(UNetConvs))
    {
        convs = Sequential(
            Enumerable
                .Range(0, count)
                .Select(i =>
                    (Module<Tensor, Tensor>)
                        new ConvNorm(i == 0 ? width : channels, channels, 3, i == 0 ? 1 : dilation, stride: i == 0 ? stride : 1)
                )
        );
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, ⌈H / stride⌉, ⌈W / stride⌉].</returns>
    public override Tensor forward(Tensor x) => convs.call(x);
}

/// <summary>A map made twice as large and half as wide: bilinear and a 1x1 convolution, or a transposed convolution; batch norm and
/// ReLU.</summary>
internal sealed class UNetEnlarging : Module<Tensor, Tensor>
{
    // The names of MMSegmentation's two modules.
    private readonly Sequential? interp_upsample;
    private readonly Sequential? deconv_upsamping;

    public UNetEnlarging(int width, int channels, UNetUpsample how)
        : base(nameof(UNetEnlarging))
    {
        if (how == UNetUpsample.InterpConv)
            interp_upsample = Sequential(new Scaling(2), new ConvNorm(width, channels, 1));
        else
            deconv_upsamping = Sequential(
                ConvTranspose2d(width, channels, 4, stride: 2, padding: 1),
                BatchNorm2d(channels),
                ReLU(inplace: true)
            );
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, 2H, 2W].</returns>
    public override Tensor forward(Tensor x) => (interp_upsample ?? deconv_upsamping)!.call(x);
}

/// <summary>A step of the decoder: the coarser map brought to the size and width of the encoder's, both joined and convolved.</summary>
internal sealed class UNetDecoderStep : Module<Tensor, Tensor, Tensor>
{
    private readonly UNetConvs conv_block;
    private readonly Module<Tensor, Tensor> upsample;

    /// <param name="channels">Of the encoder's map, and of what comes out; the coarser map has twice as many.</param>
    /// <param name="how">Null: the maps have one size already.</param>
    public UNetDecoderStep(int channels, int convs, int dilation, UNetUpsample? how)
        : base(nameof(UNetDecoderStep))
    {
        conv_block = new UNetConvs(2 * channels, channels, convs, 1, dilation);
        upsample = how is { } kind ? new UNetEnlarging(2 * channels, channels, kind) : new ConvNorm(2 * channels, channels, 1);
        RegisterComponents();
    }

    /// <param name="skip">The encoder's map, [B, channels, H, W].</param>
    /// <param name="x">The coarser map, [B, 2 · channels, H / 2, W / 2], or of the encoder's size.</param>
    /// <returns>[B, channels, H, W].</returns>
    public override Tensor forward(Tensor skip, Tensor x)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(conv_block.call(cat([skip, upsample.call(x)], 1)));
    }
}
