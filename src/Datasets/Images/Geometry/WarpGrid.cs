using System.Buffers;
using System.Numerics;

namespace Tessera.Datasets.Images.Geometry;

/// <summary>Where each pixel of a warped image comes from, in 1/1024 of a source pixel, as OpenCV's warpAffine keeps it.</summary>
/// <remarks>
/// A pixel's place is the sum of a part of its row and a part of its column, each rounded for itself. The latter grows or falls
/// along a row, so the columns that come from within a rectangle are a run, found by bisection; loops over it check nothing.
/// </remarks>
internal sealed class WarpGrid : IDisposable
{
    /// <summary>Fraction bits of a place.</summary>
    public const int Bits = 10;

    /// <summary>Fraction bits that choose the weights: 1/32 pixel.</summary>
    public const int PhaseBits = 5;

    private readonly int _width;
    private readonly double _xByX,
        _xByY,
        _yByX,
        _yByY,
        _x,
        _y;
    private readonly int _half;

    /// <param name="forward">Source point to target point, pixel corners at integers.</param>
    /// <param name="nearest">Round to whole pixels instead of 1/32.</param>
    /// <exception cref="ArgumentException">The map can't be inverted.</exception>
    public WarpGrid(Matrix3x2 forward, int height, int width, bool nearest)
    {
        double a = forward.M11,
            b = forward.M12,
            c = forward.M21,
            d = forward.M22;
        var determinant = a * d - b * c;
        if (!double.IsFinite(1 / determinant) || !float.IsFinite(forward.M31) || !float.IsFinite(forward.M32))
            throw new ArgumentException($"{forward} can't be inverted.", nameof(forward));
        (_xByX, _xByY, _yByX, _yByY) = (d / determinant, -c / determinant, -b / determinant, a / determinant);
        // Pixel centres: the target's lie at (x + 0.5, y + 0.5), the source's index is its centre less 0.5.
        var (left, top) = (0.5 - forward.M31, 0.5 - forward.M32);
        (_x, _y) = (_xByX * left + _xByY * top - 0.5, _yByX * left + _yByY * top - 0.5);
        _half = 1 << (Bits - 1 - (nearest ? 0 : PhaseBits));
        _width = width;
        (ByX, ByY) = (ArrayPool<long>.Shared.Rent(width), ArrayPool<long>.Shared.Rent(width));
        for (var x = 0; x < width; x++)
            (ByX[x], ByY[x]) = (Fixed(_xByX * x), Fixed(_yByX * x));
    }

    /// <summary>The columns' parts of the source's x, [width] or longer.</summary>
    public long[] ByX { get; }

    /// <summary>The columns' parts of the source's y, [width] or longer.</summary>
    public long[] ByY { get; }

    /// <summary>The row's part of the source's x, with half a step for rounding.</summary>
    public long RowX { get; private set; }

    /// <summary>The row's part of the source's y, with half a step for rounding.</summary>
    public long RowY { get; private set; }

    public void BeginRow(int y) => (RowX, RowY) = (Fixed(_xByY * y + _x) + _half, Fixed(_yByY * y + _y) + _half);

    /// <summary>The row's columns whose source pixel lies between these, inclusive.</summary>
    public (int Begin, int End) Columns(int left, int right, int top, int bottom)
    {
        var (begin, end) = (0, _width);
        Cut(ByX, _xByX < 0, ((long)left << Bits) - RowX, ((right + 1L) << Bits) - RowX, ref begin, ref end);
        Cut(ByY, _yByX < 0, ((long)top << Bits) - RowY, ((bottom + 1L) << Bits) - RowY, ref begin, ref end);
        return (begin, end);
    }

    public void Dispose()
    {
        ArrayPool<long>.Shared.Return(ByX);
        ArrayPool<long>.Shared.Return(ByY);
    }

    // Far outside any image; sums of two still fit 64 bits.
    private static long Fixed(double pixels) => (long)Math.Clamp(Math.Round(pixels * (1 << Bits)), -(1L << 50), 1L << 50);

    /// <summary>Keeps those columns of begin .. end whose value is in low .. high, high excluded.</summary>
    private static void Cut(long[] values, bool falling, long low, long high, ref int begin, ref int end)
    {
        var sign = falling ? -1 : 1; // falling values, negated, rise
        begin = First(values, sign, begin, end, falling ? 1 - high : low);
        end = First(values, sign, begin, end, falling ? 1 - low : high);
    }

    /// <summary>The first of begin .. end from which on value * sign is at least a bound.</summary>
    private static int First(long[] values, int sign, int begin, int end, long bound)
    {
        while (begin < end)
        {
            var middle = (begin + end) >>> 1;
            if (values[middle] * sign >= bound)
                end = middle;
            else
                begin = middle + 1;
        }
        return begin;
    }
}
