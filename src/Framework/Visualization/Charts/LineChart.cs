using Tessera.Framework.Data;

namespace Tessera.Framework.Visualization.Charts;

/// <summary>A curve of a <see cref="LineChart"/>. Points that are not finite leave a gap.</summary>
/// <param name="Name">For the legend; empty for none.</param>
/// <param name="Points">In order of X.</param>
/// <param name="Color">Unset: the next of <see cref="ClassColors.Distinct"/>.</param>
/// <param name="Dashed">Drawn in dashes.</param>
/// <param name="Marks">A dot at every point.</param>
/// <param name="Faint">Thin and pale: the raw values under a smoothed curve.</param>
public sealed record Curve(
    string Name,
    IReadOnlyList<(double X, double Y)> Points,
    Rgb? Color = null,
    bool Dashed = false,
    bool Marks = false,
    bool Faint = false
);

/// <summary>Curves over common axes, with a legend.</summary>
public sealed class LineChart : Panel
{
    public required IReadOnlyList<Curve> Curves { get; init; }

    public string XLabel { get; init; } = "";

    public string YLabel { get; init; } = "";

    public bool LogX { get; init; }

    public bool LogY { get; init; }

    /// <summary>0 is on the vertical axis.</summary>
    public bool FromZero { get; init; }

    internal override void DrawIn(Drawing drawing, double x, double y, double width, double height)
    {
        var all = Curves.SelectMany(curve => curve.Points).ToArray();
        var horizontal = ChartAxis.Of(all.Select(point => point.X), (int)(width / 90), LogX, tight: true);
        var shown = all.Where(point => horizontal.Shows(point.X)).Select(point => point.Y);
        var vertical = ChartAxis.Of(shown, (int)(height / 60), LogY, FromZero);
        var top = y + Gap;
        if (Title.Length > 0)
        {
            var title = drawing.Fit(Title, width - 2 * Gap, TitleSize, bold: true);
            drawing.Text(title, x + width / 2, top, TitleSize, Ink, TextAlign.Middle, TextAlign.Start, bold: true);
            top += 2 * TitleSize;
        }
        var left =
            x
            + Gap
            + (YLabel.Length > 0 ? LabelSize + Gap : 0)
            + vertical.Ticks.Select(tick => drawing.Measure(vertical.Label(tick), TickSize).Width).DefaultIfEmpty().Max()
            + 6;
        var bottom = y + height - Gap - TickSize - 8 - (XLabel.Length > 0 ? LabelSize + 6 : 0);
        var named = Colored().Where(entry => entry.Curve.Name.Length > 0).ToArray();
        var right = x + width - 2 * Gap;
        if (named.Length > 1 || named.Length == 1 && Curves.Count > 1)
            right = Legend(drawing, named, x, right, top, width);

        var plot = new Plot(horizontal, vertical, left, top, right, bottom);
        DrawGrid(drawing, plot);
        if (XLabel.Length > 0)
            drawing.Text(XLabel, (left + right) / 2, y + height - Gap, LabelSize, Ink, TextAlign.Middle);
        if (YLabel.Length > 0)
            drawing.Text(YLabel, x + Gap, (top + bottom) / 2, LabelSize, Ink, TextAlign.Middle, TextAlign.Start, degrees: -90);
        drawing.Within(left - 4, top - 4, right - left + 8, bottom - top + 8, () => DrawCurves(drawing, plot));
    }

    /// <summary>The lines and names of both axes' ticks.</summary>
    private static void DrawGrid(Drawing drawing, Plot plot)
    {
        foreach (var tick in plot.Vertical.Ticks)
        {
            var at = Math.Round(plot.Y(tick)) + 0.5;
            drawing.Line(plot.Left, at, plot.Right, at, Grid);
            drawing.Text(plot.Vertical.Label(tick), plot.Left - 6, at, TickSize, Ink, TextAlign.End, TextAlign.Middle);
        }
        DrawTicksBelow(drawing, plot.Horizontal, plot.X, plot.Top, plot.Bottom);
        drawing.Path([(plot.Left, plot.Top), (plot.Left, plot.Bottom), (plot.Right, plot.Bottom)], Ink, 1.2);
    }

    private void DrawCurves(Drawing drawing, Plot plot)
    {
        foreach (var (curve, color) in Colored())
        foreach (var piece in Pieces(curve, plot))
        {
            var points = piece.Select(point => (plot.X(point.X), plot.Y(point.Y))).ToArray();
            drawing.Path(points, color, curve.Faint ? 1 : 2, curve.Dashed ? 6 : 0, curve.Faint ? 0.3 : 1);
            if (curve.Marks || points.Length == 1)
                foreach (var (px, py) in points)
                    drawing.Disc(px, py, 3, color);
        }
    }

    /// <summary>The rectangle between the axes, in the drawing's units.</summary>
    private readonly record struct Plot(ChartAxis Horizontal, ChartAxis Vertical, double Left, double Top, double Right, double Bottom)
    {
        public double X(double value) => Left + Horizontal.At(value) * (Right - Left);

        public double Y(double value) => Bottom - Vertical.At(value) * (Bottom - Top);
    }

    private IEnumerable<(Curve Curve, Rgb Color)> Colored()
    {
        var colors = ClassColors.Distinct(Curves.Count);
        var next = 0;
        foreach (var curve in Curves)
            yield return (curve, curve.Color ?? colors[next++]);
    }

    /// <summary>Beside the curves, in a column.</summary>
    /// <returns>Where the curves must end.</returns>
    private static double Legend(Drawing drawing, (Curve Curve, Rgb Color)[] entries, double x, double right, double top, double width)
    {
        const double sample = 22;
        var text = Math.Min(entries.Max(entry => drawing.Measure(entry.Curve.Name, TickSize).Width), width * 0.35);
        var left = Math.Max(x + width * 0.4, right - text - sample - Gap);
        var y = top + 8;
        foreach (var (curve, color) in entries)
        {
            drawing.Line(left + Gap, y, left + sample, y, color, 2.5, curve.Dashed ? 4 : 0);
            drawing.Text(drawing.Fit(curve.Name, text, TickSize), left + sample + 6, y, TickSize, Ink, across: TextAlign.Middle);
            y += TickSize + 7;
        }
        return left - Gap / 2;
    }

    private static IEnumerable<IReadOnlyList<(double X, double Y)>> Pieces(Curve curve, Plot plot)
    {
        var piece = new List<(double, double)>();
        foreach (var point in curve.Points)
        {
            if (plot.Horizontal.Shows(point.X) && plot.Vertical.Shows(point.Y))
            {
                piece.Add(point);
                continue;
            }
            if (piece.Count > 0)
                yield return piece;
            piece = [];
        }
        if (piece.Count > 0)
            yield return piece;
    }
}
