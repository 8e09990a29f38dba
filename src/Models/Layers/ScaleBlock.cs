using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Layers;

/// <summary>A map of twice the size: a transposed convolution, GELU, a depthwise convolution and a norm over the channels.</summary>
/// <remarks>Kerssies et al., "Your ViT is Secretly an Image Segmentation Model", CVPR 2025, arXiv:2503.19108. Names of parameters are those
/// of its code.</remarks>
internal sealed class ScaleBlock : Module<Tensor, Tensor>
{
    private readonly ConvTranspose2d conv1;
    private readonly Conv2d conv2;
    private readonly LayerNorm norm;

    public ScaleBlock(int channels)
        : base(nameof(ScaleBlock))
    {
        conv1 = ConvTranspose2d(channels, channels, 2, stride: 2);
        conv2 = Conv2d(channels, channels, 3, padding: 1, groups: channels, bias: false);
        norm = LayerNorm(channels, 1e-6);
        RegisterComponents();
    }

    /// <param name="map">[B, channels, h, w].</param>
    /// <returns>[B, channels, 2 h, 2 w].</returns>
    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        map = conv2.call(functional.gelu(conv1.call(map)));
        return scope.MoveToOuter(norm.Normed(map.permute(0, 2, 3, 1)).permute(0, 3, 1, 2));
    }
}
