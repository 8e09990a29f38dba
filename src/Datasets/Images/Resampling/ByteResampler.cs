using System.Buffers;

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
    /// <param name="level">What the processor can do. All levels give the same pixels.</param>
    public static void Resize(
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
        var rowBytes = horizontal.Length * channels;
        var firstRow = vertical.First;
        var rows = vertical.End - firstRow;
        var scratch = ArrayPool<byte>.Shared.Rent(rows * rowBytes + Slack);
        try
        {
            fixed (byte* middle = scratch)
            {
                Horizontal(
                    source + (long)firstRow * stride,
                    readable - (long)firstRow * stride,
                    stride,
                    rows,
                    channels,
                    horizontal,
                    middle,
                    level
                );
                Vertical(middle, firstRow, rows, rowBytes, new FixedPointKernel(vertical, 2), target, level);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }

    private static void Horizontal(
        byte* source,
        long readable,
        int stride,
        int rows,
        int channels,
        ResampleKernel kernel,
        byte* target,
        SimdLevel level
    )
    {
        var rowBytes = kernel.Length * channels;
        if (level == SimdLevel.Scalar || channels is not (1 or 3 or 4))
        {
            var plain = new FixedPointKernel(kernel, 1);
            for (var y = 0; y < rows; y++)
                ResampleRows.Plain(source + (long)y * stride, channels, plain, kernel.Counts, target + (long)y * rowBytes);
            return;
        }
        var weights = new FixedPointKernel(
            kernel,
            channels > 1 ? 4
                : level == SimdLevel.Avx2 ? 16
                : 8
        );
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
                var to = target + (long)y * rowBytes;
                Row(from, channels, starts, weights, lane, to, level);
            }
        }
        ArrayPool<byte>.Shared.Return(padded);
    }

    private static void Row(byte* source, int channels, int* starts, FixedPointKernel weights, short* lanes, byte* target, SimdLevel level)
    {
        switch (channels, level)
        {
            case (1, SimdLevel.Avx2):
                ResampleRows.GrayAvx2(source, starts, weights, lanes, target);
                break;
            case (1, _):
                ResampleRows.GrayVector128(source, starts, weights, lanes, target);
                break;
            case (_, SimdLevel.Avx2):
                ResampleRows.ColorAvx2(source, channels, starts, weights, lanes, target);
                break;
            default:
                ResampleRows.ColorVector128(source, channels, starts, weights, lanes, target);
                break;
        }
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

    private static void Vertical(
        byte* middle,
        int firstRow,
        int rows,
        int rowBytes,
        FixedPointKernel weights,
        byte* target,
        SimdLevel level
    )
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
                ResampleColumns.Mix(
                    row,
                    rowBytes,
                    weights.Weights.AsSpan(y * weights.Taps, weights.Taps),
                    weights.Bits,
                    target + (long)y * rowBytes,
                    level
                );
            }
        }
    }
}
