using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>A model whose decision can be explained: it gives the numbers that it decides by, with gradients.</summary>
public interface IExplainable
{
    /// <summary>What is decided by, before any softmax, sigmoid or suppression.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <returns>A classifier: logits [B, classes]. A regression: values [B, targets], standardised. A segmentor: logits [B, classes, h,
    /// w]. A detector: what its head gives. Owned by the caller's dispose scope.</returns>
    Tensor[] Outputs(Tensor images);
}

/// <summary>A module that says how its tokens lie over an image, for activation maps of a plugin whose blocks get no
/// <see cref="TokenGrid"/>.</summary>
public interface IHasTokenGrid
{
    /// <summary>The grid of the tokens that the module's children pass on, [B, N, C].</summary>
    /// <param name="height">Of the images, in pixels.</param>
    /// <param name="width">Of the images, in pixels.</param>
    TokenGrid GridOf(int height, int width);
}
