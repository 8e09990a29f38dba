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
public readonly record struct HeadPlace(int Level, int Row, int Column, int Shape, int Rows, int Columns)
{
    /// <exception cref="UserErrorException">The map, [B, C, H, W], has another size than the one that the place is of.</exception>
    internal void Require(nn.Module model, Tensor map)
    {
        if (map.shape[2] != Rows || map.shape[3] != Columns)
            throw new UserErrorException(
                $"{model.GetName()} found the object on a map of {Rows} x {Columns} places, but these images give one of {map.shape[2]} x "
                    + $"{map.shape[3]}: images of the size in which it was found were expected."
            );
    }
}

/// <summary>An object that was found in an image, and by which place.</summary>
/// <param name="Corners">[4], x1, y1, x2, y2 in pixels of the original image.</param>
/// <param name="Score">In [0, 1].</param>
/// <param name="Label">Index into the class names.</param>
/// <param name="Place">The place whose logit of this class won; of a detector of two stages the map that its region was cut out of, and the
/// cell in the region's middle.</param>
public sealed record DetectedObject(float[] Corners, float Score, int Label, HeadPlace Place)
{
    /// <summary>Of a detector of two stages: the proposal whose second look found it. null: there is no second look.</summary>
    public ObjectRegion? Region { get; init; }
}

/// <summary>A part of a batch's tensor.</summary>
/// <param name="Corners">[4], x1, y1, x2, y2 in pixels of the tensor.</param>
/// <param name="Width">The tensor's columns.</param>
/// <param name="Height">The tensor's rows.</param>
public sealed record ObjectRegion(float[] Corners, int Width, int Height)
{
    /// <summary>The same part of the tensor mirrored left to right.</summary>
    internal ObjectRegion Mirrored() => this with { Corners = [Width - Corners[2], Corners[1], Width - Corners[0], Corners[3]] };
}

/// <summary>A detector that says which place of its maps found an object, so that each object can be explained.</summary>
public interface ILocatesObjects
{
    /// <summary>The module, as in <c>named_modules</c>, whose outputs are the maps that the head looks at, in the order of
    /// levels.</summary>
    string Pyramid { get; }

    /// <summary>What is found in each image, best first, as predictions have it; each image is looked at once, as it is.</summary>
    IReadOnlyList<IReadOnlyList<DetectedObject>> Locate(Batch batch);

    /// <summary>The logit of each object's class, where the object was found.</summary>
    /// <param name="outputs">What the model decides by (<see cref="Framework.Models.IExplainable.Outputs"/>), R rows.</param>
    /// <param name="objects">[R], of each row the object that is asked for.</param>
    /// <returns>[R], with the outputs' graph.</returns>
    /// <exception cref="UserErrorException">The head does not say where they are, or the maps have another size than those on which the
    /// objects were found.</exception>
    Tensor LogitsOf(Tensor[] outputs, IReadOnlyList<DetectedObject> objects);
}
