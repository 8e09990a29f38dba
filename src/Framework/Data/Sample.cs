using System.Numerics;

namespace Tessera.Framework.Data;

/// <summary>Boxes of one image.</summary>
/// <param name="Corners">[N * 4], x1, y1, x2, y2 in pixels of the image as it is now.</param>
/// <param name="Labels">[N], indices into the class names.</param>
/// <param name="Ignored">[N], crowd or difficult: neither a target nor a mistake.</param>
public sealed record Boxes(float[] Corners, int[] Labels, bool[] Ignored)
{
    public int Count => Labels.Length;
}

/// <summary>How an image came to be what it is, so that predictions can be mapped back.</summary>
/// <param name="OriginalHeight">Pixels, as the file has them (after EXIF orientation).</param>
/// <param name="OriginalWidth">Pixels.</param>
/// <param name="Transform">Maps a point of the original image (x, y, pixel corners at integers) to the present one.</param>
public sealed record Geometry(int OriginalHeight, int OriginalWidth, Matrix3x2 Transform)
{
    /// <summary>Padding at the present image's (left, top, right, bottom), in pixels.</summary>
    public (int Left, int Top, int Right, int Bottom) Padding { get; init; }

    /// <summary>Whether left and right were exchanged, an odd number of times.</summary>
    public bool FlippedHorizontally { get; init; }

    public bool FlippedVertically { get; init; }

    public Geometry Then(Matrix3x2 step) => this with { Transform = Transform * step };
}

/// <summary>One example on its way through the pipeline: an image, what its annotation says, and what was done to it.</summary>
public sealed class Sample
{
    /// <summary>Position in the data set.</summary>
    public required long Index { get; init; }

    /// <summary>What a person finds it by: a path, or "archive.zip:entry".</summary>
    public required string Name { get; init; }

    /// <summary>The image; null until a loading step has read it.</summary>
    public Image? Image { get; set; }

    /// <summary>Reads the undecoded file. Kept so that the loading step decides how to decode.</summary>
    public Func<ReadOnlyMemory<byte>>? ReadFile { get; set; }

    /// <summary>Reads the segmentation map's undecoded file.</summary>
    public Func<ReadOnlyMemory<byte>>? ReadSegmentationFile { get; set; }

    /// <summary>Index into the class names.</summary>
    public int? Label { get; set; }

    /// <summary>Multi-hot labels, [classes], 0 or 1 (or a probability).</summary>
    public float[]? MultiLabel { get; set; }

    /// <summary>Regression targets, [targets].</summary>
    public float[]? Targets { get; set; }

    public Boxes? Boxes { get; set; }

    /// <summary>Class index of every pixel, H x W x 1, <see cref="PixelType.UInt8"/> or UInt16; 255 (65535) is ignored.</summary>
    public Image? SegmentationMap { get; set; }

    /// <summary>One mask per box, each H x W x 1, UInt8, 0 or 1.</summary>
    public IReadOnlyList<Image>? InstanceMasks { get; set; }

    /// <summary>Further targets that lie on the image's grid (depth, a clean image …), by name; geometric transforms move them along.</summary>
    public Dictionary<string, Image> ExtraMaps { get; } = [];

    /// <summary>Anything else, by name; transforms leave it alone.</summary>
    public Dictionary<string, object> Extras { get; } = [];

    /// <summary>Set once the image is read.</summary>
    public Geometry? Geometry { get; set; }
}
