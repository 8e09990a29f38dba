using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones.Csp;

/// <summary>The pixels of 2x2 patches as channels, then a 3x3 convolution: stride 2.</summary>
/// <remarks>YOLOv5's and YOLOX's first layer. Of each patch the pixels come column by column.</remarks>
internal sealed class FocusStem : Module<Tensor, Tensor>
{
    /// <summary>Pixels of a patch.</summary>
    public const int Patch = 4;

    private readonly SiluConv conv;

    public FocusStem(int width, int channels, NormSettings norm)
        : base(nameof(FocusStem))
    {
        conv = new SiluConv(Patch * width, channels, 3, norm);
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W]; where a side is odd, zeros are added on the right and below.</param>
    /// <returns>[B, channels, ⌈H / 2⌉, ⌈W / 2⌉].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var (height, width) = (x.shape[2], x.shape[3]);
        if (height % 2 + width % 2 > 0)
            x = functional.pad(x, [0, width % 2, 0, height % 2]);
        var (even, odd) = (Every(x, 2, 0), Every(x, 2, 1)); // rows
        return scope.MoveToOuter(conv.call(cat([Every(even, 3, 0), Every(odd, 3, 0), Every(even, 3, 1), Every(odd, 3, 1)], 1)));
    }

    private static Tensor Every(Tensor x, int dimension, int first) => x.slice(dimension, first, x.shape[dimension], 2);
}

/// <summary>What lies in small, middling and large windows around each pixel, as further channels.</summary>
/// <remarks>
/// He et al., "Spatial Pyramid Pooling", 2014, arXiv:1406.4729, in YOLOv3's form: maxima over 5x5, 9x9 and 13x13, which are those over
/// 5x5 taken once, twice and three times.
/// </remarks>
internal sealed class SppBottleneck : Module<Tensor, Tensor>
{
    private const int Window = 5;
    private const int Windows = 3;

    private readonly SiluConv conv1;
    private readonly SiluConv conv2;

    public SppBottleneck(int channels, NormSettings norm)
        : base(nameof(SppBottleneck))
    {
        conv1 = new SiluConv(channels, channels / 2, 1, norm);
        conv2 = new SiluConv(channels / 2 * (Windows + 1), channels, 1, norm);
        RegisterComponents();
    }

    /// <param name="x">[B, channels, H, W].</param>
    /// <returns>[B, channels, H, W].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var parts = new Tensor[Windows + 1];
        parts[0] = conv1.call(x);
        for (var i = 1; i < parts.Length; i++)
            parts[i] = functional.max_pool2d(parts[i - 1], [Window, Window], strides: [1, 1], padding: [Window / 2, Window / 2]);
        return scope.MoveToOuter(conv2.call(cat(parts, 1)));
    }
}
