using static TorchSharp.torch;

namespace Tessera.Models.Generation.Denoising;

/// <summary>Tells the noise in noisy images, given a vector that says how much of it there is and what they show.</summary>
[ComponentKind("noise network")]
public abstract class NoiseNetwork(string name) : nn.Module<Tensor, Tensor, Tensor>(name)
{
    /// <summary>Channels of the images.</summary>
    public abstract int Channels { get; }

    /// <summary>Height and width of the images.</summary>
    public abstract int Size { get; }

    /// <summary>Length of the vector.</summary>
    public abstract int EmbedWidth { get; }

    /// <param name="images">[B, Channels, Size, Size].</param>
    /// <param name="embedding">[B, EmbedWidth].</param>
    /// <returns>The noise, as the images.</returns>
    public abstract override Tensor forward(Tensor images, Tensor embedding);
}
