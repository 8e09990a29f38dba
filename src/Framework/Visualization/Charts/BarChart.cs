using System.Globalization;
using Tessera.Framework.Data;

namespace Tessera.Framework.Visualization.Charts;

/// <summary>A bar of a <see cref="BarChart"/>.</summary>
/// <param name="Value">Not finite: no bar, and "n/a".</param>
/// <param name="Interval">The ends of an interval about the value.</param>
/// <param name="Color">Unset: the chart's.</param>
public sealed record Bar(string Name, double Value, (double Low, double High)? Interval = null, Rgb? Color = null);

/// <summary>Horizontal bars, each with its name and its value.</summary>
public sealed class BarChart : Chart
{
    private const double Row = 24;

    public required IReadOnlyList<Bar> Bars { get; init; }

    /// <summary>What the values are.</summary>
    public string Label { get; init; } = "";

    /// <summary>How the values are written, for .NET: "0.000", "#,0".</summary>
    public string Format { get; init; } = "0.###";

    /// <summary>A logarithmic scale, for counts that differ by orders of magnitude; zeros get no bar.</summary>
    public bool Log { get; init; }

    public double Width { get; init; } = 720;

    public override (double Width, double Height) Size =>
        (
            Width,
            (Title.Length > 0 ? TitleSize * 2 : 0)
                + Gap
                + Bars.Count * Row
                + Gap
                + TickSize
                + Gap
                + (Label.Length > 0 ? LabelSize + Gap : 0)
        );

    public override void Draw(Drawing drawing)
    {
        var top = DrawTitle(drawing);
        var ends = Bars.SelectMany(bar => bar.Interval is { } interval ? new[] { bar.Value, interval.Low, interval.High } : [bar.Value]);
        var axis = ChartAxis.Of(
            Log ? ends.Where(value => value > 0).SelectMany(value => new[] { value, value / 1.5 }) : ends,
            6,
            Log,
            fromZero: true
        );
        var names = Math.Min(Width * 0.35, Bars.Select(bar => drawing.Measure(bar.Name, LabelSize).Width).DefaultIfEmpty().Max());
        var values = Bars.Select(bar => drawing.Measure(Text(bar.Value), TickSize).Width).DefaultIfEmpty().Max();
        var (left, right) = (Gap + names + 8, Width - Gap - values - 10);
        var bottom = top + Bars.Count * Row;
        foreach (var tick in axis.Ticks)
        {
            var at = Math.Round(left + axis.At(tick) * (right - left)) + 0.5;
            drawing.Line(at, top, at, bottom, Grid);
            drawing.Text(axis.Label(tick), at, bottom + 5, TickSize, Ink, TextAlign.Middle, TextAlign.Start);
        }
        var zero = Log ? 0 : axis.At(0);
        for (var i = 0; i < Bars.Count; i++)
        {
            var bar = Bars[i];
            var middle = top + (i + 0.5) * Row;
            drawing.Text(drawing.Fit(bar.Name, names, LabelSize), left - 8, middle, LabelSize, Ink, TextAlign.End, TextAlign.Middle);
            var end = zero;
            if (axis.Shows(bar.Value))
            {
                end = axis.At(bar.Value);
                var (from, to) = (left + Math.Min(zero, end) * (right - left), left + Math.Max(zero, end) * (right - left));
                drawing.Fill(from, middle - Row * 0.36, Math.Max(to - from, 1), Row * 0.72, bar.Color ?? ClassColors.Distinct(1)[0]);
            }
            var edge = left + Math.Max(end, zero) * (right - left);
            if (bar.Interval is { } interval && axis.Shows(interval.Low) && axis.Shows(interval.High))
            {
                var (low, high) = (left + axis.At(interval.Low) * (right - left), left + axis.At(interval.High) * (right - left));
                drawing.Line(low, middle, high, middle, Ink, 1.4);
                foreach (var stop in new[] { low, high })
                    drawing.Line(stop, middle - 4, stop, middle + 4, Ink, 1.4);
                edge = Math.Max(edge, high);
            }
            drawing.Text(Text(bar.Value), edge + 6, middle, TickSize, Ink, across: TextAlign.Middle);
        }
        drawing.Line(left + zero * (right - left), top, left + zero * (right - left), bottom, Ink, 1.2);
        if (Label.Length > 0)
            drawing.Text(Label, (left + right) / 2, drawing.Height - Gap, LabelSize, Ink, TextAlign.Middle);
    }

    private string Text(double value) => double.IsFinite(value) ? value.ToString(Format, CultureInfo.InvariantCulture) : "n/a";
}
