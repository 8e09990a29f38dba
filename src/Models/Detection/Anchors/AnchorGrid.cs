namespace Tessera.Models.Detection.Anchors;

/// <summary>The anchors of one map, in the order (row, column, shape).</summary>
/// <param name="Start">Index of its first anchor among all.</param>
/// <param name="Height">Rows of the map.</param>
/// <param name="Width">Columns of the map.</param>
/// <param name="PerCell">Anchors of one place.</param>
public readonly record struct AnchorLevel(int Start, int Height, int Width, int PerCell)
{
    public int Count => Height * Width * PerCell;
}

/// <summary>All anchors of an image, map after map.</summary>
/// <param name="Boxes">In pixels of the batch's tensor.</param>
public sealed record AnchorGrid(BoxArray Boxes, IReadOnlyList<AnchorLevel> Levels)
{
    public int Count => Boxes.Count;
}
