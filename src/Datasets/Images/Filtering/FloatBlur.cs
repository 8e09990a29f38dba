using System.Buffers;
using System.Numerics;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Filtering;

/// <summary>Blurs images of 16 bits or floats: along the rows, then columns, of which as many rows are kept as the kernel has.</summary>
internal static class FloatBlur
{
    /// <param name="weights">[odd], sum 1.</param>
    public static void Blur<T>(Image image, double[] weights, Image result)
        where T : unmanaged, INumber<T>
    {
        var (size, radius, row, channels) = (weights.Length, weights.Length / 2, image.Width * image.Channels, image.Channels);
        var source = image.Pixels<T>();
        var target = result.Pixels<T>();
        var ring = ArrayPool<float>.Shared.Rent(checked(size * row));
        var padded = ArrayPool<float>.Shared.Rent(checked(row + 2 * radius * channels));
        var sum = ArrayPool<float>.Shared.Rent(row);
        try
        {
            var done = 0; // rows that were blurred along
            for (var y = 0; y < image.Height; y++)
            {
                for (; done < image.Height && done <= y + radius; done++)
                    Along(source.Slice(done * row, row), weights, channels, padded, ring.AsSpan(done % size * row, row));
                var output = sum.AsSpan(0, row);
                output.Clear();
                for (var k = 0; k < size; k++)
                    FloatResampler.AddScaled(
                        ring.AsSpan(Math.Clamp(y + k - radius, 0, image.Height - 1) % size * row, row),
                        (float)weights[k],
                        output
                    );
                var pixels = target.Slice(y * row, row);
                for (var x = 0; x < row; x++)
                {
                    pixels[x] =
                        typeof(T) == typeof(ushort)
                            ? T.CreateTruncating((ushort)(int)Math.Clamp(output[x] + 0.5f, 0, ushort.MaxValue))
                            : T.CreateTruncating(output[x]);
                }
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(ring);
            ArrayPool<float>.Shared.Return(padded);
            ArrayPool<float>.Shared.Return(sum);
        }
    }

    private static void Along<T>(ReadOnlySpan<T> source, double[] weights, int channels, Span<float> padded, Span<float> target)
        where T : unmanaged, INumber<T>
    {
        var pad = weights.Length / 2 * channels;
        for (var x = 0; x < source.Length; x++)
            padded[pad + x] = float.CreateTruncating(source[x]);
        for (var i = pad - 1; i >= 0; i--)
            padded[i] = padded[i + channels];
        for (var i = pad + source.Length; i < source.Length + 2 * pad; i++)
            padded[i] = padded[i - channels];
        target.Clear();
        for (var k = 0; k < weights.Length; k++)
            FloatResampler.AddScaled(padded.Slice(k * channels, target.Length), (float)weights[k], target);
    }
}
