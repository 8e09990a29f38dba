using Tessera.Framework.Models;

namespace Tessera.Results;

/// <summary>A box in pixels of the original image; x to the right, y downwards, the image's corner at 0, 0.</summary>
/// <param name="X1">Its left edge.</param>
/// <param name="Y1">Its upper edge.</param>
/// <param name="X2">Its right edge.</param>
/// <param name="Y2">Its lower edge.</param>
public readonly record struct BoundingBox(float X1, float Y1, float X2, float Y2)
{
    public float Width => X2 - X1;

    public float Height => Y2 - Y1;
}

/// <summary>An object that was found.</summary>
/// <param name="Box">Where it is.</param>
/// <param name="ClassIndex">Among the model's classes.</param>
/// <param name="ClassName">The class's name.</param>
/// <param name="Score">In [0, 1].</param>
public sealed record Detection(BoundingBox Box, int ClassIndex, string ClassName, float Score);

/// <summary>The objects of an image.</summary>
public sealed record Detections : Result
{
    internal Detections(DetectionPrediction raw, IReadOnlyList<string> names)
        : base(raw) =>
        Objects = [
            .. raw.Labels.Select(
                (label, i) =>
                    new Detection(
                        new BoundingBox(raw.Corners[4 * i], raw.Corners[4 * i + 1], raw.Corners[4 * i + 2], raw.Corners[4 * i + 3]),
                        label,
                        names[label],
                        raw.Scores[i]
                    )
            ),
        ];

    /// <summary>The best first.</summary>
    public IReadOnlyList<Detection> Objects { get; }
}
