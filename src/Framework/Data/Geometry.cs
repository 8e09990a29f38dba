using System.Numerics;

namespace Tessera.Framework.Data;

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

    /// <summary>An image as its file has it.</summary>
    public static Geometry Original(int height, int width) => new(height, width, Matrix3x2.Identity);

    public Geometry Then(Matrix3x2 step) => this with { Transform = Transform * step };
}
