using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tessera.Datasets.Images.Color;

/// <summary>The vector loops of <see cref="Hsv"/>: 16 pixels at a time, their channels taken apart and put together again.</summary>
internal static class HsvVectors
{
    private const int Block = 48; // bytes of 16 pixels

    /// <returns>The bytes that were converted; the rest, less than a block, is the caller's.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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
            Vector128<byte> hue,
                saturation;
            if (level == SimdLevel.Avx2)
            {
                var (h0, s0) = HsvFormulas.FromRgb(Low(red), Low(green), Low(blue));
                var (h1, s1) = HsvFormulas.FromRgb(High(red), High(green), High(blue));
                (hue, saturation) = (Bytes(h0, h1), Bytes(s0, s1));
            }
            else
            {
                var (h0, s0) = HsvFormulas.FromRgb(First(red), First(green), First(blue));
                var (h1, s1) = HsvFormulas.FromRgb(Second(red), Second(green), Second(blue));
                var (h2, s2) = HsvFormulas.FromRgb(Third(red), Third(green), Third(blue));
                var (h3, s3) = HsvFormulas.FromRgb(Fourth(red), Fourth(green), Fourth(blue));
                (hue, saturation) = (Bytes(h0, h1, h2, h3), Bytes(s0, s1, s2, s3));
            }
            Join(hue, saturation, Vector128.Max(red, Vector128.Max(green, blue)), ref Unsafe.Add(ref to, i));
        }
        return end;
    }

    /// <inheritdoc cref="FromRgb(ReadOnlySpan{byte}, Span{byte}, SimdLevel)"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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
            if (level == SimdLevel.Avx2)
            {
                var (r0, g0, b0) = HsvFormulas.ToRgb(Low(hue), Low(saturation), Low(value));
                var (r1, g1, b1) = HsvFormulas.ToRgb(High(hue), High(saturation), High(value));
                Join(Bytes(r0, r1), Bytes(g0, g1), Bytes(b0, b1), ref Unsafe.Add(ref to, i));
            }
            else
            {
                var (r0, g0, b0) = HsvFormulas.ToRgb(First(hue), First(saturation), First(value));
                var (r1, g1, b1) = HsvFormulas.ToRgb(Second(hue), Second(saturation), Second(value));
                var (r2, g2, b2) = HsvFormulas.ToRgb(Third(hue), Third(saturation), Third(value));
                var (r3, g3, b3) = HsvFormulas.ToRgb(Fourth(hue), Fourth(saturation), Fourth(value));
                Join(Bytes(r0, r1, r2, r3), Bytes(g0, g1, g2, g3), Bytes(b0, b1, b2, b3), ref Unsafe.Add(ref to, i));
            }
        }
        return end;
    }

    private static Vector256<float> Low(Vector128<byte> bytes) => Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(bytes));

    private static Vector256<float> High(Vector128<byte> bytes) =>
        Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(Sse2.ShiftRightLogical128BitLane(bytes, 8)));

    private static Vector128<byte> Bytes(Vector256<float> low, Vector256<float> high)
    {
        var (a, b) = (Vector256.ConvertToInt32Native(low), Vector256.ConvertToInt32Native(high));
        return Simd.ToBytes(a.GetLower(), a.GetUpper(), b.GetLower(), b.GetUpper());
    }

    private static Vector128<float> First(Vector128<byte> bytes) => Floats(Vector128.WidenLower(Vector128.WidenLower(bytes)));

    private static Vector128<float> Second(Vector128<byte> bytes) => Floats(Vector128.WidenUpper(Vector128.WidenLower(bytes)));

    private static Vector128<float> Third(Vector128<byte> bytes) => Floats(Vector128.WidenLower(Vector128.WidenUpper(bytes)));

    private static Vector128<float> Fourth(Vector128<byte> bytes) => Floats(Vector128.WidenUpper(Vector128.WidenUpper(bytes)));

    private static Vector128<float> Floats(Vector128<uint> values) => Vector128.ConvertToSingle(values.AsInt32());

    private static Vector128<byte> Bytes(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d) =>
        Simd.ToBytes(
            Vector128.ConvertToInt32Native(a),
            Vector128.ConvertToInt32Native(b),
            Vector128.ConvertToInt32Native(c),
            Vector128.ConvertToInt32Native(d)
        );

    // A channel's 16 bytes lie 3 apart in 48: their places, modulo 16, are all different. So one vector holds them all, chosen from
    // three, and one shuffle sorts them.
    private static Vector128<byte> Thirds => Vector128.Create(0xFF, 0, 0, 0xFF, 0, 0, 0xFF, 0, 0, 0xFF, 0, 0, 0xFF, 0, 0, (byte)0xFF);
    private static Vector128<byte> ThirdsLater => Vector128.Create(0, 0xFF, 0, 0, 0xFF, 0, 0, 0xFF, 0, 0, 0xFF, 0, 0, 0xFF, 0, (byte)0);
    private static Vector128<byte> ThirdsLast => Vector128.Create(0, 0, 0xFF, 0, 0, 0xFF, 0, 0, 0xFF, 0, 0, 0xFF, 0, 0, 0xFF, (byte)0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Split(ref byte pixels, out Vector128<byte> first, out Vector128<byte> second, out Vector128<byte> third)
    {
        var a = Vector128.LoadUnsafe(ref pixels);
        var b = Vector128.LoadUnsafe(ref pixels, 16);
        var c = Vector128.LoadUnsafe(ref pixels, 32);
        first = Vector128.ConditionalSelect(Thirds, a, Vector128.ConditionalSelect(ThirdsLast, b, c));
        second = Vector128.ConditionalSelect(ThirdsLater, a, Vector128.ConditionalSelect(Thirds, b, c));
        third = Vector128.ConditionalSelect(ThirdsLast, a, Vector128.ConditionalSelect(ThirdsLater, b, c));
        first = Vector128.ShuffleNative(first, Vector128.Create((byte)0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14, 1, 4, 7, 10, 13));
        second = Vector128.ShuffleNative(second, Vector128.Create((byte)1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14));
        third = Vector128.ShuffleNative(third, Vector128.Create((byte)2, 5, 8, 11, 14, 1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Join(Vector128<byte> first, Vector128<byte> second, Vector128<byte> third, ref byte pixels)
    {
        first = Vector128.ShuffleNative(first, Vector128.Create((byte)0, 11, 6, 1, 12, 7, 2, 13, 8, 3, 14, 9, 4, 15, 10, 5));
        second = Vector128.ShuffleNative(second, Vector128.Create((byte)5, 0, 11, 6, 1, 12, 7, 2, 13, 8, 3, 14, 9, 4, 15, 10));
        third = Vector128.ShuffleNative(third, Vector128.Create((byte)10, 5, 0, 11, 6, 1, 12, 7, 2, 13, 8, 3, 14, 9, 4, 15));
        Vector128.ConditionalSelect(Thirds, first, Vector128.ConditionalSelect(ThirdsLater, second, third)).StoreUnsafe(ref pixels);
        Vector128.ConditionalSelect(ThirdsLast, first, Vector128.ConditionalSelect(Thirds, second, third)).StoreUnsafe(ref pixels, 16);
        Vector128.ConditionalSelect(ThirdsLater, first, Vector128.ConditionalSelect(ThirdsLast, second, third)).StoreUnsafe(ref pixels, 32);
    }
}
