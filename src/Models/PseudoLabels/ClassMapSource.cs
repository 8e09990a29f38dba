using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.PseudoLabels;

/// <summary>Says where in an image its classes are, from a classifier that was trained on the labels of whole images. Tools name it in
/// lower case with underscores: "patch_similarity" for <c>[Component("PatchSimilarity")]</c>.</summary>
[ComponentKind("map source")]
public abstract class ClassMapSource
{
    /// <summary>For people: "Grad-CAM".</summary>
    public abstract string Title { get; }

    /// <summary>How much each place speaks for each class. The model is in evaluation mode; its parameters stay as they are.</summary>
    /// <param name="images">[B, C, H, W], on the model's device: versions of one image, such as itself and its mirror image.</param>
    /// <param name="classes">The classes whose maps are wanted.</param>
    /// <returns>[B, classes, h, w], float32, not negative, not scaled, without graph; owned by the caller's dispose scope.</returns>
    /// <exception cref="UserErrorException">The model can't be asked in this way.</exception>
    public abstract Tensor Maps(VisionModel model, Tensor images, IReadOnlyList<int> classes);
}
