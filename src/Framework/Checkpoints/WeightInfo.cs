namespace Tessera.Framework.Checkpoints;

/// <summary>A tensor of a file, known before it is read.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Shape">Sizes, outermost first; empty for a scalar.</param>
public sealed record WeightInfo(string Name, ElementType Type, IReadOnlyList<long> Shape)
{
    /// <summary>Elements. The shape was checked when the file was opened: no overflow.</summary>
    public long Count => Shape.Aggregate(1L, (product, size) => product * size);

    public long Bytes => Count * Type.Size();

    public override string ToString() => $"{Name} {Type} {ShapeText(Shape)}";

    internal static string ShapeText(IReadOnlyList<long> shape) => $"[{string.Join(", ", shape)}]";
}
