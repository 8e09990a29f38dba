using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>A model that draws images out of noise.</summary>
public interface IGeneratesImages
{
    /// <summary>Channels, height and width of what it draws.</summary>
    (int Channels, int Height, int Width) ImageShape { get; }

    /// <summary>Whether it draws images of a class that is asked for; otherwise labels mean nothing to it.</summary>
    bool ByClass { get; }

    /// <summary>Draws images; the caller has set evaluation mode and switched gradients off.</summary>
    /// <param name="labels">[B], int64, on the model's device: the class of each image.</param>
    /// <param name="noise">Where the images' random numbers come from: B streams.</param>
    /// <returns>[B, C, H, W], float32, in the units of the batches that it was trained on; owned by the caller's dispose scope.</returns>
    Tensor Generate(Tensor labels, NoiseStreams noise);

    /// <summary>How sure the model itself is that images show their classes.</summary>
    /// <param name="images">[B, C, H, W], as <see cref="Generate"/> gives them.</param>
    /// <param name="labels">[B], int64.</param>
    /// <returns>[B] in [0, 1], float32; null where the model can't tell classes.</returns>
    Tensor? Agreement(Tensor images, Tensor labels);
}
