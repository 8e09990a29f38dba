namespace Tessera.Framework.Data;

/// <summary>
/// The objects of an image in its annotation's own numbers: what detections are measured against. Data sets set it beside
/// <see cref="GroundTruth.Boxes"/>; no transform touches it.
/// </summary>
/// <param name="Boxes">[N * 4], x, y, width, height in pixels of the original image, pixel corners at integers. In double precision, as
/// COCO's own evaluation reads them.</param>
/// <param name="Labels">[N], indices into the class names.</param>
/// <param name="Areas">[N], what makes an object small, medium or large: the annotation's "area", otherwise width times height.</param>
/// <param name="Crowd">[N], one box around many objects: any number of detections may lie in it.</param>
/// <param name="Ignored">[N], neither asked for nor a mistake: crowds, and objects marked difficult.</param>
public sealed record BoxAnnotation(double[] Boxes, int[] Labels, double[] Areas, bool[] Crowd, bool[] Ignored)
{
    public int Count => Labels.Length;

    /// <summary>Further objects whose boxes nothing can match: without extent, or outside the image. Measures count them as not found, as
    /// COCO's do.</summary>
    public BoxAnnotation? Unusable { get; init; }

    /// <summary>Rows and columns of the image that the boxes are meant for, where the annotation says.</summary>
    public (int Height, int Width)? ImageSize { get; init; }

    /// <summary>One mask per box, in the original image's size; null where the data set has none or wasn't asked for them.</summary>
    public IReadOnlyList<RunLengthMask>? Masks { get; init; }

    /// <summary>[N], what makes a mask small, medium or large: the annotation's "area"; not a number where it has none, and null where none
    /// has: then the mask's pixels.</summary>
    public double[]? MaskAreas { get; init; }

    /// <summary>Classes that were looked for in the whole image and were found or not, beside those that have boxes; of others nothing is
    /// known. null where all classes were looked for.</summary>
    public IReadOnlyList<int>? VerifiedLabels { get; init; }

    /// <summary>Classes of which not every object has a box.</summary>
    public IReadOnlyList<int> NotExhaustiveLabels { get; init; } = [];

    /// <summary>With <see cref="Unusable"/> behind the others: all that measures ask for.</summary>
    public BoxAnnotation WithUnusable() =>
        Unusable is not { Count: > 0 } more
            ? this
            : this with
            {
                Boxes = [.. Boxes, .. more.Boxes],
                Labels = [.. Labels, .. more.Labels],
                Areas = [.. Areas, .. more.Areas],
                Crowd = [.. Crowd, .. more.Crowd],
                Ignored = [.. Ignored, .. more.Ignored],
                Masks = Masks is null || more.Masks is null ? null : [.. Masks, .. more.Masks],
                MaskAreas =
                    MaskAreas is null && more.MaskAreas is null
                        ? null
                        : [.. MaskAreas ?? Unknown(Count), .. more.MaskAreas ?? Unknown(more.Count)],
            };

    /// <summary>Some of the objects, in this order. <see cref="Unusable"/> is left out.</summary>
    /// <param name="indices">Which, from 0.</param>
    public BoxAnnotation Chosen(IReadOnlyList<int> indices) =>
        this with
        {
            Boxes = [.. indices.SelectMany(i => new ArraySegment<double>(Boxes, 4 * i, 4))],
            Labels = [.. indices.Select(i => Labels[i])],
            Areas = [.. indices.Select(i => Areas[i])],
            Crowd = [.. indices.Select(i => Crowd[i])],
            Ignored = [.. indices.Select(i => Ignored[i])],
            Masks = Masks is { } masks ? [.. indices.Select(i => masks[i])] : null,
            MaskAreas = MaskAreas is { } areas ? [.. indices.Select(i => areas[i])] : null,
            Unusable = null,
        };

    /// <summary>Boxes of the original image, from their corners; areas are the boxes', nothing is a crowd.</summary>
    public static BoxAnnotation Of(Boxes boxes)
    {
        var (found, areas) = (new double[4 * boxes.Count], new double[boxes.Count]);
        for (var i = 0; i < boxes.Count; i++)
        {
            double x = boxes.Corners[4 * i],
                y = boxes.Corners[4 * i + 1];
            (found[4 * i], found[4 * i + 1], found[4 * i + 2], found[4 * i + 3]) = (
                x,
                y,
                boxes.Corners[4 * i + 2] - x,
                boxes.Corners[4 * i + 3] - y
            );
            areas[i] = found[4 * i + 2] * found[4 * i + 3];
        }
        return new BoxAnnotation(found, boxes.Labels, areas, new bool[boxes.Count], boxes.Ignored);
    }

    private static double[] Unknown(int count)
    {
        var areas = new double[count];
        Array.Fill(areas, double.NaN);
        return areas;
    }
}
