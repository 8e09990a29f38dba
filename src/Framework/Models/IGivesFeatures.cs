using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>A model whose last layer reads one vector an image, and that can be asked for it.</summary>
public interface IGivesFeatures
{
    /// <summary>The part that has the last layer; the vectors depend on everything else.</summary>
    string HeadName { get; }

    /// <summary>The linear layer that reads the vectors, by its name in the model; null where there is no single one.</summary>
    string? LastLayer { get; }

    /// <summary>The vectors; the caller has set evaluation mode.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <returns>[B, features], owned by the caller's dispose scope.</returns>
    /// <exception cref="UserErrorException">The model's head reads no such vector.</exception>
    Tensor Features(Tensor images);
}
