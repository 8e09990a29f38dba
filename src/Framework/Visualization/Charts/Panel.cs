namespace Tessera.Framework.Visualization.Charts;

/// <summary>A chart that may share a page with others (<see cref="ChartPage"/>).</summary>
public abstract class Panel : Chart
{
    public virtual double Width { get; init; } = 800;

    public virtual double Height { get; init; } = 480;

    public override (double Width, double Height) Size => (Width, Height);

    public override void Draw(Drawing drawing) => DrawIn(drawing, 0, 0, Width, Height);

    /// <summary>Draws into a part of a larger page.</summary>
    internal abstract void DrawIn(Drawing drawing, double x, double y, double width, double height);

    /// <summary>The lines of a horizontal axis's ticks, with the names that have room below them.</summary>
    /// <param name="x">The place of a value.</param>
    private protected static void DrawTicksBelow(Drawing drawing, ChartAxis axis, Func<double, double> x, double top, double bottom)
    {
        var edge = double.NegativeInfinity;
        foreach (var tick in axis.Ticks)
        {
            var at = Math.Round(x(tick)) + 0.5;
            drawing.Line(at, top, at, bottom, Grid);
            var half = drawing.Measure(axis.Label(tick), TickSize).Width / 2;
            if (at - half < edge + 6)
                continue;
            drawing.Text(axis.Label(tick), at, bottom + 5, TickSize, Ink, TextAlign.Middle, TextAlign.Start);
            edge = at + half;
        }
    }
}
