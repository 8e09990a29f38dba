namespace Tessera.Framework.Visualization.Charts;

/// <summary>Several charts on one page, in rows.</summary>
public sealed class ChartPage : Chart
{
    public required IReadOnlyList<Panel> Charts { get; init; }

    public int Columns { get; init; } = 2;

    private int Across => Math.Max(1, Math.Min(Columns, Charts.Count));

    private double CellWidth => Charts.Max(chart => chart.Width);

    private double CellHeight => Charts.Max(chart => chart.Height);

    private double Head => Title.Length > 0 ? TitleSize * 2 + Gap : 0;

    public override (double Width, double Height) Size => (CellWidth * Across, Head + CellHeight * ((Charts.Count + Across - 1) / Across));

    public override void Draw(Drawing drawing)
    {
        DrawTitle(drawing);
        for (var i = 0; i < Charts.Count; i++)
            Charts[i].DrawIn(drawing, i % Across * CellWidth, Head + i / Across * CellHeight, CellWidth, CellHeight);
    }
}
