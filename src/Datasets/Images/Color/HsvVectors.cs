using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tessera.Datasets.Images.Color;

/// <summary>The vector loops of <see cref="Hsv"/>: 16 pixels at a time, their channels taken apart and put together again.</summary>
internal static class HsvVectors
{
    private const int Block = 48; // bytes of 16 pixels

    private const byte X = 0xFF; // nothing

    /// <returns>The bytes that were converted; the rest, less than a block, is the caller's.</returns>
    public static int FromRgb(ReadOnlySpan<byte> source, Span<byte> target, SimdLevel level)
    {
        if (level == SimdLevel.Scalar)
            return 0;
        ref var from = ref MemoryMarshal.GetReference(source);
        ref var to = ref MemoryMarshal.GetReference(target);
        var end = Math.Min(source.Length, target.Length) / Block * Block;
        for (var i = 0; i < end; i += Block)
        {
            Split(ref Unsafe.Add(ref from, i), out var red, out var green, out var blue);
            var (h0, s0) = FromRgb(Low(red), Low(green), Low(blue));
            var (h1, s1) = FromRgb(High(red), High(green), High(blue));
            Join(Bytes(h0, h1), Bytes(s0, s1), Vector128.Max(red, Vector128.Max(green, blue)), ref Unsafe.Add(ref to, i));
        }
        return end;
    }

    /// <inheritdoc cref="FromRgb(ReadOnlySpan{byte}, Span{byte}, SimdLevel)"/>
    public static int ToRgb(ReadOnlySpan<byte> source, Span<byte> target, SimdLevel level)
    {
        if (level == SimdLevel.Scalar)
            return 0;
        ref var from = ref MemoryMarshal.GetReference(source);
        ref var to = ref MemoryMarshal.GetReference(target);
        var end = Math.Min(source.Length, target.Length) / Block * Block;
        for (var i = 0; i < end; i += Block)
        {
            Split(ref Unsafe.Add(ref from, i), out var hue, out var saturation, out var value);
            var (r0, g0, b0) = ToRgb(Low(hue), Low(saturation), Low(value));
            var (r1, g1, b1) = ToRgb(High(hue), High(saturation), High(value));
            Join(Bytes(r0, r1), Bytes(g0, g1), Bytes(b0, b1), ref Unsafe.Add(ref to, i));
        }
        return end;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float> Hue, Vector256<float> Saturation) FromRgb(Vector256<float> red, Vector256<float> green, Vector256<float> blue)
    {
        var value = Vector256.Max(red, Vector256.Max(green, blue));
        var range = value - Vector256.Min(red, Vector256.Min(green, blue));
        var sixths = Vector256.ConditionalSelect(Vector256.Equals(value, red), green - blue,
            Vector256.ConditionalSelect(Vector256.Equals(value, green), blue - red + range * 2f, red - green + range * 4f));
        var hue = Ratio(sixths, Hsv.HueScale, range);
        hue += Vector256.LessThan(hue, Vector256<float>.Zero) & Vector256.Create(256f);
        return (hue, Ratio(range, Hsv.SaturationScale, value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Ratio(Vector256<float> dividend, float scale, Vector256<float> divisor)
    {
        var half = Vector256.Create(0.5f);
        var reciprocal = Vector256.Floor(Vector256.Create(scale) / Vector256.Max(divisor, Vector256<float>.One) + half);
        return Vector256.Floor(dividend * reciprocal * Hsv.Fraction + half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float> Red, Vector256<float> Green, Vector256<float> Blue) ToRgb(Vector256<float> hue, Vector256<float> saturation, Vector256<float> value)
    {
        hue *= Hsv.HueStep;
        var range = saturation * value;
        value += Vector256.Create(0.5f);
        var (one, two) = (Vector256<float>.One, Vector256.Create(2f));
        var red = Unit(two - Vector256.Abs(hue - Vector256.Create(3f)));
        var green = Unit(Vector256.Abs(hue - two) - one);
        var blue = Unit(Vector256.Abs(hue - Vector256.Create(4f)) - one);
        const float step = 1f / 255;
        return (value - range * red * step, value - range * green * step, value - range * blue * step);
    }

    private static Vector256<float> Unit(Vector256<float> value) => Vector256.Min(Vector256.Max(value, Vector256<float>.Zero), Vector256<float>.One);

    private static Vector256<float> Low(Vector128<byte> bytes) => Floats(Vector128.WidenLower(bytes));

    private static Vector256<float> High(Vector128<byte> bytes) => Floats(Vector128.WidenUpper(bytes));

    private static Vector256<float> Floats(Vector128<ushort> words) =>
        Vector256.ConvertToSingle(Vector256.Create(Vector128.WidenLower(words), Vector128.WidenUpper(words)).AsInt32());

    private static Vector128<byte> Bytes(Vector256<float> low, Vector256<float> high)
    {
        var (a, b) = (Vector256.ConvertToInt32Native(low), Vector256.ConvertToInt32Native(high));
        return Simd.ToBytes(a.GetLower(), a.GetUpper(), b.GetLower(), b.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Split(ref byte pixels, out Vector128<byte> first, out Vector128<byte> second, out Vector128<byte> third)
    {
        var a = Vector128.LoadUnsafe(ref pixels);
        var b = Vector128.LoadUnsafe(ref pixels, 16);
        var c = Vector128.LoadUnsafe(ref pixels, 32);
        first = Vector128.ShuffleNative(a, Vector128.Create(0, 3, 6, 9, 12, 15, X, X, X, X, X, X, X, X, X, X))
            | Vector128.ShuffleNative(b, Vector128.Create(X, X, X, X, X, X, 2, 5, 8, 11, 14, X, X, X, X, X))
            | Vector128.ShuffleNative(c, Vector128.Create(X, X, X, X, X, X, X, X, X, X, X, 1, 4, 7, 10, 13));
        second = Vector128.ShuffleNative(a, Vector128.Create(1, 4, 7, 10, 13, X, X, X, X, X, X, X, X, X, X, X))
            | Vector128.ShuffleNative(b, Vector128.Create(X, X, X, X, X, 0, 3, 6, 9, 12, 15, X, X, X, X, X))
            | Vector128.ShuffleNative(c, Vector128.Create(X, X, X, X, X, X, X, X, X, X, X, 2, 5, 8, 11, 14));
        third = Vector128.ShuffleNative(a, Vector128.Create(2, 5, 8, 11, 14, X, X, X, X, X, X, X, X, X, X, X))
            | Vector128.ShuffleNative(b, Vector128.Create(X, X, X, X, X, 1, 4, 7, 10, 13, X, X, X, X, X, X))
            | Vector128.ShuffleNative(c, Vector128.Create(X, X, X, X, X, X, X, X, X, X, 0, 3, 6, 9, 12, 15));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Join(Vector128<byte> first, Vector128<byte> second, Vector128<byte> third, ref byte pixels)
    {
        (Vector128.ShuffleNative(first, Vector128.Create(0, X, X, 1, X, X, 2, X, X, 3, X, X, 4, X, X, 5))
            | Vector128.ShuffleNative(second, Vector128.Create(X, 0, X, X, 1, X, X, 2, X, X, 3, X, X, 4, X, X))
            | Vector128.ShuffleNative(third, Vector128.Create(X, X, 0, X, X, 1, X, X, 2, X, X, 3, X, X, 4, X))).StoreUnsafe(ref pixels);
        (Vector128.ShuffleNative(first, Vector128.Create(X, X, 6, X, X, 7, X, X, 8, X, X, 9, X, X, 10, X))
            | Vector128.ShuffleNative(second, Vector128.Create(5, X, X, 6, X, X, 7, X, X, 8, X, X, 9, X, X, 10))
            | Vector128.ShuffleNative(third, Vector128.Create(X, 5, X, X, 6, X, X, 7, X, X, 8, X, X, 9, X, X))).StoreUnsafe(ref pixels, 16);
        (Vector128.ShuffleNative(first, Vector128.Create(X, 11, X, X, 12, X, X, 13, X, X, 14, X, X, 15, X, X))
            | Vector128.ShuffleNative(second, Vector128.Create(X, X, 11, X, X, 12, X, X, 13, X, X, 14, X, X, 15, X))
            | Vector128.ShuffleNative(third, Vector128.Create(10, X, X, 11, X, X, 12, X, X, 13, X, X, 14, X, X, 15))).StoreUnsafe(ref pixels, 32);
    }
}
