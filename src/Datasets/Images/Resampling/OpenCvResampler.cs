using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Images.Resampling;

/// <summary>OpenCV's resize: no antialiasing but for <see cref="Interpolation.Box"/> (INTER_AREA). Any channel count and type.</summary>
/// <remarks>
/// Agrees with cv2.resize within 1 grey level, nearest exactly. 8-bit images: rows by 16-bit weights, columns in floats, rounded once;
/// OpenCV's weights have 11 bits.
/// </remarks>
public static class OpenCvResampler
{
    /// <param name="image">[H, W, C].</param>
    /// <param name="height">The result's rows.</param>
    /// <param name="width">The result's columns.</param>
    /// <param name="interpolation">Any but Hamming.</param>
    /// <returns>[height, width, C], of the image's type.</returns>
    /// <exception cref="UserErrorException">OpenCV has no such filter.</exception>
    public static Image Resize(Image image, int height, int width, Interpolation interpolation) =>
        Resize(image, height, width, interpolation, Simd.Best);

    internal static unsafe Image Resize(Image image, int height, int width, Interpolation interpolation, SimdLevel level)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        var shrinks = height <= image.Height && width <= image.Width;
        var horizontal = OpenCvKernel.Create(image.Width, width, interpolation, shrinks);
        var vertical = OpenCvKernel.Create(image.Height, height, interpolation, shrinks);
        if (image.Type != PixelType.UInt8 || interpolation == Interpolation.Nearest)
            return Resampler.Apply(image, 0, 0, horizontal, vertical, interpolation, level);
        var result = PixelLayout.Like(image, height, width);
        fixed (
            byte* source = image.Bytes,
                target = result.Bytes
        )
            ResizeBytes(source, image.Bytes.LongLength, image.Width * image.Channels, image.Channels, horizontal, vertical, target, level);
        return result;
    }

    private static unsafe void ResizeBytes(
        byte* source,
        long readable,
        int stride,
        int channels,
        ResampleKernel horizontal,
        ResampleKernel vertical,
        byte* target,
        SimdLevel level
    )
    {
        var rowLength = checked(horizontal.Length * channels);
        var ringStride = rowLength + 1; // three channels are stored as four floats
        var weights = new FixedPointKernel(horizontal, 2);
        var vectors = level != SimdLevel.Scalar && channels is 3 or 4;
        var reach = Reach(weights, channels);
        var ring = ArrayPool<float>.Shared.Rent(checked(vertical.Taps * ringStride));
        var padded = ArrayPool<byte>.Shared.Rent(reach);
        try
        {
            fixed (float* rows = ring)
            fixed (byte* copy = padded)
            {
                var done = 0; // source rows before this one are in the ring, or were never needed
                for (var y = 0; y < vertical.Length; y++)
                {
                    var (start, count) = (vertical.Starts[y], vertical.Counts[y]);
                    for (done = Math.Max(done, start); done < start + count; done++)
                    {
                        var from = source + (long)done * stride;
                        var left = readable - (long)done * stride;
                        if (left < reach && vectors)
                        {
                            // The last rows have no room behind them for whole vectors.
                            new Span<byte>(from, (int)left).CopyTo(new Span<byte>(copy, reach));
                            from = copy;
                        }
                        Row(from, channels, weights, horizontal.Counts, rows + (long)(done % vertical.Taps) * ringStride, vectors);
                    }
                    Column(rows, ringStride, vertical, y, 1f / (1 << weights.Bits), rowLength, target + (long)y * rowLength, level);
                }
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(ring);
            ArrayPool<byte>.Shared.Return(padded);
        }
    }

    /// <summary>Bytes from a row's begin that vector loads touch: 8 for each two taps.</summary>
    private static int Reach(FixedPointKernel weights, int channels)
    {
        var last = 0;
        foreach (var start in weights.Starts)
            last = Math.Max(last, start);
        return checked((last + weights.Taps) * channels + 8);
    }

    /// <param name="target">Sums, not yet divided by the weights' scale.</param>
    private static unsafe void Row(byte* source, int channels, FixedPointKernel weights, int[] counts, float* target, bool vectors)
    {
        fixed (short* all = weights.Weights)
        fixed (int* starts = weights.Starts)
        {
            if (vectors)
            {
                ColorRow(source, channels, starts, weights, (int*)all, target);
                return;
            }
            for (var x = 0; x < weights.Length; x++)
            {
                var pixels = source + (long)starts[x] * channels;
                var row = all + (long)x * weights.Taps;
                for (var c = 0; c < channels; c++)
                {
                    var sum = 0;
                    for (var k = 0; k < counts[x]; k++)
                        sum += pixels[k * channels + c] * row[k];
                    *target++ = sum;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void ColorRow(byte* source, int channels, int* starts, FixedPointKernel weights, int* pairs, float* target)
    {
        const byte none = 0xFF;
        // Two neighbouring taps of one channel stand side by side, ready for multiply and add.
        var shuffle =
            channels == 3
                ? Vector128.Create(0, none, 3, none, 1, none, 4, none, 2, none, 5, none, none, none, none, none)
                : Vector128.Create(0, none, 4, none, 1, none, 5, none, 2, none, 6, none, 3, none, 7, none);
        var (length, taps) = (weights.Length, weights.Taps / 2);
        for (var x = 0; x < length; x++)
        {
            var pixels = source + (long)starts[x] * channels;
            var sum = Vector128<int>.Zero;
            for (var k = 0; k < taps; k++)
            {
                var two = Vector128.CreateScalar(Unsafe.ReadUnaligned<ulong>(pixels)).AsByte();
                sum += Simd.AddProducts(Vector128.ShuffleNative(two, shuffle).AsInt16(), Vector128.Create(*pairs++).AsInt16());
                pixels += 2 * channels;
            }
            Vector128.ConvertToSingle(sum).Store(target);
            target += channels;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Column(
        float* rows,
        int stride,
        ResampleKernel kernel,
        int y,
        float scale,
        int length,
        byte* target,
        SimdLevel level
    )
    {
        var count = kernel.Counts[y];
        var taps = stackalloc float*[Math.Min(count, 64)];
        Span<float> weights = count <= 64 ? stackalloc float[count] : new float[count];
        var many = count > 64 ? new nint[count] : null;
        fixed (nint* manyTaps = many)
        {
            var lines = many is null ? taps : (float**)manyTaps;
            for (var k = 0; k < count; k++)
            {
                lines[k] = rows + (long)((kernel.Starts[y] + k) % kernel.Taps) * stride;
                weights[k] = (float)kernel.Weights[y * kernel.Taps + k] * scale;
            }
            if (level != SimdLevel.Scalar && length >= 16)
            {
                if (level == SimdLevel.Avx2)
                    ColumnAvx2(lines, weights, length, target);
                else
                    ColumnVector128(lines, weights, length, target);
                return;
            }
            for (var x = 0; x < length; x++)
            {
                var sum = 0f;
                for (var k = 0; k < count; k++)
                    sum += lines[k][x] * weights[k];
                target[x] = (byte)(Math.Clamp(sum, 0, 255) + 0.5f);
            }
        }
    }

    /// <summary>Sums of weighted lines, 16 values at a time; the last 16 may overlap those before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void ColumnAvx2(float** lines, ReadOnlySpan<float> weights, int length, byte* target)
    {
        for (var x = 0; x < length; x += 16)
        {
            x = Math.Min(x, length - 16);
            var (a, b) = (Vector256<float>.Zero, Vector256<float>.Zero);
            for (var k = 0; k < weights.Length; k++)
            {
                a += Vector256.Load(lines[k] + x) * weights[k];
                b += Vector256.Load(lines[k] + x + 8) * weights[k];
            }
            var (low, high) = (Cut(a), Cut(b));
            Simd.ToBytes(low.GetLower(), low.GetUpper(), high.GetLower(), high.GetUpper()).Store(target + x);
        }
    }

    /// <inheritdoc cref="ColumnAvx2"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void ColumnVector128(float** lines, ReadOnlySpan<float> weights, int length, byte* target)
    {
        for (var x = 0; x < length; x += 16)
        {
            x = Math.Min(x, length - 16);
            var (a, b, c, d) = (Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero);
            for (var k = 0; k < weights.Length; k++)
            {
                var line = lines[k] + x;
                a += Vector128.Load(line) * weights[k];
                b += Vector128.Load(line + 4) * weights[k];
                c += Vector128.Load(line + 8) * weights[k];
                d += Vector128.Load(line + 12) * weights[k];
            }
            Simd.ToBytes(Cut(a), Cut(b), Cut(c), Cut(d)).Store(target + x);
        }
    }

    private static Vector256<int> Cut(Vector256<float> sum) =>
        Vector256.ConvertToInt32Native(Vector256.ClampNative(sum, Vector256<float>.Zero, Vector256.Create(255f)) + Vector256.Create(0.5f));

    private static Vector128<int> Cut(Vector128<float> sum) =>
        Vector128.ConvertToInt32Native(Vector128.ClampNative(sum, Vector128<float>.Zero, Vector128.Create(255f)) + Vector128.Create(0.5f));
}
