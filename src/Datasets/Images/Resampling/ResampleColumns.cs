using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tessera.Datasets.Images.Resampling;

/// <summary>One row of 8-bit values as the weighted sum of several.</summary>
internal static unsafe class ResampleColumns
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Mix(byte** rows, int rowBytes, ReadOnlySpan<short> weights, int bits, byte* target, SimdLevel level)
    {
        var x = 0;
        if (level == SimdLevel.Avx2 && rowBytes >= 16)
        {
            var round = Vector256.Create(1 << (bits - 1));
            var shift = Vector128.CreateScalar(bits);
            while (x < rowBytes)
            {
                x = Math.Min(x, rowBytes - 16);
                var low = round;
                var high = round;
                for (var k = 0; k < weights.Length; k += 2)
                {
                    var pair = Vector256.Create((ushort)weights[k] | weights[k + 1] << 16).AsInt16();
                    var a = Vector128.Load(rows[k] + x);
                    var b = Vector128.Load(rows[k + 1] + x);
                    low = Avx2.Add(low, Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(Sse2.UnpackLow(a, b)), pair));
                    high = Avx2.Add(high, Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(Sse2.UnpackHigh(a, b)), pair));
                }
                var words = Avx2.PackSignedSaturate(Avx2.ShiftRightArithmetic(low, shift), Avx2.ShiftRightArithmetic(high, shift));
                words = Avx2.Permute4x64(words.AsInt64(), 0b11_01_10_00).AsInt16();
                Sse2.PackUnsignedSaturate(words.GetLower(), words.GetUpper()).Store(target + x);
                x += 16;
            }
            return;
        }
        if (level == SimdLevel.Vector128 && rowBytes >= 16)
        {
            MixVector128(rows, rowBytes, weights, bits, target);
            return;
        }
        for (; x < rowBytes; x++)
        {
            var sum = 1 << (bits - 1);
            for (var k = 0; k < weights.Length; k++)
                sum += rows[k][x] * weights[k];
            target[x] = ResampleRows.Clip(sum >> bits);
        }
    }

    /// <summary>Four sums of four bytes each: one for each byte of 32 bits, so that nothing has to change its place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MixVector128(byte** rows, int rowBytes, ReadOnlySpan<short> weights, int bits, byte* target)
    {
        var round = Vector128.Create(1 << (bits - 1));
        var (low, high) = (Vector128<int>.Zero, Vector128.Create(255));
        for (var x = 0; x < rowBytes; x += 16)
        {
            x = Math.Min(x, rowBytes - 16);
            var (a, b, c, d) = (round, round, round, round);
            for (var k = 0; k < weights.Length; k += 2)
            {
                // Two rows' bytes side by side in 16 bits each: one product for both.
                var pair = Vector128.Create((ushort)weights[k] | weights[k + 1] << 16).AsInt16();
                var (first, second) = (Vector128.Load(rows[k] + x).AsUInt32(), Vector128.Load(rows[k + 1] + x).AsUInt32());
                var (even, odd) = (Vector128.Create(0x0000_00FFu), Vector128.Create(0x00FF_0000u));
                a += Simd.AddProducts((first & even | (second << 16) & odd).AsInt16(), pair);
                b += Simd.AddProducts(((first >>> 8) & even | (second << 8) & odd).AsInt16(), pair);
                c += Simd.AddProducts(((first >>> 16) & even | second & odd).AsInt16(), pair);
                d += Simd.AddProducts(((first >>> 24) | (second >>> 8) & odd).AsInt16(), pair);
            }
            a = Vector128.Clamp(a >> bits, low, high) | Vector128.Clamp(b >> bits, low, high) << 8;
            a |= Vector128.Clamp(c >> bits, low, high) << 16 | Vector128.Clamp(d >> bits, low, high) << 24;
            a.AsByte().Store(target + x);
        }
    }
}
