using System.Numerics;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Images.Geometry;

/// <summary>Shears, shifts, turns and projects images as Pillow does, to the last bit in 8 bits. Any channel count and type.</summary>
/// <remarks>
/// Pillow's Image.transform: a pixel whose place in the source lies outside is filled; of others the border is repeated outwards, not mixed
/// with the fill. Places are kept in double precision, those of nearest affine maps in 1/65536 of a pixel. Bicubic is Keys' cubic
/// convolution with a = -1. 8-bit values are cut off, not rounded.
/// </remarks>
internal static class PillowWarp
{
    private const int Bits = 16;

    /// <param name="image">[H, W, C].</param>
    /// <param name="back">Where a point of the result comes from.</param>
    /// <param name="outside">The pixel that fills what lies outside, in the image's own bytes.</param>
    /// <returns>[height, width, C], of the image's type.</returns>
    /// <exception cref="UserErrorException">An interpolation other than nearest, bilinear and bicubic.</exception>
    public static Image Warp(
        Image image,
        in WayBack back,
        int height,
        int width,
        Interpolation interpolation,
        ReadOnlySpan<byte> outside
    )
    {
        RequireKnown(interpolation);
        var result = PixelLayout.Like(image, height, width);
        if (interpolation == Interpolation.Nearest)
            Pick(image, back, result, outside);
        else if (image.Type == PixelType.UInt8)
            Mix<byte>(image, back, result, outside, interpolation == Interpolation.Bicubic);
        else if (image.Type == PixelType.UInt16)
            Mix<ushort>(image, back, result, outside, interpolation == Interpolation.Bicubic);
        else
            Mix<float>(image, back, result, outside, interpolation == Interpolation.Bicubic);
        return result;
    }

    /// <exception cref="UserErrorException">Pillow has no such filter for moved images.</exception>
    public static void RequireKnown(Interpolation interpolation)
    {
        if (interpolation is not (Interpolation.Nearest or Interpolation.Bilinear or Interpolation.Bicubic))
            throw new UserErrorException(
                $"An image can't be turned by the {interpolation} filter as Pillow does it. There are nearest, bilinear and bicubic."
            );
    }

    private static void Pick(Image image, in WayBack back, Image result, ReadOnlySpan<byte> outside)
    {
        var size = image.PixelSize();
        Span<byte> source = image.Bytes,
            target = result.Bytes;
        long stepX = Fixed(back.A),
            stepY = Fixed(back.D);
        var to = 0;
        for (var y = 0; y < result.Height; y++)
        {
            var atX = Fixed(back.C + (back.A * 0.5) + (back.B * 0.5)) + (y * Fixed(back.B));
            var atY = Fixed(back.F + (back.D * 0.5) + (back.E * 0.5)) + (y * Fixed(back.E));
            for (var x = 0; x < result.Width; x++, to += size, atX += stepX, atY += stepY)
            {
                var (column, row) = back.IsAffine ? (atX >> Bits, atY >> Bits) : Whole(back.Of(x + 0.5, y + 0.5));
                if ((ulong)column >= (ulong)image.Width || (ulong)row >= (ulong)image.Height)
                {
                    outside.CopyTo(target[to..]);
                    continue;
                }
                var from = (int)(((row * image.Width) + column) * size);
                if (size == 1)
                    target[to] = source[from];
                else if (size == 3)
                    (target[to], target[to + 1], target[to + 2]) = (source[from], source[from + 1], source[from + 2]);
                else
                    source.Slice(from, size).CopyTo(target[to..]);
            }
        }
    }

    private static (long Column, long Row) Whole((double X, double Y) place) =>
        (place.X < 0 ? -1 : (long)place.X, place.Y < 0 ? -1 : (long)place.Y);

    private static long Fixed(double pixels) => (long)Math.Floor((Math.Clamp(pixels, -1e12, 1e12) * (1 << Bits)) + 0.5);

    private static void Mix<T>(Image image, in WayBack back, Image result, ReadOnlySpan<byte> outside, bool cubic)
        where T : unmanaged, INumber<T>
    {
        ReadOnlySpan<T> source = image.Pixels<T>();
        var size = outside.Length;
        Span<int> columns = stackalloc int[4],
            rows = stackalloc int[4];
        for (var y = 0; y < result.Height; y++)
        {
            var row = result.Bytes.AsSpan(y * result.Width * size, result.Width * size);
            for (var x = 0; x < result.Width; x++)
            {
                var (atX, atY) = back.IsAffine
                    ? (
                        (back.A * (x + 0.5)) + (back.B * (y + 0.5)) + back.C,
                        (back.D * (x + 0.5)) + (back.E * (y + 0.5)) + back.F
                    )
                    : back.Of(x + 0.5, y + 0.5);
                if (!(atX >= 0 && atX < image.Width && atY >= 0 && atY < image.Height))
                {
                    outside.CopyTo(row[(x * size)..]);
                    continue;
                }
                var (left, top) = (Math.Floor(atX - 0.5), Math.Floor(atY - 0.5));
                var (partX, partY) = (atX - 0.5 - left, atY - 0.5 - top);
                var target = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, T>(row.Slice(x * size, size));
                if (cubic)
                {
                    Taps((int)left - 1, image.Width, image.Channels, columns);
                    Taps((int)top - 1, image.Height, image.Width * image.Channels, rows);
                    for (var c = 0; c < target.Length; c++)
                        target[c] = Round<T>(Cubic(source[c..], columns, rows, partX, partY));
                    continue;
                }
                Taps((int)left, image.Width, image.Channels, columns[..2]);
                Taps((int)top, image.Height, image.Width * image.Channels, rows[..2]);
                ReadOnlySpan<T> upper = source[rows[0]..],
                    lower = source[rows[1]..];
                for (var c = 0; c < target.Length; c++)
                {
                    var above = Between(Value(upper[columns[0] + c]), Value(upper[columns[1] + c]), partX);
                    var below = Between(Value(lower[columns[0] + c]), Value(lower[columns[1] + c]), partX);
                    target[c] = Round<T>(Between(above, below, partY));
                }
            }
        }
    }

    /// <summary>Where neighbours along an axis lie; those beyond the border are its own.</summary>
    private static void Taps(int first, int count, int stride, Span<int> taps)
    {
        for (var i = 0; i < taps.Length; i++)
            taps[i] = Math.Clamp(first + i, 0, count - 1) * stride;
    }

    private static double Cubic<T>(ReadOnlySpan<T> source, ReadOnlySpan<int> columns, ReadOnlySpan<int> rows, double x, double y)
        where T : unmanaged, INumber<T>
    {
        Span<double> lines = stackalloc double[4];
        for (var i = 0; i < 4; i++)
        {
            var line = source[rows[i]..];
            lines[i] = Cubic(Value(line[columns[0]]), Value(line[columns[1]]), Value(line[columns[2]]), Value(line[columns[3]]), x);
        }
        return Cubic(lines[0], lines[1], lines[2], lines[3], y);
    }

    /// <summary>Keys' polynomial of a = -1 between b and c.</summary>
    private static double Cubic(double a, double b, double c, double d, double x)
    {
        double first = c - a,
            second = (2 * (a - b)) + c - d,
            third = b - a - c + d;
        return b + (x * (first + (x * (second + (x * third)))));
    }

    private static double Between(double a, double b, double x) => a + ((b - a) * x);

    private static double Value<T>(T value)
        where T : unmanaged, INumber<T> => double.CreateTruncating(value);

    private static T Round<T>(double value)
        where T : unmanaged, INumber<T> =>
        typeof(T) == typeof(byte) ? T.CreateTruncating((byte)Math.Clamp(value, 0, byte.MaxValue))
        : typeof(T) == typeof(ushort) ? T.CreateTruncating((ushort)(Math.Clamp(value, 0, ushort.MaxValue) + 0.5))
        : T.CreateTruncating(value);
}
