using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Visualization;

namespace Tessera.Explaining;

/// <summary>Many explanations on one picture: a row for each image and target, in it the photograph and a map of each method and
/// model.</summary>
public sealed class ExplanationSheet
{
    private const double Gap = 8,
        Line = 16,
        Size = 11,
        Strip = 8;
    private const double MostHeight = 8000; // times the scale: what viewers still open, and half of what can be drawn
    private const int Scale = 2,
        Longest = 176,
        Shortest = 112,
        LeastText = 144,
        MostInLine = 8;

    private static readonly Rgb s_ink = new(40, 40, 40),
        s_objection = Rgb.FromValue(0xb02020);

    private readonly List<Row> _rows = [];

    /// <summary>Rows so far.</summary>
    public int Count => _rows.Count;

    /// <param name="title">What stands over the photograph: the image's name.</param>
    /// <param name="photograph">As its file has it.</param>
    /// <param name="maps">Of this image, each with the name of the model it is of, where there are several.</param>
    public void Add(string title, Image photograph, IReadOnlyList<(string? Model, ImageExplanation Explanation)> maps)
    {
        var shown = ExplanationPicture.Shown(photograph, Longest, Shortest);
        _rows.Add(new Row(title, shown, [.. maps.Select(map => Cell.Of(map.Model, map.Explanation, shown))]));
    }

    /// <summary>Draws the rows; those that would make the picture taller than 16,000 pixels are left out, and counted below the
    /// others.</summary>
    /// <returns>The caller's to dispose.</returns>
    public Drawing Draw()
    {
        var named = _rows.Exists(row => row.Cells.Any(cell => cell.Model is not null));
        var above = (named ? 2 : 1) * Line;
        var cellWidth = Math.Max(LeastText, _rows.Max(row => row.Shown.Width)) + Gap;
        var inLine = Math.Min(MostInLine, _rows.Max(row => row.Cells.Count));
        var (fitting, height) = Fitting(row => Lines(row, inLine) * Height(row, above));
        var left = _rows.Count - fitting;
        var drawing = Drawing.Pixels(Gap + (cellWidth * (inLine + 1)), Gap + height + (left > 0 ? Line + Gap : 0), Scale);
        var top = Gap;
        foreach (var row in _rows.Take(fitting))
        {
            Text(drawing, row.Title, Gap, top, cellWidth, s_ink, bold: true);
            drawing.Draw(row.Shown, Gap, top + above, row.Shown.Width, row.Shown.Height);
            for (var i = 0; i < row.Cells.Count; i++)
                Draw(
                    drawing,
                    row.Cells[i],
                    Gap + (cellWidth * (1 + (i % inLine))),
                    top + ((i / inLine) * Height(row, above)),
                    above,
                    cellWidth
                );
            top += Lines(row, inLine) * Height(row, above);
        }
        if (left > 0)
            Text(drawing, left == 1 ? "1 more row" : $"{left} more rows", Gap, top, cellWidth, s_ink, bold: true);
        return drawing;
    }

    /// <summary>How many rows fit, at least one, and how high they are together.</summary>
    private (int Rows, double Height) Fitting(Func<Row, double> heightOf)
    {
        var (rows, height) = (1, heightOf(_rows[0]));
        while (rows < _rows.Count && height + heightOf(_rows[rows]) is <= MostHeight and var more)
            (rows, height) = (rows + 1, more);
        return (rows, height);
    }

    private static int Lines(Row row, int inLine) => Math.Max(1, (row.Cells.Count + inLine - 1) / inLine);

    private static double Height(Row row, double above) => above + row.Shown.Height + (2 * Line) + Strip + (2 * Gap);

    private static void Draw(Drawing drawing, Cell cell, double x, double y, double above, double width)
    {
        Text(drawing, cell.Method, x, y, width, s_ink, bold: true);
        if (cell.Model is { } model)
            Text(drawing, model, x, y + Line, width, s_ink);
        drawing.Draw(cell.Picture, x, y + above, cell.Picture.Width, cell.Picture.Height);
        var below = y + above + cell.Picture.Height + 4;
        if (cell.Objection is null)
        {
            var (low, high) = (Short(cell.Low), Short(cell.High));
            var (left, right) = (drawing.Measure(low, Size - 1).Width + 4, drawing.Measure(high, Size - 1).Width + 4);
            drawing.Text(low, x, below + (Strip / 2), Size - 1, s_ink, across: TextAlign.Middle);
            Heat.Strip(drawing, x + left, below, cell.Picture.Width - left - right, Strip);
            drawing.Text(high, x + cell.Picture.Width, below + (Strip / 2), Size - 1, s_ink, TextAlign.End, TextAlign.Middle);
        }
        else
            Text(drawing, cell.Objection, x, below - 4, width, s_objection);
        Text(drawing, cell.Target, x, below + Strip + 1, width, s_ink);
    }

    private static void Text(Drawing drawing, string text, double x, double y, double width, Rgb color, bool bold = false) =>
        drawing.Text(drawing.Fit(text, width - Gap, Size, bold), x, y + (Line / 2), Size, color, across: TextAlign.Middle, bold: bold);

    private static string Short(double value) =>
        Math.Abs(value) is 0 or (>= 1e-3 and < 1e5)
            ? value.ToString("G3", CultureInfo.InvariantCulture)
            : value.ToString("0.#e0", CultureInfo.InvariantCulture);

    private sealed record Row(string Title, Image Shown, IReadOnlyList<Cell> Cells);

    private sealed record Cell(string? Model, string Method, string Target, Image Picture, double Low, double High, string? Objection)
    {
        // Only the picture is kept: a sheet holds many.
        public static Cell Of(string? model, ImageExplanation explanation, Image shown)
        {
            var (low, high) = explanation.Scale;
            var values = explanation.Map.On(explanation.Geometry, shown.Height, shown.Width).Values;
            return new(
                model,
                explanation.MethodTitle,
                explanation.Headline,
                explanation.Objection is null ? Heat.Over(shown, values, low, high) : shown,
                low,
                high,
                explanation.Objection
            );
        }
    }
}
