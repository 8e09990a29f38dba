using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Results;

/// <summary>How much of an image a class covers.</summary>
/// <param name="Index">Among the model's classes.</param>
/// <param name="Name">The class's name.</param>
/// <param name="Share">Of all pixels, in (0, 1].</param>
public sealed record ClassShare(int Index, string Name, double Share);

/// <summary>The class of every pixel of an image.</summary>
public sealed record Segmentation : Result
{
    internal Segmentation(SegmentationPrediction raw, IReadOnlyList<string> names)
        : base(raw) => (Map, ClassNames) = (raw.Map, names);

    /// <summary>Class indices: H x W x 1 of the original image, <see cref="PixelType.UInt8"/> or, above 255 classes, UInt16.</summary>
    public Image Map { get; }

    /// <summary>By index.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>The class of a pixel.</summary>
    /// <param name="x">From 0, from the left.</param>
    /// <param name="y">From 0, from the top.</param>
    public int ClassAt(int x, int y)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(x);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(x, Map.Width);
        var at = y * Map.Width + x;
        return Map.Type == PixelType.UInt8 ? Map.Pixels<byte>()[at] : Map.Pixels<ushort>()[at];
    }

    /// <summary>The classes that occur, the largest first.</summary>
    public IReadOnlyList<ClassShare> Shares()
    {
        var counts = new long[ClassNames.Count];
        for (var y = 0; y < Map.Height; y++)
        for (var x = 0; x < Map.Width; x++)
            counts[ClassAt(x, y)]++;
        var all = (double)Map.Height * Map.Width;
        return
        [
            .. counts
                .Select((count, c) => new ClassShare(c, ClassNames[c], count / all))
                .Where(entry => entry.Share > 0)
                .OrderByDescending(entry => entry.Share),
        ];
    }
}
