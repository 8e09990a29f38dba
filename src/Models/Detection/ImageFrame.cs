using Tessera.Framework.Data;
using Tessera.Models.Detection.Suppression;

namespace Tessera.Models.Detection;

/// <summary>Maps boxes of a batch's tensor back to the image they came from.</summary>
public static class ImageFrame
{
    /// <summary>Boxes in pixels of the original image, clipped to it.</summary>
    /// <param name="found">In pixels of the batch's tensor.</param>
    /// <param name="size">The tensor's height and width, which are the original's where the sample has no geometry.</param>
    /// <param name="least">Width and height must exceed it; negative: nothing is dropped but what is no number.</param>
    public static Candidates ToOriginal(Candidates found, Sample sample, (int Height, int Width) size, double least)
    {
        var geometry = sample.Geometry;
        var (height, width) = geometry is null ? size : (geometry.OriginalHeight, geometry.OriginalWidth);
        var back = new Inverse(geometry?.Transform ?? System.Numerics.Matrix3x2.Identity);
        var (corners, scores, labels) = (new List<float>(found.Corners.Length), new List<float>(found.Count), new List<int>(found.Count));
        var anchors = new List<int>(found.Anchors.Length);
        for (var i = 0; i < found.Count; i++)
        {
            var (x1, y1, x2, y2) = back.Apply(found.Corners.AsSpan(i * 4, 4));
            (x1, y1, x2, y2) = (
                (float)Math.Clamp(x1, 0, width),
                (float)Math.Clamp(y1, 0, height),
                (float)Math.Clamp(x2, 0, width),
                (float)Math.Clamp(y2, 0, height)
            );
            if (double.IsNaN(x1 + y1 + x2 + y2) || (least >= 0 && !(x2 - x1 > least && y2 - y1 > least)))
                continue;
            corners.AddRange((float)x1, (float)y1, (float)x2, (float)y2);
            scores.Add(found.Scores[i]);
            labels.Add(found.Labels[i]);
            if (found.Anchors.Length > 0)
                anchors.Add(found.Anchors[i]);
        }
        return new Candidates([.. corners], [.. scores], [.. labels]) { Anchors = [.. anchors] };
    }

    /// <summary>The inverse of an affine map, in double precision.</summary>
    private readonly struct Inverse(System.Numerics.Matrix3x2 map)
    {
        private readonly double _a = map.M11,
            _b = map.M12,
            _c = map.M21,
            _d = map.M22,
            _x = map.M31,
            _y = map.M32;
        private readonly double _determinant = ((double)map.M11 * map.M22) - ((double)map.M12 * map.M21);

        /// <summary>The upright box around the four corners, moved.</summary>
        public (double X1, double Y1, double X2, double Y2) Apply(ReadOnlySpan<float> box)
        {
            var (x1, y1) = Point(box[0], box[1]);
            var (x2, y2) = Point(box[2], box[3]);
            if (_b == 0 && _c == 0)
                return (Math.Min(x1, x2), Math.Min(y1, y2), Math.Max(x1, x2), Math.Max(y1, y2));
            var (x3, y3) = Point(box[0], box[3]);
            var (x4, y4) = Point(box[2], box[1]);
            return (
                Math.Min(Math.Min(x1, x2), Math.Min(x3, x4)),
                Math.Min(Math.Min(y1, y2), Math.Min(y3, y4)),
                Math.Max(Math.Max(x1, x2), Math.Max(x3, x4)),
                Math.Max(Math.Max(y1, y2), Math.Max(y3, y4))
            );
        }

        private (double X, double Y) Point(double x, double y) =>
            (((x - _x) * _d - (y - _y) * _c) / _determinant, ((y - _y) * _a - (x - _x) * _b) / _determinant);
    }
}
