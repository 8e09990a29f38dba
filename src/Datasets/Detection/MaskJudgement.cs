using System.Globalization;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <summary>
/// Masks held against the boxes of the same objects: polygons in fractions beside boxes in pixels, and masks that lie elsewhere. Run
/// lengths are not looked at: they name the size of their image.
/// </summary>
internal sealed class MaskJudgement
{
    private const double Slack = 1e-3;
    private const double OnePixel = 1;
    private const int FewestForDoubt = 4;
    private const double AgreeingAtLeast = 0.5,
        DifferingForDoubt = 0.5;

    private readonly List<(AnnotatedImage Image, AnnotatedObject Item, Extent Extent)> _stated = [];

    /// <param name="images">Whose objects' masks were read; those without a polygon or a usable box are passed over.</param>
    public MaskJudgement(IEnumerable<AnnotatedImage> images)
    {
        foreach (var image in images)
        foreach (var item in image.Objects)
            if (item.Fault(image.Height, image.Width) is null && Extent.Of(item.Mask) is { } extent)
                _stated.Add((image, item, extent));
    }

    /// <summary>Why a mask can't be the box's object; null where it can.</summary>
    public static string? Apart(AnnotatedObject item) =>
        !item.IsMeasurable || item is { Width: <= 0 } or { Height: <= 0 } || Extent.Of(item.Mask) is not { } extent ? null
        : extent.Left < item.X + item.Width + OnePixel
        && extent.Right > item.X - OnePixel
        && extent.Top < item.Y + item.Height + OnePixel
        && extent.Bottom > item.Y - OnePixel
            ? null
        : string.Create(
            CultureInfo.InvariantCulture,
            $"it lies wholly outside of its own box, {Shown(item)}: its points go from ({extent.Left:0.####}, {extent.Top:0.####}) to "
                + $"({extent.Right:0.####}, {extent.Bottom:0.####})"
        );

    /// <summary>Polygons in fractions, beyond doubt: all points lie in 0 .. 1, not all are whole, and the boxes are in pixels. null where
    /// they aren't.</summary>
    public string? Fractions()
    {
        if (
            _stated.Count == 0
            || !_stated.TrueForAll(entry => entry.Extent is { Left: >= -Slack, Top: >= -Slack, Right: <= 1 + Slack, Bottom: <= 1 + Slack })
            || !_stated.Exists(entry => entry.Extent.HasFractions)
            || _stated.TrueForAll(entry => entry.Item.X + entry.Item.Width <= 2 && entry.Item.Y + entry.Item.Height <= 2)
        )
            return null;
        var (image, item, _) = _stated[0];
        return string.Create(
            CultureInfo.InvariantCulture,
            $"all points of the {_stated.Count:N0} masks' polygons lie within 0 to 1: they are written as fractions of the image's sides, "
                + $"but pixels are expected, [x1, y1, x2, y2, …], as the boxes have them (the first, {image.Describe(item)}: "
                + $"{Shown(item)}). Multiply every x by the image's width, every y by its height."
        );
    }

    /// <summary>What the masks seem to be instead; null where nothing speaks against them.</summary>
    public string? Doubt()
    {
        if (_stated.Count < FewestForDoubt)
            return null;
        var differing = _stated.FindAll(entry => entry.Extent.Iou(entry.Item) < AgreeingAtLeast);
        return differing.Count <= DifferingForDoubt * _stated.Count
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"of {differing.Count:N0} of {_stated.Count:N0} objects the mask covers another part of the image than the box (their "
                    + $"extents have an IoU below {AgreeingAtLeast}): were masks and boxes made for images of different sizes? The first: "
                    + $"{differing[0].Image.Describe(differing[0].Item)}."
            );
    }

    private static string Shown(AnnotatedObject item) =>
        string.Create(CultureInfo.InvariantCulture, $"[{item.X:0.####}, {item.Y:0.####}, {item.Width:0.####}, {item.Height:0.####}]");

    /// <summary>The upright box around all points of a mask's polygons.</summary>
    private readonly record struct Extent(double Left, double Top, double Right, double Bottom, bool HasFractions)
    {
        /// <summary>null where there is no polygon, or one that is none.</summary>
        public static Extent? Of(ObjectMask? mask)
        {
            if (mask?.Polygons is not { Count: > 0 } polygons)
                return null;
            var extent = new Extent(double.MaxValue, double.MaxValue, double.MinValue, double.MinValue, false);
            foreach (var points in polygons)
            {
                if (PolygonMask.Fault(points) is not null)
                    return null;
                for (var i = 0; i + 1 < points.Length; i += 2)
                {
                    var (x, y) = (points[i], points[i + 1]);
                    extent = new Extent(
                        Math.Min(extent.Left, x),
                        Math.Min(extent.Top, y),
                        Math.Max(extent.Right, x),
                        Math.Max(extent.Bottom, y),
                        extent.HasFractions || x != Math.Floor(x) || y != Math.Floor(y)
                    );
                }
            }
            return extent;
        }

        public double Iou(AnnotatedObject item)
        {
            var width = Math.Min(Right, item.X + item.Width) - Math.Max(Left, item.X);
            var height = Math.Min(Bottom, item.Y + item.Height) - Math.Max(Top, item.Y);
            var common = Math.Max(0, width) * Math.Max(0, height);
            return common / ((Right - Left) * (Bottom - Top) + item.Width * item.Height - common);
        }
    }
}
