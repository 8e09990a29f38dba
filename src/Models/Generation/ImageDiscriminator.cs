using static TorchSharp.torch;

namespace Tessera.Models.Generation;

/// <summary>The body of a GAN's discriminator: an image to a small map, which the GAN's heads read.</summary>
[ComponentKind("discriminator")]
public abstract class ImageDiscriminator(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>Channels of the map.</summary>
    public abstract int OutChannels { get; }

    /// <summary>Height and width of the map.</summary>
    public abstract int OutSize { get; }

    /// <summary>Height and width of the images that it takes.</summary>
    public abstract int Size { get; }

    /// <summary>Whether its convolutions are divided by their largest singular value; the GAN's own of realness is then, too.</summary>
    public virtual bool IsSpectral => false;

    /// <param name="images">[B, C, Size, Size].</param>
    /// <returns>[B, OutChannels, OutSize, OutSize].</returns>
    public abstract override Tensor forward(Tensor images);
}
