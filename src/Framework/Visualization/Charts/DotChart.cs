using System.Globalization;
using Tessera.Framework.Data;

namespace Tessera.Framework.Visualization.Charts;

/// <summary>A row of a <see cref="DotChart"/>: single values, and what they come to.</summary>
/// <param name="Values">One of each run; those that are not finite are passed over.</param>
/// <param name="Mean">Not finite: no mark.</param>
/// <param name="Interval">The ends of an interval about the mean.</param>
public sealed record DotRow(
    string Name,
    IReadOnlyList<double> Values,
    double Mean = double.NaN,
    (double Low, double High)? Interval = null
);

/// <summary>Values as dots in named rows, each row's mean as a bar across with its interval. One row may be drawn on through all
/// others.</summary>
public sealed class DotChart : Panel
{
    private const double Row = 26,
        Dot = 3.5;

    private static readonly Rgb s_band = new(232, 238, 246);

    public required IReadOnlyList<DotRow> Rows { get; init; }

    /// <summary>What the values are.</summary>
    public string Label { get; init; } = "";

    /// <summary>How the means are written, for .NET.</summary>
    public string Format { get; init; } = "0.0000";

    /// <summary>The row whose mean and interval are drawn through all rows; null for none.</summary>
    public int? Reference { get; init; }

    public override double Width { get; init; } = 720;

    /// <summary>As its rows need.</summary>
    public override double Height => Gap + (Title.Length > 0 ? 2 * TitleSize : 0) + (Rows.Count * Row) + 5 + TickSize + Gap + LabelRoom;

    private double LabelRoom => Label.Length > 0 ? LabelSize + Gap : 0;

    internal override void DrawIn(Drawing drawing, double x, double y, double width, double height)
    {
        var top = y + Gap;
        if (Title.Length > 0)
        {
            var title = drawing.Fit(Title, width - (2 * Gap), TitleSize, bold: true);
            drawing.Text(title, x + (width / 2), top, TitleSize, Ink, TextAlign.Middle, TextAlign.Start, bold: true);
            top += 2 * TitleSize;
        }
        var names = Math.Min(width * 0.4, Rows.Select(row => drawing.Measure(row.Name, LabelSize).Width).DefaultIfEmpty().Max());
        var means = Rows.Select(row => drawing.Measure(Text(row.Mean), TickSize).Width).DefaultIfEmpty().Max();
        var (left, right) = (x + Gap + names + 8, x + width - Gap - means - 10);
        var axis = ChartAxis.Of(Rows.SelectMany(Ends), (int)Math.Max(2, (right - left) / 90));
        var plot = new Plot(axis, left, right, top, top + (Rows.Count * Row));
        DrawReference(drawing, plot);
        DrawTicksBelow(drawing, plot.Axis, plot.X, plot.Top, plot.Bottom);
        for (var i = 0; i < Rows.Count; i++)
            DrawRow(drawing, Rows[i], plot, top + ((i + 0.5) * Row), names);
        drawing.Line(left, plot.Bottom, right, plot.Bottom, Ink, 1.2);
        if (Label.Length > 0)
            drawing.Text(Label, (left + right) / 2, plot.Bottom + 5 + TickSize + Gap + LabelSize, LabelSize, Ink, TextAlign.Middle);
    }

    /// <summary>The place of the rows, in the drawing's units.</summary>
    private readonly record struct Plot(ChartAxis Axis, double Left, double Right, double Top, double Bottom)
    {
        public double X(double value) => Left + (Axis.At(value) * (Right - Left));
    }

    private static IEnumerable<double> Ends(DotRow row)
    {
        var ends = row.Values.Append(row.Mean);
        return row.Interval is { } interval ? ends.Append(interval.Low).Append(interval.High) : ends;
    }

    private void DrawReference(Drawing drawing, Plot plot)
    {
        if (Reference is not { } at || !plot.Axis.Shows(Rows[at].Mean))
            return;
        if (Rows[at].Interval is { } interval)
            drawing.Fill(plot.X(interval.Low), plot.Top, plot.X(interval.High) - plot.X(interval.Low), plot.Bottom - plot.Top, s_band);
        drawing.Line(plot.X(Rows[at].Mean), plot.Top, plot.X(Rows[at].Mean), plot.Bottom, ClassColors.Distinct(1)[0], 1, 5);
    }

    private void DrawRow(Drawing drawing, DotRow row, Plot plot, double middle, double names)
    {
        drawing.Text(drawing.Fit(row.Name, names, LabelSize), plot.Left - 8, middle, LabelSize, Ink, TextAlign.End, TextAlign.Middle);
        var color = ClassColors.Distinct(1)[0];
        foreach (var value in row.Values.Where(plot.Axis.Shows))
            drawing.Disc(plot.X(value), middle, Dot, color);
        if (!plot.Axis.Shows(row.Mean))
            return;
        if (row.Interval is { } interval)
        {
            drawing.Line(plot.X(interval.Low), middle, plot.X(interval.High), middle, Ink, 1.4);
            foreach (var stop in new[] { interval.Low, interval.High })
                drawing.Line(plot.X(stop), middle - 4, plot.X(stop), middle + 4, Ink, 1.4);
        }
        drawing.Line(plot.X(row.Mean), middle - 8, plot.X(row.Mean), middle + 8, Ink, 2.2);
        drawing.Text(Text(row.Mean), plot.Right + 8, middle, TickSize, Ink, across: TextAlign.Middle);
    }

    private string Text(double value) => double.IsFinite(value) ? value.ToString(Format, CultureInfo.InvariantCulture) : "";
}
