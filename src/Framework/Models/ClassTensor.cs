namespace Tessera.Framework.Models;

/// <summary>A tensor of a model that has rows for classes: the weight or the bias of the layer that tells them apart.</summary>
/// <param name="Name">
/// As in the model's state dict. Its first dimension is <paramref name="Groups"/> · classes, one group after the other, each with all
/// classes in their order.
/// </param>
/// <param name="Groups">How often every class comes: once, or once for each of a detector's anchors.</param>
/// <param name="Beside">
/// A tensor whose first dimension has as many groups, so that it tells whether a file has another number of them; null where there
/// is none.
/// </param>
public sealed record ClassTensor(string Name, int Groups = 1, string? Beside = null)
{
    /// <summary>Rows of each class, one after the other: 4 for a box of its own.</summary>
    public int RowsPerClass { get; init; } = 1;

    /// <summary>Rows behind those of the classes that stand for none: 1 for a background. Only in a tensor of one group.</summary>
    public int Others { get; init; }
}
