using System.Numerics;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Images.Geometry;

/// <summary>Turns, shears, scales and shifts images. Any channel count and type.</summary>
/// <remarks>
/// <para>
/// Agrees with OpenCV's warpAffine (constant border) within 1 grey level; nearest and 8-bit bilinear are identical. As there, a
/// pixel's place in the source is rounded to 1/32 pixel (the pixel itself for nearest), so that weights come from a table; filters
/// aren't widened when the image shrinks.
/// </para>
/// <para>
/// Kernels: triangle (2 x 2), Keys' cubic convolution with a = -0.75 (4 x 4; Keys, "Cubic convolution interpolation for digital image
/// processing", 1981), Lanczos with four lobes (8 x 8), normalised. What lies outside counts as the fill value.
/// </para>
/// <para>
/// Where OpenCV differs: its 8-bit bicubic and Lanczos use products of weights rounded to 15 bits, here columns have weights of
/// 14 bits and rows are floats; at a tie of rounding it goes to even, we go up.
/// </para>
/// </remarks>
public static class AffineWarp
{
    /// <summary>Moves the image by an affine map.</summary>
    /// <param name="image">[H, W, C].</param>
    /// <param name="forward">Maps a point of the image to one of the result, in pixels (x, y); pixel corners lie at integers.</param>
    /// <param name="height">The result's rows.</param>
    /// <param name="width">The result's columns.</param>
    /// <param name="interpolation">Nearest, bilinear, bicubic or Lanczos.</param>
    /// <param name="fill">What lies outside the image: one value, or one per channel.</param>
    /// <returns>[height, width, C], of the image's type.</returns>
    /// <exception cref="ArgumentException">The map can't be inverted, or the fill values are neither one nor one per channel.</exception>
    /// <exception cref="UserErrorException">Another interpolation.</exception>
    public static Image Warp(
        Image image,
        Matrix3x2 forward,
        int height,
        int width,
        Interpolation interpolation,
        IReadOnlyList<double> fill
    ) => Warp(image, forward, height, width, interpolation, fill, Simd.Best);

    internal static Image Warp(
        Image image,
        Matrix3x2 forward,
        int height,
        int width,
        Interpolation interpolation,
        IReadOnlyList<double> fill,
        SimdLevel level
    )
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        if (interpolation is not (Interpolation.Nearest or Interpolation.Bilinear or Interpolation.Bicubic or Interpolation.Lanczos))
            throw new UserErrorException(
                $"An image can't be turned by the {interpolation} filter. There are nearest, bilinear, bicubic and lanczos."
            );
        if (fill.Count != 1 && fill.Count != image.Channels)
            throw new ArgumentException($"{fill.Count} fill values for {image.Channels} channels.", nameof(fill));
        var result = PixelLayout.Like(image, height, width);
        using var grid = new WarpGrid(forward, height, width, interpolation == Interpolation.Nearest);
        switch (image.Type)
        {
            case PixelType.UInt8:
                Warp<byte>(image, result, grid, interpolation, fill, level);
                break;
            case PixelType.UInt16:
                Warp<ushort>(image, result, grid, interpolation, fill, level);
                break;
            default:
                Warp<float>(image, result, grid, interpolation, fill, level);
                break;
        }
        return result;
    }

    private static unsafe void Warp<T>(
        Image image,
        Image result,
        WarpGrid grid,
        Interpolation interpolation,
        IReadOnlyList<double> fill,
        SimdLevel level
    )
        where T : unmanaged, INumber<T>
    {
        Span<T> fills = image.Channels <= 64 ? stackalloc T[image.Channels] : new T[image.Channels];
        for (var c = 0; c < fills.Length; c++)
            fills[c] = WarpSource<T>.Round(fill[fill.Count == 1 ? 0 : c]);
        var weights = WarpWeights.For(interpolation);
        var (margin, vectors) =
            level == SimdLevel.Scalar || typeof(T) != typeof(byte) ? (0, false) : ByteWarp.Margin(image.Channels, weights.Taps);
        fixed (
            T* pixels = image.Pixels<T>(),
                target = result.Pixels<T>(),
                outside = fills
        )
        {
            var source = new WarpSource<T>(pixels, image.Height, image.Width, image.Channels, outside);
            for (var y = 0; y < result.Height; y++)
            {
                grid.BeginRow(y);
                var row = target + (long)y * result.Width * image.Channels;
                // Columns whose pixels touch the image, and among them those that lie in it with all their taps.
                var touching = grid.Columns(
                    -weights.After,
                    image.Width - 1 + weights.Before,
                    -weights.After,
                    image.Height - 1 + weights.Before
                );
                var inside = grid.Columns(
                    weights.Before,
                    image.Width - 1 - weights.After - margin,
                    weights.Before,
                    image.Height - 1 - weights.After
                );
                // Three channels are stored as four bytes: the last of all would leave the buffer.
                if (vectors && y == result.Height - 1)
                    inside.End = Math.Min(inside.End, result.Width - 1);
                if (inside.End <= inside.Begin)
                    inside = (touching.Begin, touching.Begin);
                source.Fill(row, 0, touching.Begin);
                source.Mix(grid, weights, row, touching.Begin, inside.Begin, inside: false);
                if (vectors)
                    ByteWarp.Mix((byte*)pixels, image, grid, weights, (byte*)row, inside.Begin, inside.End);
                else
                    source.Mix(grid, weights, row, inside.Begin, inside.End, inside: true);
                source.Mix(grid, weights, row, inside.End, touching.End, inside: false);
                source.Fill(row, touching.End, result.Width);
            }
        }
    }
}
