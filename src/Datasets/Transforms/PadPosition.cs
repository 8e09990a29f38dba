using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>Where the image lies on the padded one.</summary>
public enum PadPosition
{
    /// <summary>The padding is on the right and below.</summary>
    RightDown,

    /// <summary>The padding is on the left and above.</summary>
    LeftUp,

    /// <summary>On all sides; the right and the bottom get the odd pixel.</summary>
    Center,

    /// <summary>Anywhere.</summary>
    Random,
}

internal static class PadPositions
{
    /// <summary>Pixels above and to the left, of so many in all.</summary>
    public static (int Top, int Left) Share(this PadPosition position, int rows, int columns, RandomSource random) =>
        position switch
        {
            PadPosition.RightDown => (0, 0),
            PadPosition.LeftUp => (rows, columns),
            PadPosition.Center => (rows / 2, columns / 2),
            _ => (random.Next(rows + 1), random.Next(columns + 1)),
        };
}
