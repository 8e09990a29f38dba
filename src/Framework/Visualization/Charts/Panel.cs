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
}
