using Tessera.Datasets.Detection;
using Tessera.Framework.Data;

namespace Tessera.Tools.Conversion;

/// <summary>A shape of LabelMe's, or several that are one object.</summary>
/// <param name="Label">Its class; "" without one.</param>
/// <param name="Group">Shapes of one group and one label are one object; null: of none.</param>
/// <param name="Place">Which shape of its file it is, from 1.</param>
internal sealed record LabelMeShape(string Label, string? Group, int Place)
{
    public (double X1, double Y1, double X2, double Y2) Box { get; init; }

    /// <summary>What it encloses, each x1, y1, x2, y2, …</summary>
    public IReadOnlyList<double[]> Outlines { get; init; } = [];

    /// <summary>What it covers beside that.</summary>
    public RunLengthMask? Pixels { get; init; }

    /// <summary>It is marked as many objects.</summary>
    public bool Crowd { get; init; }

    /// <summary>With a further part.</summary>
    public LabelMeShape Joined(LabelMeShape part) =>
        this with
        {
            Box = (
                Math.Min(Box.X1, part.Box.X1),
                Math.Min(Box.Y1, part.Box.Y1),
                Math.Max(Box.X2, part.Box.X2),
                Math.Max(Box.Y2, part.Box.Y2)
            ),
            Outlines = [.. Outlines, .. part.Outlines],
            Pixels = Union(Pixels, part.Pixels),
            Crowd = Crowd || part.Crowd,
        };

    /// <summary>Its object, of no class yet.</summary>
    public AnnotatedObject Object(int height, int width) =>
        OutlinedObject.Measured(
            new AnnotatedObject(Box.X1, Box.Y1, Box.X2 - Box.X1, Box.Y2 - Box.Y1, -1)
            {
                Place = Place,
                Mask = Mask(height, width),
                Crowd = Crowd,
            },
            height,
            width
        );

    private ObjectMask? Mask(int height, int width)
    {
        var outlined = Outlines.Count == 0 ? null : ObjectMask.OfPolygons(Outlines);
        if (Pixels is null)
            return outlined;
        var filled = outlined is not null && outlined.Fault(height, width) is null ? outlined.Rasterize(height, width) : null;
        return ObjectMask.Of(Union(Pixels, filled)!);
    }

    private static RunLengthMask? Union(RunLengthMask? first, RunLengthMask? second) =>
        first is null ? second
        : second is null ? first
        : MaskOverlap.Union([first, second]);
}
