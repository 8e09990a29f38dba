using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Generation;

/// <param name="Size">Height and width of the images, a power of two from 16 on.</param>
/// <param name="Channels">Channels of the first layer (torchgan: step_channels); each further one has twice as many.</param>
/// <param name="InChannels">Channels of the images.</param>
/// <param name="Norm">batch; or spectral: no norms, but every convolution is divided by its largest singular value
/// (<see cref="SpectralConv2d"/>), as the authors of the projection discriminator have it.</param>
/// <param name="MinibatchStd">Images of a group whose deviation is one more channel before the last layer, against a generator that draws
/// the same again and again (Karras et al., 2018; StyleGAN2 has 4). 0: no such channel.</param>
public sealed record DcganDiscriminatorOptions(
    [property: Range(16, 1024)] int Size = 64,
    [property: Range(1, 4096)] int Channels = 64,
    [property: Range(1, 64)] int InChannels = 3,
    DiscriminatorNorm Norm = DiscriminatorNorm.Batch,
    [property: Range(0, 1024)] int MinibatchStd = 0
);

/// <summary>What keeps a discriminator's activations in bounds.</summary>
public enum DiscriminatorNorm
{
    /// <summary>Batch norms, but for the first layer.</summary>
    Batch,

    /// <summary>Spectral norms of the weights.</summary>
    Spectral,
}

/// <summary>An image to a map of 4 x 4 by convolutions that halve height and width, with leaky ReLU, and batch norm but for the
/// first.</summary>
/// <remarks>Radford et al., 2015, arXiv:1511.06434, in torchgan's form, without its last convolution, which is the GAN's head. The weights
/// are drawn as those of <see cref="DcganGenerator"/>.</remarks>
[Component("DcganDiscriminator")]
public sealed class DcganDiscriminator : ImageDiscriminator
{
    private readonly Sequential model;

    private readonly DcganDiscriminatorOptions _options;

    /// <exception cref="UserErrorException">The size is no power of two, or the last layer would be too wide.</exception>
    public DcganDiscriminator(DcganDiscriminatorOptions options)
        : base(nameof(DcganDiscriminator))
    {
        _options = options;
        var doublings = DcganLayers.Doublings(options.Size, options.Channels, nameof(DcganDiscriminator));
        var width = options.Channels;
        var parts = new List<Module<Tensor, Tensor>>
        {
            Sequential(Halving(options.InChannels, width, bias: true), LeakyReLU(DcganLayers.Slope)),
        };
        for (var i = 0; i < doublings; i++, width *= 2)
            parts.Add(Layer(width, 2 * width, seesGroup: options.MinibatchStd > 0 && i == doublings - 1));
        model = Sequential(parts);
        OutChannels = width;
        RegisterComponents();
        DcganLayers.Start(this);
    }

    public override int OutChannels { get; }

    public override int OutSize => 4;

    public override int Size => _options.Size;

    public override bool IsSpectral => _options.Norm == DiscriminatorNorm.Spectral;

    public override Tensor forward(Tensor images) => model.call(images);

    private Sequential Layer(int from, int to, bool seesGroup)
    {
        var parts = new List<Module<Tensor, Tensor>>();
        if (seesGroup)
            parts.Add(new MinibatchDeviation(_options.MinibatchStd));
        parts.Add(Halving(seesGroup ? from + 1 : from, to, bias: IsSpectral));
        if (!IsSpectral)
            parts.Add(BatchNorm2d(to));
        parts.Add(LeakyReLU(DcganLayers.Slope));
        return Sequential(parts);
    }

    private Module<Tensor, Tensor> Halving(int from, int to, bool bias) =>
        IsSpectral ? new SpectralConv2d(from, to, 4, stride: 2, padding: 1, bias) : Conv2d(from, to, 4, stride: 2, padding: 1, bias: bias);
}
