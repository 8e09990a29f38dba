using System.Globalization;

namespace Tessera.Datasets.Detection;

/// <summary>A box as a file states it, and the image that it is meant for.</summary>
/// <param name="X">Left, as x, y, width, height are understood.</param>
/// <param name="ImageHeight">0 where it isn't known.</param>
/// <param name="ImageWidth">0 where it isn't known.</param>
public readonly record struct StatedBox(double X, double Y, double Width, double Height, int ImageHeight, int ImageWidth)
{
    internal double Right => X + Width;

    internal double Bottom => Y + Height;
}

/// <summary>
/// Boxes written in another way than x, y, width, height in pixels: each for itself may pass, all together give it away.
/// Fractions of the image, percent, two corners, and boxes made for images of another size.
/// </summary>
public static class BoxJudgement
{
    private const double Slack = 1e-3;
    private const int FewestForDoubt = 4;
    private const int PercentImages = 200; // images this large are not covered by 0 .. 100 on all sides
    private const int ManyForCorners = 20; // so many true boxes are not all wider than their x and higher than their y
    private const double BeyondForCorners = 0.1,
        BeyondForCertainCorners = 0.5,
        FarBeyond = 1.1, // by more than what careless drawing leaves
        BeyondForSize = 0.3,
        CoveredForSize = 0.5;

    /// <summary>Fractions, beyond doubt: every side lies in 0 .. 1 and not all are whole. null where they aren't.</summary>
    /// <param name="boxes">All boxes that are numbers.</param>
    public static string? Fractions(IReadOnlyList<StatedBox> boxes)
    {
        if (boxes.Count == 0 || !boxes.All(InUnit) || !boxes.Any(IsBroken))
            return null;
        if (boxes.Any(box => box is { ImageHeight: > 0 and < 3 } or { ImageWidth: > 0 and < 3 }))
            return null;
        var first = boxes[0];
        var size =
            first.ImageWidth > 0
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $" The first, {Shown(first)}, would be less than a pixel of its image of {first.ImageWidth} x {first.ImageHeight}."
                )
                : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{All(boxes.Count)} within 0 to 1: {(boxes.Count == 1 ? "it is" : "they are")} written as fractions of the image's sides, "
                + $"but pixels are expected, [x, y, width, height] from the upper left corner.{size} Multiply x and width by the "
                + $"image's width, y and height by its height."
        );
    }

    /// <summary>Two corners, beyond doubt: as such all boxes fit their images, and as x, y, width, height at least half of them don't; of
    /// twenty boxes or more it is enough that a tenth reach far beyond. null where that isn't so.</summary>
    /// <param name="boxes">All boxes that are numbers.</param>
    public static string? Corners(IReadOnlyList<StatedBox> boxes)
    {
        var sized = boxes.Where(box => box is { ImageHeight: > 0, ImageWidth: > 0 }).ToArray();
        var beyond = sized.Count(LeavesImage);
        var many = sized.Length >= ManyForCorners && sized.Count(LeavesFar) >= BeyondForCorners * sized.Length;
        return sized.Length >= FewestForDoubt && (many || beyond >= BeyondForCertainCorners * sized.Length) && sized.All(FitsAsCorners)
            ? $"the boxes are {AsCorners(sized, beyond)} Write width = x2 - x1 and height = y2 - y1 in place of x2 and y2."
            : null;
    }

    /// <summary>What the boxes seem to be instead; null where nothing speaks against them.</summary>
    /// <param name="boxes">All boxes that are numbers.</param>
    public static string? Doubt(IReadOnlyList<StatedBox> boxes)
    {
        var sized = boxes.Where(box => box is { ImageHeight: > 0, ImageWidth: > 0 }).ToArray();
        if (sized.Length < FewestForDoubt)
            return null;
        var beyond = sized.Count(LeavesImage);
        if (beyond >= BeyondForCorners * sized.Length && sized.All(FitsAsCorners))
            return $"the boxes seem to be {AsCorners(sized, beyond)}";
        if (beyond > BeyondForSize * sized.Length)
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{beyond:N0} of {sized.Length:N0} boxes reach beyond their images: were they made for images of another (larger) "
                    + $"size, or are they written as two corners? [x, y, width, height] in pixels of the image as it lies there is "
                    + $"expected."
            );
        }
        return Mixed(sized) ?? Extent(sized);
    }

    /// <summary>A few boxes in fractions among others in pixels: they lie in the first pixel, and no drawn box does.</summary>
    private static string? Mixed(StatedBox[] sized)
    {
        var small = Array.FindAll(sized, box => InUnit(box) && IsBroken(box) && box is { ImageHeight: >= 3, ImageWidth: >= 3 });
        return small.Length == 0
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{small.Length:N0} of {sized.Length:N0} boxes {(small.Length == 1 ? "lies" : "lie")} within 0 to 1, in the first pixel of "
                    + $"{(small.Length == 1 ? "its image" : "their images")}: "
                    + $"{(small.Length == 1 ? "is it a fraction" : "are they fractions")} of the image's sides? "
                    + $"Pixels are expected. The first is {Shown(small[0])} in an image of {small[0].ImageWidth} x "
                    + $"{small[0].ImageHeight}."
            );
    }

    /// <summary>Boxes that fill too little of their images: written in percent, or made for smaller ones. null where they don't.</summary>
    /// <param name="sized">Of images of known size.</param>
    internal static string? Extent(StatedBox[] sized)
    {
        var (right, bottom) = (sized.Max(box => box.Right), sized.Max(box => box.Bottom));
        if (
            sized.All(box => box.X >= 0 && box.Y >= 0)
            && right <= 100 + Slack
            && bottom <= 100 + Slack
            && sized.All(box => box.ImageWidth >= PercentImages && box.ImageHeight >= PercentImages)
        )
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"all {sized.Length:N0} boxes lie in the first 100 pixels of images of at least {sized.Min(box => box.ImageWidth)} x "
                    + $"{sized.Min(box => box.ImageHeight)}: are they written in percent? Pixels are expected."
            );
        }
        var (across, down) = (sized.Max(box => box.Right / box.ImageWidth), sized.Max(box => box.Bottom / box.ImageHeight));
        return sized.Length >= 5 * FewestForDoubt && across <= CoveredForSize && down <= CoveredForSize
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"all {sized.Length:N0} boxes lie in the upper left {across:P0} x {down:P0} of their images: were they made for images "
                    + $"of another (smaller) size?"
            )
            : null;
    }

    // -1: what counts pixels from 1 has that taken off.
    private static bool InUnit(StatedBox box) =>
        box.X >= -1 - Slack
        && box.Y >= -1 - Slack
        && box.Width <= 1 + Slack
        && box.Height <= 1 + Slack
        && box.Right <= 2
        && box.Bottom <= 2
        && box.X <= 1
        && box.Y <= 1;

    private static bool IsBroken(StatedBox box) => Broken(box.X) || Broken(box.Y) || Broken(box.Width) || Broken(box.Height);

    private static bool Broken(double value) => value != Math.Floor(value);

    private static string AsCorners(StatedBox[] sized, int beyond)
    {
        var first = sized.First(LeavesImage);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"written as two corners, [x1, y1, x2, y2]: so all {sized.Length:N0} lie within their images, but as [x, y, width, height], "
                + $"which is expected, {beyond:N0} reach beyond. {Shown(first)} would end at ({first.Right:0.##}, {first.Bottom:0.##}) in "
                + $"an image of {first.ImageWidth} x {first.ImageHeight}."
        );
    }

    private static bool LeavesImage(StatedBox box) => box.Right > box.ImageWidth + 1 || box.Bottom > box.ImageHeight + 1;

    private static bool LeavesFar(StatedBox box) => box.Right > FarBeyond * box.ImageWidth || box.Bottom > FarBeyond * box.ImageHeight;

    private static bool FitsAsCorners(StatedBox box) =>
        box.X >= -1
        && box.Y >= -1
        && box.Width > box.X
        && box.Height > box.Y
        && box.Width <= box.ImageWidth + 1
        && box.Height <= box.ImageHeight + 1;

    private static string All(int count) =>
        count == 1 ? "the only box lies" : string.Create(CultureInfo.InvariantCulture, $"all {count:N0} boxes lie");

    private static string Shown(StatedBox box) =>
        string.Create(CultureInfo.InvariantCulture, $"[{box.X:0.####}, {box.Y:0.####}, {box.Width:0.####}, {box.Height:0.####}]");
}
