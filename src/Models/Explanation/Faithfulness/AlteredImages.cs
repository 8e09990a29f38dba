using Tessera.Framework.Data;

namespace Tessera.Models.Explanation.Faithfulness;

/// <summary>Versions of one image in which a map's pixels are kept, removed or put back.</summary>
/// <param name="image">[C, H, W], normalised: 0 is the data's mean colour.</param>
public sealed class AlteredImages(float[] image, int height, int width)
{
    private readonly int _pixels = height * width;

    /// <summary>ROAD's shares of removed pixels: 0.1, 0.2, … 0.9.</summary>
    public static IReadOnlyList<double> Shares { get; } = [.. Enumerable.Range(1, 9).Select(i => i / 10.0)];

    /// <summary>Pixels from the highest value of a map to the lowest; which of two equal ones comes first is drawn, so that a map with
    /// large even areas is not read from top to bottom.</summary>
    public static int[] Order(ReadOnlySpan<float> map, RandomSource random)
    {
        var values = map.ToArray();
        return [.. random.Permutation(values.Length).OrderByDescending(i => values[i])]; // a stable sort
    }

    /// <summary>The image times a map, so that what the map doesn't show becomes the mean colour.</summary>
    /// <param name="map">[H * W], in [0, 1].</param>
    public float[] Masked(ReadOnlySpan<float> map)
    {
        var result = new float[image.Length];
        for (var i = 0; i < result.Length; i++)
            result[i] = image[i] * map[i % _pixels];
        return result;
    }

    /// <summary>The first pixels of an order removed and imputed.</summary>
    /// <param name="share">Of all pixels, below 1.</param>
    /// <param name="noise">Standard deviation, in units of the normalised image.</param>
    public float[] Imputed(ReadOnlySpan<int> order, double share, double noise, RandomSource random)
    {
        var removed = new bool[_pixels];
        foreach (var place in order[..Math.Min((int)Math.Round(share * _pixels), _pixels - 1)])
            removed[place] = true;
        var result = (float[])image.Clone();
        NoisyLinearImputation.Fill(result, height, width, removed, noise, random);
        return result;
    }

    /// <summary>The first pixels of an order are those of another image.</summary>
    /// <param name="share">Of all pixels.</param>
    /// <param name="other">[C, H, W].</param>
    public float[] Replaced(ReadOnlySpan<int> order, double share, float[] other)
    {
        var result = (float[])image.Clone();
        foreach (var place in order[..(int)Math.Round(share * _pixels)])
            for (var i = place; i < result.Length; i += _pixels)
                result[i] = other[i];
        return result;
    }

    /// <summary>The image after a Gaussian blur; at the borders the outermost pixels go on.</summary>
    /// <param name="deviation">In pixels; 0: the image itself.</param>
    public float[] Blurred(double deviation)
    {
        if (deviation <= 0)
            return (float[])image.Clone();
        var reach = (int)Math.Ceiling(3 * deviation);
        var kernel = Enumerable.Range(-reach, (2 * reach) + 1).Select(i => Math.Exp(-0.5 * i * i / (deviation * deviation))).ToArray();
        var sum = kernel.Sum();
        var (across, result) = (new float[image.Length], new float[image.Length]);
        for (var start = 0; start < image.Length; start += _pixels)
        {
            Along(image, across, start, columns: true);
            Along(across, result, start, columns: false);
        }
        return result;

        void Along(float[] from, float[] to, int start, bool columns)
        {
            for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                var value = 0.0;
                for (var k = -reach; k <= reach; k++)
                {
                    var (row, column) = columns ? (y, Math.Clamp(x + k, 0, width - 1)) : (Math.Clamp(y + k, 0, height - 1), x);
                    value += kernel[k + reach] * from[start + (row * width) + column];
                }
                to[start + (y * width) + x] = (float)(value / sum);
            }
        }
    }
}
