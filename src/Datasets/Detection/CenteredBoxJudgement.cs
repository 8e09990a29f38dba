using System.Globalization;

namespace Tessera.Datasets.Detection;

/// <summary>A box as YOLO's text files state it.</summary>
/// <param name="X">The middle, as a fraction of the image's width.</param>
/// <param name="Y">The middle, as a fraction of the image's height.</param>
/// <param name="Width">As a fraction of the image's.</param>
/// <param name="Height">As a fraction of the image's.</param>
/// <param name="Place">File and line.</param>
public readonly record struct CenteredBox(double X, double Y, double Width, double Height, string Place)
{
    internal double Greatest => Math.Max(Math.Max(X, Y), Math.Max(Width, Height));

    internal bool IsNumbers => double.IsFinite(X) && double.IsFinite(Y) && double.IsFinite(Width) && double.IsFinite(Height);
}

/// <summary>Boxes written in another way than YOLO's middle and size in fractions, beyond doubt: in pixels, in percent, or as two
/// corners.</summary>
public static class CenteredBoxJudgement
{
    private const double Slack = 0.02; // what tools round, and cut boxes leave
    private const int FewestForCorners = 4;

    /// <summary>What the boxes are instead, and what helps; null where they may be what they should.</summary>
    /// <param name="boxes">All boxes of a data set.</param>
    public static string? Fault(IEnumerable<CenteredBox> boxes)
    {
        var all = boxes.Where(box => box.IsNumbers).ToArray();
        if (all.Length == 0)
            return null;
        if (all.All(box => box.Greatest > 1 + Slack))
            return Beyond(all);
        return all.Length >= FewestForCorners && all.All(FitsAsCorners) && 2 * all.Count(Leaves) >= all.Length ? Corners(all) : null;
    }

    private static string Beyond(CenteredBox[] all)
    {
        var unit = all.Max(box => box.Greatest) <= 100 ? "in percent, or in pixels" : "in pixels";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{(all.Length == 1 ? "the only box has" : $"all {all.Length:N0} boxes have")} values above 1, so that they are written "
                + $"{unit}; \"class x y width height\" in fractions of the image's sides is expected, x and y in the middle. The first is "
                + $"{Shown(all[0])}. Divide x and width by the image's width, y and height by its height"
                + $"{(unit == "in pixels" ? "" : ", or all by 100")}."
        );
    }

    private static string Corners(CenteredBox[] all)
    {
        var first = all.First(Leaves);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"the boxes are written as two corners, \"class x1 y1 x2 y2\": so all {all.Length:N0} lie within their images, but as "
                + $"\"class x y width height\", x and y in the middle, which is expected, {all.Count(Leaves):N0} reach beyond. The first "
                + $"of these is {Shown(first)}. Write x = (x1 + x2) / 2, y = (y1 + y2) / 2, width = x2 - x1 and height = y2 - y1."
        );
    }

    private static bool Leaves(CenteredBox box) =>
        box.X - box.Width / 2 < -Slack
        || box.Y - box.Height / 2 < -Slack
        || box.X + box.Width / 2 > 1 + Slack
        || box.Y + box.Height / 2 > 1 + Slack;

    private static bool FitsAsCorners(CenteredBox box) =>
        box.X >= -Slack && box.Y >= -Slack && box.Width > box.X && box.Height > box.Y && box.Greatest <= 1 + Slack;

    private static string Shown(CenteredBox box) =>
        string.Create(CultureInfo.InvariantCulture, $"{box.Place}, {box.X:0.####} {box.Y:0.####} {box.Width:0.####} {box.Height:0.####}");
}
