using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>A classifier that says by itself where in an image its classes are: by class tokens, or by a convolution before its
/// pooling.</summary>
public interface IGivesClassMaps
{
    /// <summary>The maps it has, the one it is known for first: "fused", "class_attention", "patch".</summary>
    IReadOnlyList<string> MapKinds { get; }

    /// <summary>How much each place speaks for each class; the caller has set evaluation mode.</summary>
    /// <param name="images">[B, C, H, W], of any size.</param>
    /// <param name="kind">One of <see cref="MapKinds"/>.</param>
    /// <returns>[B, classes, h, w], not negative, not scaled; owned by the caller's dispose scope.</returns>
    Tensor ClassMaps(Tensor images, string kind);
}
