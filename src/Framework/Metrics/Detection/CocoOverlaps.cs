using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics.Detection;

/// <summary>How an image's detections overlap its objects, and how large both are.</summary>
internal interface ICocoOverlaps
{
    /// <summary>In [0, 1]; of an object that is a crowd, over the detection's own area.</summary>
    double IoU(int detection, int @object);

    /// <summary>Square pixels.</summary>
    double SizeOfDetection(int detection);

    /// <summary>Square pixels.</summary>
    double SizeOfObject(int @object);
}

/// <param name="boxes">[N * 4], x, y, width, height of the detections.</param>
internal sealed class BoxOverlaps(double[] boxes, BoxAnnotation truth) : ICocoOverlaps
{
    public double IoU(int detection, int @object) =>
        BoxGeometry.IoU(boxes.AsSpan(4 * detection, 4), truth.Boxes.AsSpan(4 * @object, 4), truth.Crowd[@object]);

    public double SizeOfDetection(int detection) => boxes[4 * detection + 2] * boxes[4 * detection + 3];

    public double SizeOfObject(int @object) => truth.Areas[@object];
}

/// <summary>Overlaps of masks, or the lesser of theirs and their boundaries'.</summary>
internal sealed class MaskOverlaps : ICocoOverlaps
{
    private readonly Shape[] _found,
        _objects;
    private readonly BoxAnnotation _truth;
    private readonly int? _distance;

    /// <param name="boundary">Boundaries count, too.</param>
    /// <param name="asking">What asks for masks, for messages.</param>
    /// <exception cref="UserErrorException">One side has no masks, or they are of images of different size.</exception>
    public MaskOverlaps(DetectionPrediction found, BoxAnnotation truth, Sample sample, bool boundary, string asking)
    {
        var masks = found.Masks;
        if (found.Labels.Length > 0 && masks?.Count != found.Labels.Length)
            throw new UserErrorException(
                masks is null
                    ? $"{asking} compares masks, but the prediction for {sample.Name} has boxes alone. It is for models (and files of "
                        + "results) with instance masks."
                    : $"{sample.Name}: the prediction has {masks.Count} masks for {found.Labels.Length} boxes."
            );
        if (truth.Count > 0 && truth.Masks?.Count != truth.Count)
            throw new UserErrorException(
                $"{asking} compares masks, but the data set gives none for {sample.Name}. CocoDetection reads them with \"with_masks\": "
                    + "true."
            );
        _truth = truth;
        (_found, _objects) = ([.. Shapes(found.Labels.Length, masks)], [.. Shapes(truth.Count, truth.Masks)]);
        if (_objects.Concat(_found).FirstOrDefault() is not { Mask: var first })
            return;
        foreach (var mask in _found.Select(shape => shape.Mask))
            if (mask.Height != first.Height || mask.Width != first.Width)
                throw new UserErrorException(
                    $"{sample.Name}: a predicted mask has {mask.Width} x {mask.Height} pixels; {first.Width} x {first.Height}, as the "
                        + $"{(_objects.Length > 0 ? "annotated" : "first")} one, was expected."
                );
        if (boundary)
            _distance = MaskBoundary.Distance(first.Height, first.Width);
    }

    public double IoU(int detection, int @object)
    {
        var (found, known) = (_found[detection], _objects[@object]);
        if (!Touch(found.Box, known.Box))
            return 0;
        var iou = MaskOverlap.IoU(found.Mask, known.Mask, _truth.Crowd[@object]);
        return _distance is not { } distance || _truth.Crowd[@object] || iou == 0
            ? iou
            : Math.Min(iou, MaskOverlap.IoU(found.BoundaryOf(distance), known.BoundaryOf(distance)));
    }

    public double SizeOfDetection(int detection) => _found[detection].Area;

    public double SizeOfObject(int @object) =>
        _truth.MaskAreas is { } areas && double.IsFinite(areas[@object]) ? areas[@object] : _objects[@object].Area;

    private static IEnumerable<Shape> Shapes(int count, IReadOnlyList<RunLengthMask>? masks) =>
        Enumerable.Range(0, count).Select(i => new Shape(masks![i]));

    private static bool Touch((int X, int Y, int Width, int Height) a, (int X, int Y, int Width, int Height) b) =>
        a.X < b.X + b.Width && b.X < a.X + a.Width && a.Y < b.Y + b.Height && b.Y < a.Y + a.Height;

    private sealed class Shape(RunLengthMask mask)
    {
        private RunLengthMask? _boundary;

        public RunLengthMask Mask => mask;

        public (int X, int Y, int Width, int Height) Box { get; } = mask.Box;

        public long Area { get; } = mask.Area;

        public RunLengthMask BoundaryOf(int distance) => _boundary ??= MaskBoundary.Of(mask, distance);
    }
}
