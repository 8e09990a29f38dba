using Tessera.Framework.Data;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Generation;

/// <param name="Size">Height and width of the image, a power of two from 16 on.</param>
/// <param name="Latent">Length of the noise (torchgan: encoding_dims).</param>
/// <param name="Channels">Channels before the last layer (torchgan: step_channels); each layer before has twice as many.</param>
/// <param name="ClassEmbed">Length of the embedding of a class that is joined to the noise; 0: the generator knows no classes.</param>
/// <param name="OutChannels">Channels of the image.</param>
public sealed record DcganGeneratorOptions(
    [property: Range(16, 1024)] int Size = 64,
    [property: Range(1, 65536)] int Latent = 100,
    [property: Range(1, 4096)] int Channels = 64,
    [property: Range(0, 65536)] int ClassEmbed = 0,
    [property: Range(1, 64)] int OutChannels = 3
);

/// <summary>Noise to an image by transposed convolutions that double height and width, with batch norm and leaky ReLU between.</summary>
/// <remarks>
/// Radford et al., "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks", 2015,
/// arXiv:1511.06434, in torchgan's form: leaky ReLU of slope 0.2 instead of ReLU, and as many layers as the size needs:
/// r = log2(size) - 3 between the first, of Channels · 2^r, and the last. The weights are drawn from a normal of deviation 0.02, those of
/// the norms from one around 1.
/// </remarks>
[Component("DcganGenerator")]
public sealed class DcganGenerator : ImageGenerator
{
    private readonly Sequential model; // checkpoint keys: model.0.0.weight, …

    private readonly DcganGeneratorOptions _options;

    /// <param name="data">The data's classes.</param>
    /// <exception cref="UserErrorException">The size is no power of two, or the first layer would be too wide.</exception>
    public DcganGenerator(DcganGeneratorOptions options, DataInfo data)
        : base(nameof(DcganGenerator), options.Latent, options.ClassEmbed, data)
    {
        _options = options;
        var doublings = DcganLayers.Doublings(options.Size, options.Channels, nameof(DcganGenerator));
        var width = options.Channels << doublings;
        var parts = new List<Module<Tensor, Tensor>>
        {
            Sequential(
                ConvTranspose2d(options.Latent + options.ClassEmbed, width, 4, bias: false),
                BatchNorm2d(width),
                LeakyReLU(DcganLayers.Slope)
            ),
        };
        for (; width > options.Channels; width /= 2)
            parts.Add(
                Sequential(
                    ConvTranspose2d(width, width / 2, 4, stride: 2, padding: 1, bias: false),
                    BatchNorm2d(width / 2),
                    LeakyReLU(DcganLayers.Slope)
                )
            );
        parts.Add(Sequential(ConvTranspose2d(width, options.OutChannels, 4, stride: 2, padding: 1), Tanh()));
        model = Sequential(parts);
        RegisterComponents();
        DcganLayers.Start(this);
    }

    public override int OutChannels => _options.OutChannels;

    public override int Size => _options.Size;

    public override Tensor forward(Tensor code)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(model.call(code.reshape(code.shape[0], code.shape[1], 1, 1)));
    }
}
