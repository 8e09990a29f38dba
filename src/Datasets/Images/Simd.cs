using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tessera.Datasets.Images;

/// <summary>The instructions that pixel loops are written for. Every level gives the same pixels.</summary>
internal enum SimdLevel
{
    /// <summary>Plain C#.</summary>
    Scalar,

    /// <summary>Vectors of 128 bits: ARM, and x86 without AVX2.</summary>
    Vector128,

    /// <summary>Vectors of 256 bits.</summary>
    Avx2,
}

/// <summary>Choice of instructions, and the vector operations that .NET's cross-platform interface lacks.</summary>
internal static class Simd
{
    /// <summary>The fastest level of this processor. The byte shuffles are written for little-endian machines.</summary>
    public static SimdLevel Best { get; } =
        !BitConverter.IsLittleEndian || !Vector128.IsHardwareAccelerated ? SimdLevel.Scalar
        : Avx2.IsSupported ? SimdLevel.Avx2
        : SimdLevel.Vector128;

    /// <summary>a[2i] * b[2i] + a[2i + 1] * b[2i + 1], in 32 bits. One instruction on x86.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> AddProducts(Vector128<short> a, Vector128<short> b) =>
        Sse2.IsSupported ? Sse2.MultiplyAddAdjacent(a, b) : AddProductsPortable(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<int> AddProductsPortable(Vector128<short> a, Vector128<short> b)
    {
        var (x, y) = (a.AsInt32(), b.AsInt32());
        return ((x << 16) >> 16) * ((y << 16) >> 16) + (x >> 16) * (y >> 16);
    }

    /// <summary>a[2i] * b[2i] + a[2i + 1] * b[2i + 1], in 16 bits.</summary>
    /// <param name="b">Weights of at most 127, whose pairs sum to at most 128: larger sums would be cut on x86, wrap elsewhere.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<short> AddProducts(Vector128<byte> a, Vector128<byte> b) =>
        Ssse3.IsSupported ? Ssse3.MultiplyAddAdjacent(a, b.AsSByte()) : AddProductsPortable(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<short> AddProductsPortable(Vector128<byte> a, Vector128<byte> b)
    {
        var low = Vector128.Create((ushort)0xFF);
        var (x, y) = (a.AsUInt16(), b.AsUInt16());
        return ((x & low) * (y & low) + (x >>> 8) * (y >>> 8)).AsInt16();
    }

    /// <summary>The lowest bytes of four values that lie in 0 .. 255.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LowBytes(Vector128<int> values) =>
        Vector128
            .Shuffle(values.AsByte(), Vector128.Create((byte)0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12))
            .AsUInt32()
            .ToScalar();

    /// <summary>Sixteen values cut to 0 .. 255.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ToBytes(Vector128<int> a, Vector128<int> b, Vector128<int> c, Vector128<int> d) =>
        Sse2.IsSupported
            ? Sse2.PackUnsignedSaturate(Sse2.PackSignedSaturate(a, b), Sse2.PackSignedSaturate(c, d))
            : ToBytesPortable(a, b, c, d);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<byte> ToBytesPortable(Vector128<int> a, Vector128<int> b, Vector128<int> c, Vector128<int> d)
    {
        var (low, high) = (Vector128<int>.Zero, Vector128.Create(255));
        var ab = Vector128.Narrow(Vector128.Clamp(a, low, high).AsUInt32(), Vector128.Clamp(b, low, high).AsUInt32());
        var cd = Vector128.Narrow(Vector128.Clamp(c, low, high).AsUInt32(), Vector128.Clamp(d, low, high).AsUInt32());
        return Vector128.Narrow(ab, cd);
    }
}
