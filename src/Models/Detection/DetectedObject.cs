using Tessera.Framework.Data;
using static TorchSharp.torch;

namespace Tessera.Models.Detection;

/// <summary>A place at which a head looks: one shape of anchor in one cell of one map.</summary>
/// <param name="Level">Which of the head's maps.</param>
/// <param name="Row">Of the cell.</param>
/// <param name="Column">Of the cell.</param>
/// <param name="Shape">Which of the cell's anchors; 0 for a head without anchors.</param>
/// <param name="Rows">Of the map.</param>
/// <param name="Columns">Of the map.</param>
public readonly record struct HeadPlace(int Level, int Row, int Column, int Shape, int Rows, int Columns);

/// <summary>An object that was found in an image, and by which place.</summary>
/// <param name="Corners">[4], x1, y1, x2, y2 in pixels of the original image.</param>
/// <param name="Score">In [0, 1].</param>
/// <param name="Label">Index into the class names.</param>
/// <param name="Place">The place whose logit of this class won.</param>
public sealed record DetectedObject(float[] Corners, float Score, int Label, HeadPlace Place);

/// <summary>A detector that says which place of its maps found an object, so that each object can be explained.</summary>
public interface ILocatesObjects
{
    /// <summary>The module, as in <c>named_modules</c>, whose outputs are the maps that the head looks at, in the order of
    /// levels.</summary>
    string Pyramid { get; }

    /// <summary>What is found in each image, best first, as predictions have it; each image is looked at once, as it is.</summary>
    IReadOnlyList<IReadOnlyList<DetectedObject>> Locate(Batch batch);

    /// <summary>The logits of the classes: for each level [B, A · classes, H, W], those of an anchor beside each other.</summary>
    /// <param name="outputs">What the model decides by (<see cref="Framework.Models.IExplainable.Outputs"/>).</param>
    /// <exception cref="UserErrorException">The head does not say where they are.</exception>
    Tensor[] ClassLogits(Tensor[] outputs);
}
