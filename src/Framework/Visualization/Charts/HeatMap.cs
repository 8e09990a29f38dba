using System.Globalization;
using Tessera.Framework.Data;

namespace Tessera.Framework.Visualization.Charts;

/// <summary>A matrix in colours, with its numbers while they fit: a confusion matrix, say.</summary>
public sealed class HeatMap : Chart
{
    private const int MostNumbers = 40; // beyond, cells are too small to read
    private const double MostName = 320,
        MostTitle = 700,
        WidestCell = 90,
        ScaleRoom = 80,
        Slope = 50 * Math.PI / 180;

    private static readonly Rgb s_low = Rgb.FromValue(0xf7fbff),
        s_middle = Rgb.FromValue(0x6baed6),
        s_high = Rgb.FromValue(0x08306b);

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

    /// <summary>[rows, columns], a second text under each number, or in its place where there is none; empty: none.</summary>
    public string[,]? Notes { get; init; }

    public string RowLabel { get; init; } = "";

    public string ColumnLabel { get; init; } = "";

    private double SmallestCell =>
        Math.Max(Rows.Count, Columns.Count) switch
        {
            <= 12 => 46,
            <= 25 => 38,
            <= MostNumbers => 32,
            <= 100 => 14,
            _ => Math.Max(2, 1400.0 / Math.Max(Rows.Count, Columns.Count)),
        };

    private bool Labelled => SmallestCell >= 10;

    private double NameSize => Math.Min(TickSize, SmallestCell - 2);

    private Layout? _layout;

    /// <summary>Cells are wider than they must be where a long title leaves room.</summary>
    private Layout Places
    {
        get
        {
            if (_layout is { } known)
                return known;
            using var ruler = Drawing.Pixels(1, 1);
            var (rows, columns) = Labelled ? (Room(ruler, Rows), Room(ruler, Columns)) : (0, 0);
            var title = Title.Length == 0 ? 0 : Math.Min(ruler.Measure(Title, TitleSize, bold: true).Width + (2 * Gap), MostTitle);
            var left = Gap + (RowLabel.Length > 0 ? LabelSize + Gap : 0) + (Labelled ? rows + 8 : 0);
            if (Labelled) // the first column's name reaches to the left
                left = Math.Max(left, (columns * Math.Cos(Slope)) + Gap - (SmallestCell / 2));
            var cell = Math.Clamp(
                (title - left - ScaleRoom) / Math.Max(1, Columns.Count),
                SmallestCell,
                Math.Max(SmallestCell, WidestCell)
            );
            if (SmallestCell < 46)
                cell = SmallestCell;
            var width = Math.Max(left + (Columns.Count * cell) + ScaleRoom, title);
            left += (width - (left + (Columns.Count * cell) + ScaleRoom)) / 2;
            var below = Gap + (ColumnLabel.Length > 0 ? LabelSize + Gap : 0) + (Labelled ? (columns * Math.Sin(Slope)) + 16 : 0);
            return (_layout = new Layout(cell, left, width, below, rows, columns)).Value;
        }
    }

    private double Cell => Places.Cell;

    private double Left => Places.Left;

    public override (double Width, double Height) Size =>
        (Places.Width, (Title.Length > 0 ? TitleSize * 2 : 0) + Gap + (Rows.Count * Cell) + Places.Below);

    public override void Draw(Drawing drawing)
    {
        var top = DrawTitle(drawing);
        var finite = Values.Cast<double>().Where(double.IsFinite).DefaultIfEmpty(0).ToArray();
        var (low, high) = (Low ?? finite.Min(), High ?? finite.Max());
        var right = Left + Columns.Count * Cell;
        for (var r = 0; r < Rows.Count; r++)
        for (var c = 0; c < Columns.Count; c++)
            DrawCell(drawing, r, c, top, low, high);
        drawing.Outline(Left, top, right - Left, Rows.Count * Cell, Ink);
        var bottom = top + Rows.Count * Cell;
        if (Labelled)
        {
            var size = NameSize;
            for (var r = 0; r < Rows.Count; r++)
                drawing.Text(
                    drawing.Fit(Rows[r], Places.RowNames, size),
                    Left - 8,
                    top + (r + 0.5) * Cell,
                    size,
                    Ink,
                    TextAlign.End,
                    TextAlign.Middle
                );
            for (var c = 0; c < Columns.Count; c++)
                drawing.Text(
                    drawing.Fit(Columns[c], Places.ColumnNames, size),
                    Left + (c + 0.5) * Cell + size / 3,
                    bottom + 8,
                    size,
                    Ink,
                    TextAlign.End,
                    TextAlign.Middle,
                    degrees: -50
                );
        }
        if (RowLabel.Length > 0)
            drawing.Text(RowLabel, Gap, top + Rows.Count * Cell / 2, LabelSize, Ink, TextAlign.Middle, TextAlign.Start, degrees: -90);
        if (ColumnLabel.Length > 0)
            drawing.Text(ColumnLabel, (Left + right) / 2, drawing.Height - Gap, LabelSize, Ink, TextAlign.Middle);
        Scale(drawing, right + 18, top, bottom, low, high);
    }

    /// <summary>Its colour, its number, and what stands under it.</summary>
    private void DrawCell(Drawing drawing, int row, int column, double top, double low, double high)
    {
        var (x, y, value) = (Left + (column * Cell), top + (row * Cell), Values[row, column]);
        var color = Rgb.White;
        if (double.IsFinite(value))
        {
            color = Shade(high > low ? (value - low) / (high - low) : 0);
            drawing.Fill(x, y, Cell + 0.3, Cell + 0.3, color);
        }
        if (Math.Max(Rows.Count, Columns.Count) > MostNumbers)
            return;
        var number = double.IsFinite(value) ? (Numbers ?? Values)[row, column] : double.NaN;
        var text = double.IsFinite(number) ? number.ToString(Format, CultureInfo.InvariantCulture) : "";
        var note = Notes?[row, column] ?? "";
        Write(text, note.Length == 0 ? 0.5 : 0.36, TickSize);
        Write(note, text.Length == 0 ? 0.5 : 0.7, text.Length == 0 ? TickSize : TickSize - 2);

        void Write(string line, double at, double most)
        {
            if (line.Length == 0)
                return;
            var size = Math.Min(most, most * (Cell - 4) / Math.Max(1, drawing.Measure(line, most).Width));
            drawing.Text(line, x + (Cell / 2), y + (at * Cell), size, color.Readable, TextAlign.Middle, TextAlign.Middle);
        }
    }

    private double Room(Drawing ruler, IReadOnlyList<string> names) =>
        Math.Min(MostName, names.Select(name => ruler.Measure(name, NameSize).Width + 1).DefaultIfEmpty().Max());

    /// <param name="Below">Room under the cells.</param>
    /// <param name="RowNames">Room for them.</param>
    /// <param name="ColumnNames">Room for them, along their slope.</param>
    private readonly record struct Layout(double Cell, double Left, double Width, double Below, double RowNames, double ColumnNames);

    private void Scale(Drawing drawing, double x, double top, double bottom, double low, double high)
    {
        const int steps = 64;
        for (var i = 0; i < steps; i++)
            drawing.Fill(x, top + (bottom - top) * i / steps, 12, (bottom - top) / steps + 0.3, Shade(1 - (i + 0.5) / steps));
        drawing.Outline(x, top, 12, bottom - top, Ink);
        var axis = ChartAxis.Of([low, high], Math.Max(2, (int)((bottom - top) / 50)), tight: true);
        foreach (var tick in axis.Ticks)
            drawing.Text(axis.Label(tick), x + 16, bottom - axis.At(tick) * (bottom - top), TickSize - 1, Ink, across: TextAlign.Middle);
    }

    private static Rgb Shade(double share) =>
        share < 0.5 ? s_low.Towards(s_middle, Math.Clamp(share, 0, 1) * 2) : s_middle.Towards(s_high, Math.Clamp(share, 0, 1) * 2 - 1);
}
