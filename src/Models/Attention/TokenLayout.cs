namespace Tessera.Models.Attention;

/// <summary>What counts as near, or as a step, among tokens.</summary>
public enum TokenLayout
{
    /// <summary>Positions in the sequence, the grid read row by row.</summary>
    Sequence,

    /// <summary>Rows and columns of the grid.</summary>
    Grid,
}
