using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tessera.Datasets.Images.Resampling;

/// <summary>One row of 8-bit pixels by fixed-point weights. Weights of vector loops are laid out as <see cref="ByteResampler"/>
/// does.</summary>
internal static unsafe class ResampleRows
{
    private const byte None = 0x80; // a shuffle writes 0 there

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ColorAvx2(byte* source, int channels, int* starts, FixedPointKernel weights, short* lanes, byte* target)
    {
        // Two neighbouring taps of one channel stand side by side, ready for multiply and add.
        var shuffle = channels == 3 ? PairsOfThree() : PairsOfFour();
        var groups = weights.Taps / 4;
        var step = 4 * channels;
        var round = Vector128.Create(1 << (weights.Bits - 1));
        var shift = Vector128.CreateScalar(weights.Bits);
        var last = weights.Length - 1;
        for (var x = 0; x <= last; x++)
        {
            var pixels = source + starts[x] * channels;
            var sum = Vector256<int>.Zero;
            for (var g = 0; g < groups; g++)
            {
                var taps = Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(pixels), shuffle).AsInt16();
                sum = Avx2.Add(sum, Avx2.MultiplyAddAdjacent(taps, Vector256.Load(lanes)));
                pixels += step;
                lanes += 16;
            }
            var total = Sse2.Add(Sse2.Add(sum.GetLower(), sum.GetUpper()), round);
            var words = Sse2.PackSignedSaturate(Sse2.ShiftRightArithmetic(total, shift.AsInt32()), Vector128<int>.Zero);
            var value = Sse2.PackUnsignedSaturate(words, words).AsUInt32().ToScalar();
            Store(value, channels == 4 || x < last, target);
            target += channels;
        }
    }

    /// <inheritdoc cref="ColorAvx2"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ColorVector128(byte* source, int channels, int* starts, FixedPointKernel weights, short* lanes, byte* target)
    {
        const byte none = 0xFF;
        var first =
            channels == 3
                ? Vector128.Create(0, none, 3, none, 1, none, 4, none, 2, none, 5, none, none, none, none, none)
                : Vector128.Create(0, none, 4, none, 1, none, 5, none, 2, none, 6, none, 3, none, 7, none);
        var second =
            channels == 3
                ? Vector128.Create(6, none, 9, none, 7, none, 10, none, 8, none, 11, none, none, none, none, none)
                : Vector128.Create(8, none, 12, none, 9, none, 13, none, 10, none, 14, none, 11, none, 15, none);
        var groups = weights.Taps / 4;
        var step = 4 * channels;
        var bits = weights.Bits;
        var round = Vector128.Create(1 << (bits - 1));
        var last = weights.Length - 1;
        for (var x = 0; x <= last; x++)
        {
            var pixels = source + starts[x] * channels;
            var sum = round;
            for (var g = 0; g < groups; g++)
            {
                var taps = Vector128.Load(pixels);
                sum += Simd.AddProducts(Vector128.ShuffleNative(taps, first).AsInt16(), Vector128.Load(lanes));
                sum += Simd.AddProducts(Vector128.ShuffleNative(taps, second).AsInt16(), Vector128.Load(lanes + 8));
                pixels += step;
                lanes += 16;
            }
            var value = Simd.LowBytes(Vector128.Clamp(sum >> bits, Vector128<int>.Zero, Vector128.Create(255)));
            Store(value, channels == 4 || x < last, target);
            target += channels;
        }
    }

    /// <summary>Stores a pixel; with 3 channels the next one covers the fourth byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(uint value, bool whole, byte* target)
    {
        if (whole)
        {
            Unsafe.WriteUnaligned(target, value);
            return;
        }
        target[0] = (byte)value;
        target[1] = (byte)(value >> 8);
        target[2] = (byte)(value >> 16);
    }

    public static void GrayAvx2(byte* source, int* starts, FixedPointKernel weights, short* lanes, byte* target)
    {
        var groups = weights.Taps / 16;
        var round = 1 << (weights.Bits - 1);
        for (var x = 0; x < weights.Length; x++)
        {
            var pixels = source + starts[x];
            var sum = Vector256<int>.Zero;
            for (var g = 0; g < groups; g++)
            {
                sum = Avx2.Add(sum, Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(pixels), Vector256.Load(lanes)));
                pixels += 16;
                lanes += 16;
            }
            target[x] = Clip((Vector256.Sum(sum) + round) >> weights.Bits);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void GrayVector128(byte* source, int* starts, FixedPointKernel weights, short* lanes, byte* target)
    {
        var groups = weights.Taps / 8;
        var round = 1 << (weights.Bits - 1);
        for (var x = 0; x < weights.Length; x++)
        {
            var pixels = source + starts[x];
            var sum = Vector128<int>.Zero;
            for (var g = 0; g < groups; g++)
            {
                var taps = Vector128.WidenLower(Vector128.CreateScalar(Unsafe.ReadUnaligned<ulong>(pixels)).AsByte()).AsInt16();
                sum += Simd.AddProducts(taps, Vector128.Load(lanes));
                pixels += 8;
                lanes += 8;
            }
            target[x] = Clip((Vector128.Sum(sum) + round) >> weights.Bits);
        }
    }

    public static void Plain(byte* source, int channels, FixedPointKernel weights, int[] counts, byte* target)
    {
        var round = 1 << (weights.Bits - 1);
        for (var x = 0; x < weights.Length; x++)
        {
            var pixels = source + (long)weights.Starts[x] * channels;
            var row = weights.Weights.AsSpan(x * weights.Taps, counts[x]);
            for (var c = 0; c < channels; c++)
            {
                var sum = round;
                for (var k = 0; k < row.Length; k++)
                    sum += pixels[k * channels + c] * row[k];
                *target++ = Clip(sum >> weights.Bits);
            }
        }
    }

    internal static byte Clip(int value) => (byte)Math.Clamp(value, 0, 255);

    /// <summary>The bytes of two times two pixels of 3 channels, each channel's two side by side in 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> PairsOfThree() =>
        Vector256.Create(
            0,
            None,
            3,
            None,
            1,
            None,
            4,
            None,
            2,
            None,
            5,
            None,
            None,
            None,
            None,
            None,
            6,
            None,
            9,
            None,
            7,
            None,
            10,
            None,
            8,
            None,
            11,
            None,
            None,
            None,
            None,
            None
        );

    /// <summary>The bytes of two times two pixels of 4 channels, each channel's two side by side in 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> PairsOfFour() =>
        Vector256.Create(
            0,
            None,
            4,
            None,
            1,
            None,
            5,
            None,
            2,
            None,
            6,
            None,
            3,
            None,
            7,
            None,
            8,
            None,
            12,
            None,
            9,
            None,
            13,
            None,
            10,
            None,
            14,
            None,
            11,
            None,
            15,
            None
        );
}
