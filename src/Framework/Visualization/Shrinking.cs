using Tessera.Framework.Data;

namespace Tessera.Framework.Visualization;

/// <summary>Makes images smaller: each pixel is the mean of all that it stands for, so that fine patterns don't turn into coarse
/// ones.</summary>
internal static class Shrinking
{
    /// <summary>The image in as many pixels as it is shown in; along a side that isn't made shorter it stays as it is.</summary>
    /// <param name="image">Any type.</param>
    /// <param name="height">Pixels that it is shown in; the part of one counts as one.</param>
    /// <param name="width">As the height.</param>
    /// <returns>8-bit RGB, or the image itself.</returns>
    internal static Image To(Image image, double height, double width)
    {
        var (rows, columns) = (Count(image.Height, height), Count(image.Width, width));
        if (rows == image.Height && columns == image.Width)
            return image;
        image = Photograph.Of(image);
        if (columns < image.Width)
            image = Along(image, columns, horizontal: true);
        return rows < image.Height ? Along(image, rows, horizontal: false) : image;
    }

    private static int Count(int length, double shown) =>
        shown > 0 && shown < length ? Math.Max(1, (int)Math.Ceiling(shown - 1e-9)) : length;

    private static Image Along(Image image, int count, bool horizontal)
    {
        var result = horizontal ? new Image(image.Height, count, 3) : new Image(count, image.Width, 3);
        var (length, lines) = horizontal ? (image.Width, image.Height) : (image.Height, image.Width);
        var (from, to) = horizontal ? (3, 3) : (3 * image.Width, 3 * image.Width);
        var (fromLine, toLine) = horizontal ? (3 * image.Width, 3 * count) : (3, 3);
        for (var i = 0; i < count; i++)
        {
            var (first, weights) = Weights(i, length, count);
            for (var line = 0; line < lines; line++)
            for (var channel = 0; channel < 3; channel++)
            {
                var sum = 0f;
                for (var k = 0; k < weights.Length; k++)
                    sum += weights[k] * image.Bytes[line * fromLine + (first + k) * from + channel];
                result.Bytes[line * toLine + i * to + channel] = (byte)(sum + 0.5f);
            }
        }
        return result;
    }

    /// <summary>A triangle about the pixel's middle that reaches to its neighbours' middles; the weights add up to 1.</summary>
    private static (int First, float[] Weights) Weights(int index, int length, int count)
    {
        var ratio = (double)length / count;
        var middle = (index + 0.5) * ratio;
        var first = Math.Max(0, (int)Math.Floor(middle - ratio));
        var last = Math.Min(length - 1, (int)Math.Ceiling(middle + ratio) - 1);
        var weights = new double[last - first + 1];
        for (var k = 0; k < weights.Length; k++)
            weights[k] = Math.Max(0, 1 - Math.Abs(first + k + 0.5 - middle) / ratio);
        var sum = weights.Sum();
        return (first, [.. weights.Select(weight => (float)(weight / sum))]);
    }
}
