using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
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
    ) => Warp(image, back, height, width, interpolation, outside, Simd.Best);

    internal static Image Warp(
        Image image,
        in WayBack back,
        int height,
        int width,
        Interpolation interpolation,
        ReadOnlySpan<byte> outside,
        SimdLevel level
    )
    {
        RequireKnown(interpolation);
        var result = PixelLayout.Like(image, height, width);
        if (interpolation == Interpolation.Nearest && back.IsAffine)
            Pick(image, back, result, outside);
        else if (interpolation == Interpolation.Nearest)
            PickProjected(image, back, result, outside);
        else if (level == SimdLevel.Avx2 && PillowPixels.IsSupported && image.Type == PixelType.UInt8 && image.Channels == 3)
            MixColors(image, back, result, outside, interpolation == Interpolation.Bicubic);
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

    private static unsafe void Pick(Image image, in WayBack back, Image result, ReadOnlySpan<byte> outside)
    {
        var (size, height, width) = (image.PixelSize(), (ulong)image.Height, (ulong)image.Width);
        long stepX = Fixed(back.A),
            stepY = Fixed(back.D);
        fixed (
            byte* source = image.Bytes,
                first = result.Bytes,
                fill = outside
        )
        {
            var target = first;
            for (var y = 0; y < result.Height; y++)
            {
                var atX = Fixed(back.C + (back.A * 0.5) + (back.B * 0.5)) + (y * Fixed(back.B));
                var atY = Fixed(back.F + (back.D * 0.5) + (back.E * 0.5)) + (y * Fixed(back.E));
                for (var x = 0; x < result.Width; x++, target += size, atX += stepX, atY += stepY)
                {
                    var (column, row) = (atX >> Bits, atY >> Bits);
                    var from = (ulong)column < width && (ulong)row < height ? source + (((row * (long)width) + column) * size) : fill;
                    if (size == 3)
                        (target[0], target[1], target[2]) = (from[0], from[1], from[2]);
                    else if (size == 1)
                        *target = *from;
                    else
                        Unsafe.CopyBlockUnaligned(target, from, (uint)size);
                }
            }
        }
    }

    private static void PickProjected(Image image, in WayBack back, Image result, ReadOnlySpan<byte> outside)
    {
        var size = image.PixelSize();
        for (var y = 0; y < result.Height; y++)
        {
            var row = result.Bytes.AsSpan(y * result.Width * size, result.Width * size);
            for (var x = 0; x < result.Width; x++)
            {
                var (atX, atY) = back.Of(x + 0.5, y + 0.5);
                var inside = atX >= 0 && atX < image.Width && atY >= 0 && atY < image.Height;
                (inside ? image.Bytes.AsSpan(((((int)atY) * image.Width) + (int)atX) * size, size) : outside).CopyTo(row[(x * size)..]);
            }
        }
    }

    private static long Fixed(double pixels) => (long)Math.Floor((Math.Clamp(pixels, -1e12, 1e12) * (1 << Bits)) + 0.5);

    /// <summary>Three bytes a pixel: those with all their neighbours in the image at once, the others one by one.</summary>
    private static unsafe void MixColors(Image image, in WayBack back, Image result, ReadOnlySpan<byte> outside, bool cubic)
    {
        var (before, taps, stride) = (cubic ? 1 : 0, cubic ? 4 : 2, image.Width * 3);
        var end = image.Bytes.Length - ((taps - 1) * (stride + 3)) - 4; // the last place that four bytes can be read from
        ReadOnlySpan<byte> source = image.Bytes;
        fixed (byte* pixels = image.Bytes)
        {
            for (var y = 0; y < result.Height; y++)
            {
                var row = result.Bytes.AsSpan(y * result.Width * 3, result.Width * 3);
                var (rowX, rowY) = (back.B * (y + 0.5), back.E * (y + 0.5));
                for (var x = 0; x < result.Width; x++)
                {
                    var (atX, atY) = back.IsAffine
                        ? ((back.A * (x + 0.5)) + rowX + back.C, (back.D * (x + 0.5)) + rowY + back.F)
                        : back.Of(x + 0.5, y + 0.5);
                    var target = row.Slice(x * 3, 3);
                    if (!(atX >= 0 && atX < image.Width && atY >= 0 && atY < image.Height))
                    {
                        outside.CopyTo(target);
                        continue;
                    }
                    var (left, top) = (Math.Floor(atX - 0.5), Math.Floor(atY - 0.5));
                    var (column, line) = ((int)left - before, (int)top - before);
                    var from = (line * stride) + (column * 3);
                    if (column < 0 || line < 0 || column + taps > image.Width || from > end)
                    {
                        Mix(image, source, atX, atY, cubic, target);
                        continue;
                    }
                    var mixed = cubic
                        ? PillowPixels.Cubic(pixels + from, stride, atX - 0.5 - left, atY - 0.5 - top)
                        : PillowPixels.Linear(pixels + from, stride, atX - 0.5 - left, atY - 0.5 - top);
                    (target[0], target[1], target[2]) = ((byte)mixed, (byte)(mixed >> 8), (byte)(mixed >> 16));
                }
            }
        }
    }

    private static void Mix<T>(Image image, in WayBack back, Image result, ReadOnlySpan<byte> outside, bool cubic)
        where T : unmanaged, INumber<T>
    {
        ReadOnlySpan<T> source = image.Pixels<T>();
        var size = outside.Length;
        for (var y = 0; y < result.Height; y++)
        {
            var row = result.Bytes.AsSpan(y * result.Width * size, result.Width * size);
            for (var x = 0; x < result.Width; x++)
            {
                var (atX, atY) = back.IsAffine
                    ? ((back.A * (x + 0.5)) + (back.B * (y + 0.5)) + back.C, (back.D * (x + 0.5)) + (back.E * (y + 0.5)) + back.F)
                    : back.Of(x + 0.5, y + 0.5);
                if (atX >= 0 && atX < image.Width && atY >= 0 && atY < image.Height)
                    Mix(image, source, atX, atY, cubic, MemoryMarshal.Cast<byte, T>(row.Slice(x * size, size)));
                else
                    outside.CopyTo(row[(x * size)..]);
            }
        }
    }

    /// <summary>One pixel of a place in the image.</summary>
    private static void Mix<T>(Image image, ReadOnlySpan<T> source, double atX, double atY, bool cubic, Span<T> target)
        where T : unmanaged, INumber<T>
    {
        Span<int> columns = stackalloc int[4],
            rows = stackalloc int[4];
        var (left, top) = (Math.Floor(atX - 0.5), Math.Floor(atY - 0.5));
        var (partX, partY) = (atX - 0.5 - left, atY - 0.5 - top);
        var before = cubic ? 1 : 0;
        Taps((int)left - before, image.Width, image.Channels, columns);
        Taps((int)top - before, image.Height, image.Width * image.Channels, rows);
        ReadOnlySpan<T> upper = source[rows[0]..],
            lower = source[rows[1]..];
        for (var c = 0; c < target.Length; c++)
        {
            if (cubic)
            {
                target[c] = Round<T>(Cubic(source[c..], columns, rows, partX, partY));
                continue;
            }
            var above = Between(Value(upper[columns[0] + c]), Value(upper[columns[1] + c]), partX);
            var below = Between(Value(lower[columns[0] + c]), Value(lower[columns[1] + c]), partX);
            target[c] = Round<T>(Between(above, below, partY));
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
