using System.Globalization;

namespace Tessera.Framework.Visualization.Charts;

/// <summary>A matrix in colours, with its numbers while they fit: a confusion matrix, say.</summary>
public sealed class HeatMap : Chart
{
    private const int MostNumbers = 40; // beyond, cells are too small to read

    private static readonly Color s_low = Color.FromHex("#f7fbff"), s_middle = Color.FromHex("#6baed6"), s_high = Color.FromHex("#08306b");

    public required IReadOnlyList<string> Rows { get; init; }

    public required IReadOnlyList<string> Columns { get; init; }

    /// <summary>[rows, columns]; not finite: an empty cell.</summary>
    public required double[,] Values { get; init; }

    /// <summary>Numbers in the cells; the values where unset. Counts over shares, for example.</summary>
    public double[,]? Numbers { get; init; }

    /// <summary>How the numbers are written, for .NET.</summary>
    public string Format { get; init; } = "0.##";

    /// <summary>The value of the palest colour; the least where unset.</summary>
    public double? Low { get; init; }

    /// <summary>The value of the deepest colour; the greatest where unset.</summary>
    public double? High { get; init; }

    public string RowLabel { get; init; } = "";

    public string ColumnLabel { get; init; } = "";

    private double Cell => Math.Max(Rows.Count, Columns.Count) switch { <= 12 => 46, <= 25 => 38, <= MostNumbers => 32, <= 100 => 14, _ => Math.Max(2, 1400.0 / Math.Max(Rows.Count, Columns.Count)) };

    private bool Labelled => Cell >= 10;

    // Names are cut at 160 units; 7 a letter is what the font takes at most, on average.
    private static double Room(IReadOnlyList<string> names) => Math.Min(160, names.Select(name => name.Length).DefaultIfEmpty().Max() * 7.5);

    private double Left => Gap + (RowLabel.Length > 0 ? LabelSize + Gap : 0) + (Labelled ? Room(Rows) + 8 : 0);

    private double Below => Gap + (ColumnLabel.Length > 0 ? LabelSize + Gap : 0) + (Labelled ? Room(Columns) * 0.8 + 12 : 0);

    public override (double Width, double Height) Size =>
        (Math.Max(Left + Columns.Count * Cell + 80, Math.Min(Title.Length * 10 + 2 * Gap, 500)), (Title.Length > 0 ? TitleSize * 2 : 0) + Gap + Rows.Count * Cell + Below);

    public override void Draw(Drawing drawing)
    {
        var top = DrawTitle(drawing);
        var finite = Values.Cast<double>().Where(double.IsFinite).DefaultIfEmpty(0).ToArray();
        var (low, high) = (Low ?? finite.Min(), High ?? finite.Max());
        var right = Left + Columns.Count * Cell;
        for (var r = 0; r < Rows.Count; r++)
            for (var c = 0; c < Columns.Count; c++)
            {
                if (!double.IsFinite(Values[r, c])) continue;
                var color = Shade(high > low ? (Values[r, c] - low) / (high - low) : 0);
                drawing.Fill(Left + c * Cell, top + r * Cell, Cell + 0.3, Cell + 0.3, color);
                var number = (Numbers ?? Values)[r, c];
                if (Math.Max(Rows.Count, Columns.Count) > MostNumbers || !double.IsFinite(number)) continue;
                var text = number.ToString(Format, CultureInfo.InvariantCulture);
                var size = Math.Min(TickSize, TickSize * (Cell - 4) / Math.Max(1, drawing.Measure(text, TickSize).Width));
                drawing.Text(text, Left + (c + 0.5) * Cell, top + (r + 0.5) * Cell, size, color.Readable, TextAlign.Middle, TextAlign.Middle);
            }
        drawing.Outline(Left, top, right - Left, Rows.Count * Cell, Ink);
        var bottom = top + Rows.Count * Cell;
        if (Labelled)
        {
            var size = Math.Min(TickSize, Cell - 2);
            for (var r = 0; r < Rows.Count; r++)
                drawing.Text(drawing.Fit(Rows[r], Room(Rows), size), Left - 8, top + (r + 0.5) * Cell, size, Ink, TextAlign.End, TextAlign.Middle);
            for (var c = 0; c < Columns.Count; c++)
                drawing.Text(drawing.Fit(Columns[c], Room(Columns), size), Left + (c + 0.5) * Cell + size / 3, bottom + 8, size, Ink, TextAlign.End, TextAlign.Middle, degrees: -50);
        }
        if (RowLabel.Length > 0) drawing.Text(RowLabel, Gap, top + Rows.Count * Cell / 2, LabelSize, Ink, TextAlign.Middle, TextAlign.Start, degrees: -90);
        if (ColumnLabel.Length > 0) drawing.Text(ColumnLabel, (Left + right) / 2, drawing.Height - Gap, LabelSize, Ink, TextAlign.Middle);
        Scale(drawing, right + 18, top, bottom, low, high);
    }

    private void Scale(Drawing drawing, double x, double top, double bottom, double low, double high)
    {
        const int steps = 64;
        for (var i = 0; i < steps; i++)
            drawing.Fill(x, top + (bottom - top) * i / steps, 12, (bottom - top) / steps + 0.3, Shade(1 - (i + 0.5) / steps));
        drawing.Outline(x, top, 12, bottom - top, Ink);
        var axis = Axis.Of([low, high], Math.Max(2, (int)((bottom - top) / 50)), tight: true);
        foreach (var tick in axis.Ticks)
            drawing.Text(axis.Label(tick), x + 16, bottom - axis.At(tick) * (bottom - top), TickSize - 1, Ink, across: TextAlign.Middle);
    }

    private static Color Shade(double share) => share < 0.5
        ? s_low.Towards(s_middle, Math.Clamp(share, 0, 1) * 2)
        : s_middle.Towards(s_high, Math.Clamp(share, 0, 1) * 2 - 1);
}
