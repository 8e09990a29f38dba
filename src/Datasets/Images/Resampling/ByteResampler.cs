using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tessera.Datasets.Images.Resampling;

/// <summary>Resizes 8-bit images, rows first, then columns, with 8 bits between the two as in Pillow.</summary>
internal static unsafe class ByteResampler
{
    /// <summary>Bytes that a vector load may touch behind the last pixel it needs.</summary>
    private const int Slack = 32;

    /// <param name="source">Top left byte of the source view.</param>
    /// <param name="readable">Bytes that may be read from <paramref name="source"/> on.</param>
    /// <param name="stride">Bytes from one source row to the next.</param>
    /// <param name="target">[rows of <paramref name="vertical"/>, columns of <paramref name="horizontal"/>, channels].</param>
    public static void Resize(byte* source, long readable, int stride, int channels, ResampleKernel horizontal, ResampleKernel vertical, byte* target)
    {
        var rowBytes = horizontal.Length * channels;
        var firstRow = vertical.First;
        var rows = vertical.End - firstRow;
        var scratch = ArrayPool<byte>.Shared.Rent(rows * rowBytes + Slack);
        try
        {
            fixed (byte* middle = scratch)
            {
                Horizontal(source + (long)firstRow * stride, readable - (long)firstRow * stride, stride, rows, channels, horizontal, middle);
                Vertical(middle, firstRow, rows, rowBytes, new FixedPointKernel(vertical, 2), target);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }

    private static void Horizontal(byte* source, long readable, int stride, int rows, int channels, ResampleKernel kernel, byte* target)
    {
        var rowBytes = kernel.Length * channels;
        if (Avx2.IsSupported && channels is 1 or 3 or 4)
        {
            var group = channels == 1 ? 16 : 4;
            var weights = new FixedPointKernel(kernel, group);
            var lanes = channels == 1 ? weights.Weights : SpreadOverLanes(weights);
            var reach = ReachOf(weights, channels);
            var padded = ArrayPool<byte>.Shared.Rent((int)reach);
            fixed (short* lane = lanes)
            fixed (byte* copy = padded)
            fixed (int* starts = weights.Starts)
            {
                for (var y = 0; y < rows; y++)
                {
                    var from = source + (long)y * stride;
                    var left = readable - (long)y * stride;
                    if (left < reach)
                    {
                        // The last rows have no room behind them for whole vectors.
                        new Span<byte>(from, (int)left).CopyTo(new Span<byte>(copy, (int)reach));
                        from = copy;
                    }
                    if (channels == 1)
                        GrayRow(from, starts, weights, lane, target + (long)y * rowBytes);
                    else
                        ColorRow(from, channels, starts, weights, lane, target + (long)y * rowBytes);
                }
            }
            ArrayPool<byte>.Shared.Return(padded);
            return;
        }
        var plain = new FixedPointKernel(kernel, 1);
        for (var y = 0; y < rows; y++)
            PlainRow(source + (long)y * stride, channels, plain, kernel.Counts, target + (long)y * rowBytes);
    }

    /// <summary>Bytes from a row's begin that vector loads touch.</summary>
    private static long ReachOf(FixedPointKernel weights, int channels)
    {
        var last = 0;
        foreach (var start in weights.Starts)
            last = Math.Max(last, start);
        return (long)(last + weights.Taps) * channels + Slack;
    }

    /// <summary>Per target pixel and group of 4 taps: (w0, w1) four times, then (w2, w3) four times.</summary>
    private static short[] SpreadOverLanes(FixedPointKernel weights)
    {
        var spread = new short[weights.Weights.Length * 4];
        for (var i = 0; i < weights.Weights.Length; i += 4)
        {
            var group = spread.AsSpan(i * 4, 16);
            for (var lane = 0; lane < 4; lane++)
            {
                group[lane * 2] = weights.Weights[i];
                group[lane * 2 + 1] = weights.Weights[i + 1];
                group[8 + lane * 2] = weights.Weights[i + 2];
                group[8 + lane * 2 + 1] = weights.Weights[i + 3];
            }
        }
        return spread;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ColorRow(byte* source, int channels, int* starts, FixedPointKernel weights, short* lanes, byte* target)
    {
        const byte none = 0x80;
        // Two neighbouring taps of one channel stand side by side, ready for multiply and add.
        var shuffle = channels == 3
            ? Vector256.Create(0, none, 3, none, 1, none, 4, none, 2, none, 5, none, none, none, none, none,
                               6, none, 9, none, 7, none, 10, none, 8, none, 11, none, none, none, none, none)
            : Vector256.Create(0, none, 4, none, 1, none, 5, none, 2, none, 6, none, 3, none, 7, none,
                               8, none, 12, none, 9, none, 13, none, 10, none, 14, none, 11, none, 15, none);
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
            if (channels == 4 || x < last)
            {
                Unsafe.WriteUnaligned(target, value); // with 3 channels the next pixel covers the fourth byte
            }
            else
            {
                target[0] = (byte)value;
                target[1] = (byte)(value >> 8);
                target[2] = (byte)(value >> 16);
            }
            target += channels;
        }
    }

    private static void GrayRow(byte* source, int* starts, FixedPointKernel weights, short* lanes, byte* target)
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

    private static void PlainRow(byte* source, int channels, FixedPointKernel weights, int[] counts, byte* target)
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

    private static void Vertical(byte* middle, int firstRow, int rows, int rowBytes, FixedPointKernel weights, byte* target)
    {
        var taps = stackalloc byte*[Math.Min(weights.Taps, 1024)];
        var many = weights.Taps > 1024 ? new nint[weights.Taps] : null;
        fixed (nint* manyTaps = many)
        {
            var row = many is null ? taps : (byte**)manyTaps;
            for (var y = 0; y < weights.Length; y++)
            {
                for (var k = 0; k < weights.Taps; k++)
                    row[k] = middle + (long)Math.Min(weights.Starts[y] - firstRow + k, rows - 1) * rowBytes;
                Column(row, rowBytes, weights.Weights.AsSpan(y * weights.Taps, weights.Taps), weights.Bits, target + (long)y * rowBytes);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Column(byte** rows, int rowBytes, ReadOnlySpan<short> weights, int bits, byte* target)
    {
        var x = 0;
        if (Avx2.IsSupported && rowBytes >= 16)
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
        for (; x < rowBytes; x++)
        {
            var sum = 1 << (bits - 1);
            for (var k = 0; k < weights.Length; k++)
                sum += rows[k][x] * weights[k];
            target[x] = Clip(sum >> bits);
        }
    }

    private static byte Clip(int value) => (byte)Math.Clamp(value, 0, 255);
}
