using Tessera.Framework.Data;

namespace Tessera.Datasets.Segmentation;

/// <summary>What is known of a label file without training on it.</summary>
/// <param name="Height">Rows of the label image.</param>
/// <param name="Width">Its columns.</param>
/// <param name="ImageHeight">Rows of its photograph, turned as its EXIF orientation says.</param>
/// <param name="ImageWidth">The photograph's columns.</param>
/// <param name="Histogram">Pixels by stored value (0xRRGGBB for colours; <see cref="LabelHistogram.Rest"/> for colours beyond
/// counting).</param>
/// <param name="Problem">Why one of the two files can't be used; the rest is then empty.</param>
public sealed record LabelStatistics(
    int Height,
    int Width,
    int ImageHeight,
    int ImageWidth,
    IReadOnlyList<KeyValuePair<int, long>> Histogram,
    string? Problem = null
)
{
    /// <summary>The photograph's EXIF orientation exchanges its rows and columns; the sizes above are as a viewer shows it.</summary>
    public bool Turned { get; init; }

    /// <summary>Rows and columns of the photograph as it is read.</summary>
    /// <param name="turn">Its EXIF orientation is applied.</param>
    public (int Height, int Width) PhotographSize(bool turn) => Turned && !turn ? (ImageWidth, ImageHeight) : (ImageHeight, ImageWidth);

    internal static LabelStatistics Unusable(string problem) => new(0, 0, 0, 0, [], problem);

    /// <summary>Pixels of each class, and of "ignore"; values without a class are left out.</summary>
    public (long[] Classes, long Ignored) CountClasses(LabelTable table)
    {
        var counts = new long[table.Classes.Count];
        var ignored = 0L;
        foreach (var (value, pixels) in Histogram)
        {
            if (ClassOf(table, value) is not { } index)
                continue;
            if (index == LabelTable.Ignore)
                ignored += pixels;
            else
                counts[index] += pixels;
        }
        return (counts, ignored);
    }

    /// <summary>Whether some value has no class.</summary>
    public bool HasUnclaimed(LabelTable table)
    {
        foreach (var (value, _) in Histogram)
            if (ClassOf(table, value) is null)
                return true;
        return false;
    }

    // Uncounted colours can only be claimed by the entry for all others.
    private static byte? ClassOf(LabelTable table, int value) => table.Find(value == LabelHistogram.Rest ? 1 << 24 : value);
}
