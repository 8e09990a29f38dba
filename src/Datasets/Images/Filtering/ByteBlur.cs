using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Filtering;

/// <summary>Blurs 8-bit images by a symmetric kernel of 8-bit weights: columns first, into 16 bits, then along the row.</summary>
/// <remarks>The sums are exact; only the end is rounded. Between the two the values, 0 .. 65280, are kept less 32768, so that signed
/// products take them.</remarks>
internal static unsafe class ByteBlur
{
    private const int Offset = 32768;

    // Half a step for rounding, and what the offset took away.
    private const int Bias = 32768 + Offset * GaussianKernel.Whole;

    /// <param name="weights">The middle's, then those of both sides; with both sides counted they sum to 256.</param>
    public static void Blur(Image image, int[] weights, Image result, SimdLevel level)
    {
        var (radius, row) = (weights.Length - 1, image.Width * image.Channels);
        if (radius == 0)
        {
            image.Bytes.CopyTo(result.Bytes, 0);
            return;
        }
        var pad = checked(radius * image.Channels);
        var column = ArrayPool<short>.Shared.Rent(checked(row + 2 * pad));
        var lines = ArrayPool<nint>.Shared.Rent(2 * radius + 1);
        try
        {
            fixed (
                byte* source = image.Bytes,
                    target = result.Bytes
            )
            fixed (short* padded = column)
            fixed (nint* taps = lines)
            fixed (int* weight = weights)
            {
                for (var y = 0; y < image.Height; y++)
                {
                    // Middle, one above, one below, two above, …
                    for (var k = 0; k <= 2 * radius; k++)
                        taps[k] = (nint)(source + (long)Math.Clamp(y + (k % 2 == 0 ? k / 2 : -(k + 1) / 2), 0, image.Height - 1) * row);
                    Down((byte**)taps, weight, radius, row, padded + pad, level);
                    Extend(padded, row, pad, image.Channels);
                    Along(padded + pad, weight, radius, image.Channels, row, target + (long)y * row, level);
                }
            }
        }
        finally
        {
            ArrayPool<short>.Shared.Return(column);
            ArrayPool<nint>.Shared.Return(lines);
        }
    }

    /// <summary>Repeats the first and the last pixel.</summary>
    private static void Extend(short* padded, int row, int pad, int channels)
    {
        for (var i = pad - 1; i >= 0; i--)
            padded[i] = padded[i + channels];
        for (var i = pad + row; i < row + 2 * pad; i++)
            padded[i] = padded[i - channels];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Down(byte** taps, int* weights, int radius, int row, short* target, SimdLevel level)
    {
        var x = 0;
        if (level == SimdLevel.Avx2 && row >= 32)
        {
            DownAvx2(taps, weights, radius, row, target);
            return;
        }
        if (level != SimdLevel.Scalar && row >= 16)
        {
            // The last vector begins earlier, so that it ends with the row.
            for (; x < row; x += 16)
            {
                x = Math.Min(x, row - 16);
                var middle = Vector128.Load(taps[0] + x);
                var low = Vector128.WidenLower(middle) * (ushort)weights[0];
                var high = Vector128.WidenUpper(middle) * (ushort)weights[0];
                for (var k = 1; k <= radius; k++)
                {
                    var (above, below) = (Vector128.Load(taps[2 * k - 1] + x), Vector128.Load(taps[2 * k] + x));
                    low += (Vector128.WidenLower(above) + Vector128.WidenLower(below)) * (ushort)weights[k];
                    high += (Vector128.WidenUpper(above) + Vector128.WidenUpper(below)) * (ushort)weights[k];
                }
                var flip = Vector128.Create(short.MinValue);
                (low.AsInt16() ^ flip).Store(target + x);
                (high.AsInt16() ^ flip).Store(target + x + 8);
            }
            return;
        }
        for (; x < row; x++)
        {
            var sum = taps[0][x] * weights[0];
            for (var k = 1; k <= radius; k++)
                sum += (taps[2 * k - 1][x] + taps[2 * k][x]) * weights[k];
            target[x] = (short)(sum - Offset);
        }
    }

    /// <summary>Pixels less 128 and weights make signed products in one instruction; as the weights sum to 256, the offset comes out by
    /// itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DownAvx2(byte** taps, int* weights, int radius, int row, short* target)
    {
        var flip = Vector256.Create((byte)0x80);
        for (var x = 0; x < row; x += 32)
        {
            x = Math.Min(x, row - 32);
            // The middle's weight is even: it counts as a pair, half each.
            var weight = Vector256.Create(weights[0] / 2 * 0x0101_0101).AsByte();
            var middle = Vector256.Load(taps[0] + x) ^ flip;
            var low = Avx2.MultiplyAddAdjacent(weight, Avx2.UnpackLow(middle, middle).AsSByte());
            var high = Avx2.MultiplyAddAdjacent(weight, Avx2.UnpackHigh(middle, middle).AsSByte());
            for (var k = 1; k <= radius; k++)
            {
                weight = Vector256.Create(weights[k] * 0x0101_0101).AsByte();
                var (above, below) = (Vector256.Load(taps[2 * k - 1] + x) ^ flip, Vector256.Load(taps[2 * k] + x) ^ flip);
                low += Avx2.MultiplyAddAdjacent(weight, Avx2.UnpackLow(above, below).AsSByte());
                high += Avx2.MultiplyAddAdjacent(weight, Avx2.UnpackHigh(above, below).AsSByte());
            }
            low.GetLower().Store(target + x); // the unpacked halves of each 16 bytes
            high.GetLower().Store(target + x + 8);
            low.GetUpper().Store(target + x + 16);
            high.GetUpper().Store(target + x + 24);
        }
    }

    /// <param name="source">A row of <see cref="Down"/>, with radius pixels on both sides.</param>
    private static void Along(short* source, int* weights, int radius, int channels, int row, byte* target, SimdLevel level)
    {
        if (level == SimdLevel.Avx2 && row >= 32)
        {
            AlongAvx2(source, weights, radius, channels, row, target);
        }
        else if (level != SimdLevel.Scalar && row >= 16)
        {
            AlongVector128(source, weights, radius, channels, row, target);
        }
        else
        {
            for (var x = 0; x < row; x++)
            {
                var sum = source[x] * weights[0] + Bias;
                for (var k = 1; k <= radius; k++)
                    sum += (source[x - k * channels] + source[x + k * channels]) * weights[k];
                target[x] = (byte)(sum >> 16);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AlongAvx2(short* source, int* weights, int radius, int channels, int row, byte* target)
    {
        var bias = Vector256.Create(Bias);
        for (var x = 0; x < row; x += 32)
        {
            x = Math.Min(x, row - 32);
            var weight = Vector256.Create(weights[0] / 2 * 0x0001_0001).AsInt16();
            var (first, second) = (Vector256.Load(source + x), Vector256.Load(source + x + 16));
            var a = bias + Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(first, first), weight);
            var b = bias + Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(first, first), weight);
            var c = bias + Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(second, second), weight);
            var d = bias + Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(second, second), weight);
            short* left = source + x - channels,
                right = source + x + channels;
            for (var k = 1; k <= radius; k++, left -= channels, right += channels)
            {
                weight = Vector256.Create(weights[k] * 0x0001_0001).AsInt16();
                var (before, behind) = (Vector256.Load(left), Vector256.Load(right));
                a += Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(before, behind), weight);
                b += Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(before, behind), weight);
                (before, behind) = (Vector256.Load(left + 16), Vector256.Load(right + 16));
                c += Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(before, behind), weight);
                d += Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(before, behind), weight);
            }
            var words = Avx2.PackUnsignedSaturate(Avx2.PackSignedSaturate(a >> 16, b >> 16), Avx2.PackSignedSaturate(c >> 16, d >> 16));
            Avx2.Permute4x64(words.AsInt64(), 0b11_01_10_00).AsByte().Store(target + x);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AlongVector128(short* source, int* weights, int radius, int channels, int row, byte* target)
    {
        for (var x = 0; x < row; x += 8)
        {
            x = Math.Min(x, row - 8);
            var middle = Vector128.Load(source + x);
            var low = Vector128.WidenLower(middle) * weights[0] + Vector128.Create(Bias);
            var high = Vector128.WidenUpper(middle) * weights[0] + Vector128.Create(Bias);
            short* left = source + x - channels,
                right = source + x + channels;
            for (var k = 1; k <= radius; k++, left -= channels, right += channels)
            {
                var (a, b) = (Vector128.Load(left), Vector128.Load(right));
                low += (Vector128.WidenLower(a) + Vector128.WidenLower(b)) * weights[k];
                high += (Vector128.WidenUpper(a) + Vector128.WidenUpper(b)) * weights[k];
            }
            var words = Vector128.Narrow(low >> 16, high >> 16).AsUInt16();
            Vector128.Narrow(words, words).GetLower().Store(target + x);
        }
    }
}
