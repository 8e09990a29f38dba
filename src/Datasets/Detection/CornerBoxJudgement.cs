using System.Globalization;

namespace Tessera.Datasets.Detection;

/// <summary>Boxes in VOC's files written in another way than two corners in pixels: <see cref="BoxJudgement"/> for xmin, ymin, xmax and
/// ymax.</summary>
internal static class CornerBoxJudgement
{
    private const int FewestForDoubt = 4;
    private const double Slack = 1e-3,
        InvertedForSizes = 0.5,
        BeyondForSize = 0.3;

    /// <summary>Fractions, or width and height in place of the second corner; null where they are neither.</summary>
    /// <param name="boxes">All boxes that are numbers.</param>
    public static string? Fault(IReadOnlyList<CornerBox> boxes) => Fractions(boxes) ?? Sizes(boxes);

    /// <summary>What the boxes seem to be instead; null where nothing speaks against them.</summary>
    /// <param name="boxes">All boxes that are numbers.</param>
    public static string? Doubt(IReadOnlyList<CornerBox> boxes)
    {
        var sized = Sized(boxes);
        if (sized.Length < FewestForDoubt)
            return null;
        var beyond = sized.Where(box => box.Right > box.Image.Width + 1 || box.Bottom > box.Image.Height + 1).ToArray();
        if (beyond.Length > BeyondForSize * sized.Length)
        {
            var percent = sized.All(box => Math.Max(box.Right, box.Bottom) <= 100 + Slack);
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{beyond.Length:N0} of {sized.Length:N0} boxes reach beyond their images: were they made for images of another (larger) "
                    + $"size{(percent ? ", or are they written in percent (none is above 100)" : "")}? xmin, ymin, xmax and "
                    + $"ymax in pixels of "
                    + $"the image as it lies there are expected. The first is {beyond[0].Described}."
            );
        }
        var extent = BoxJudgement.Extent([.. sized.Select(BoxForms.Stated)]);
        return extent is null ? null : $"{extent} The first is {sized[0].Described}.";
    }

    private static string? Fractions(IReadOnlyList<CornerBox> boxes)
    {
        if (boxes.Count == 0 || !boxes.All(box => Sides(box).All(side => side is >= -Slack and <= 1 + Slack)))
            return null;
        if (!boxes.Any(box => Sides(box).Any(side => side != Math.Floor(side))))
            return null;
        if (boxes.Any(box => box.Image is { Height: > 0 and < 3 } or { Width: > 0 and < 3 }))
            return null;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{(boxes.Count == 1 ? "the only box lies" : $"all {boxes.Count:N0} boxes lie")} within 0 to 1: xmin, ymin, xmax and ymax are "
                + $"written as fractions of the image's sides, but pixels are expected. The first is {boxes[0].Described}. "
                + $"Multiply xmin and "
                + $"xmax by the image's width, ymin and ymax by its height."
        );
    }

    private static string? Sizes(IReadOnlyList<CornerBox> boxes)
    {
        var sized = Sized(boxes);
        var inverted = sized.Where(box => box.Right < box.Left || box.Bottom < box.Top).ToArray();
        if (sized.Length < FewestForDoubt || inverted.Length < InvertedForSizes * sized.Length)
            return null;
        var counted = string.Create(
            CultureInfo.InvariantCulture,
            $"xmax is less than xmin, or ymax less than ymin, in {inverted.Length:N0} of {sized.Length:N0} boxes"
        );
        var first = $"The first of these is {inverted[0].Described}.";
        if (sized.All(box => box.Right < box.Left && box.Bottom < box.Top))
            return $"{counted}: are the two corners exchanged, or do xmax and ymax hold width and height? {first} xmin and ymin "
                + $"are the upper "
                + "left corner, xmax and ymax the lower right one.";
        return sized.All(FitsAsSize)
            ? $"{counted}: do xmax and ymax hold width and height? {first} Write xmax = xmin + width and ymax = ymin + height."
            : null;
    }

    private static bool FitsAsSize(CornerBox box) =>
        box is { Left: >= -1, Top: >= -1, Right: > 0, Bottom: > 0 }
        && box.Left + box.Right <= box.Image.Width + 1
        && box.Top + box.Bottom <= box.Image.Height + 1;

    private static double[] Sides(CornerBox box) => [box.Left, box.Top, box.Right, box.Bottom];

    private static CornerBox[] Sized(IReadOnlyList<CornerBox> boxes) => [.. boxes.Where(box => box.Image is { Height: > 0, Width: > 0 })];
}
