using System.Buffers;
using System.Numerics;

namespace Tessera.Datasets.Images.Resampling;

/// <summary>Resizes float images, rows first, then columns.</summary>
internal static class FloatResampler
{
    /// <param name="source">[rows, stride] with pixels of <paramref name="channels"/> values.</param>
    /// <param name="stride">Values from one source row to the next.</param>
    /// <param name="target">[rows of <paramref name="vertical"/>, columns of <paramref name="horizontal"/>, channels].</param>
    public static void Resize(
        ReadOnlySpan<float> source,
        int stride,
        int channels,
        ResampleKernel horizontal,
        ResampleKernel vertical,
        Span<float> target
    )
    {
        var rowLength = horizontal.Length * channels;
        var firstRow = vertical.First;
        var rows = vertical.End - firstRow;
        var middle = ArrayPool<float>.Shared.Rent(checked(rows * rowLength));
        for (var y = 0; y < rows; y++)
            Row(source[((y + firstRow) * stride)..], channels, horizontal, middle.AsSpan(y * rowLength, rowLength));
        for (var y = 0; y < vertical.Length; y++)
        {
            var output = target.Slice(y * rowLength, rowLength);
            output.Clear();
            for (var k = 0; k < vertical.Counts[y]; k++)
                AddScaled(
                    middle.AsSpan((vertical.Starts[y] - firstRow + k) * rowLength, rowLength),
                    (float)vertical.Weights[y * vertical.Taps + k],
                    output
                );
        }
        ArrayPool<float>.Shared.Return(middle);
    }

    private static void Row(ReadOnlySpan<float> source, int channels, ResampleKernel kernel, Span<float> target)
    {
        for (var x = 0; x < kernel.Length; x++)
        {
            var weights = kernel.Weights.AsSpan(x * kernel.Taps, kernel.Counts[x]);
            var pixels = source.Slice(kernel.Starts[x] * channels, weights.Length * channels);
            for (var c = 0; c < channels; c++)
            {
                var sum = 0.0;
                for (var k = 0; k < weights.Length; k++)
                    sum += pixels[k * channels + c] * weights[k];
                target[x * channels + c] = (float)sum;
            }
        }
    }

    /// <summary>sum += row * weight.</summary>
    internal static void AddScaled(ReadOnlySpan<float> row, float weight, Span<float> sum)
    {
        var i = 0;
        for (; i <= row.Length - Vector<float>.Count; i += Vector<float>.Count)
            (new Vector<float>(row[i..]) * weight + new Vector<float>(sum[i..])).CopyTo(sum[i..]);
        for (; i < row.Length; i++)
            sum[i] += row[i] * weight;
    }
}
