using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tessera.Datasets.Images.Geometry;

/// <summary>Mixes pixels of three bytes as <see cref="PillowWarp"/> does, all channels at once in double precision: the same operations
/// in the same order, hence the same pixels.</summary>
internal static unsafe class PillowPixels
{
    /// <summary>Whether this processor has what it takes.</summary>
    public static bool IsSupported => Avx.IsSupported;

    /// <param name="from">The upper left one of four pixels; four bytes can be read at each.</param>
    /// <param name="stride">Bytes from a row to the next.</param>
    /// <param name="x">The place among them, 0 .. 1.</param>
    /// <returns>A pixel in the three lower bytes.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Linear(byte* from, nint stride, double x, double y)
    {
        var across = Vector256.Create(x);
        var (a, c) = (Load(from), Load(from + stride));
        var above = a + ((Load(from + 3) - a) * across);
        var below = c + ((Load(from + stride + 3) - c) * across);
        return Bytes(above + ((below - above) * Vector256.Create(y)));
    }

    /// <param name="from">The upper left one of sixteen pixels; four bytes can be read at each.</param>
    /// <inheritdoc cref="Linear"/>
    public static uint Cubic(byte* from, nint stride, double x, double y)
    {
        var (across, down) = (Vector256.Create(x), Vector256.Create(y));
        var mixed = Cubic(
            Row(from, across),
            Row(from + stride, across),
            Row(from + (2 * stride), across),
            Row(from + (3 * stride), across),
            down
        );
        return Bytes(Vector256.Min(Vector256.Max(mixed, Vector256<double>.Zero), Vector256.Create(255.0)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<double> Row(byte* from, Vector256<double> x) =>
        Cubic(Load(from), Load(from + 3), Load(from + 6), Load(from + 9), x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<double> Cubic(
        Vector256<double> a,
        Vector256<double> b,
        Vector256<double> c,
        Vector256<double> d,
        Vector256<double> x
    )
    {
        var first = c - a;
        var second = ((a - b) * Vector256.Create(2.0)) + c - d;
        var third = b - a - c + d;
        return b + (x * (first + (x * (second + (x * third)))));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<double> Load(byte* from) => Avx.ConvertToVector256Double(Sse41.ConvertToVector128Int32(from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Bytes(Vector256<double> values) => Simd.LowBytes(Avx.ConvertToVector128Int32WithTruncation(values));
}
