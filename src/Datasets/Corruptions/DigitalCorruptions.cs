using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Corruptions;

/// <summary>What files and processing do.</summary>
internal static class DigitalCorruptions
{
    private static readonly double[] s_pixelate = [0.6, 0.5, 0.4, 0.3, 0.25],
        s_elastic = [250 * 0.05, 250 * 0.065, 250 * 0.085, 250 * 0.1, 250 * 0.12];

    private static readonly int[] s_jpeg = [25, 18, 15, 10, 7];

    /// <param name="severity">From 1.</param>
    public static Image Jpeg(Image image, int severity)
    {
        var decoded = ImageCodec.Decode(
            ImageCodec.EncodeJpeg(image, s_jpeg[severity - 1]),
            "the image as JPEG",
            new DecodeOptions(image.Channels == 1 ? ColorType.Grayscale : ColorType.Color)
        );
        return decoded;
    }

    /// <param name="severity">From 1.</param>
    public static Image Pixelate(Image image, int severity)
    {
        var (height, width) = (
            Math.Max(1, (int)(image.Height * s_pixelate[severity - 1])),
            Math.Max(1, (int)(image.Width * s_pixelate[severity - 1]))
        );
        var small = Resampler.Resize(image, height, width, Interpolation.Box);
        return Resampler.Resize(small, image.Height, image.Width, Interpolation.Nearest);
    }

    /// <summary>Every pixel is taken from a place nearby, smoothly.</summary>
    public static Raster Elastic(Raster image, int level, RandomSource random)
    {
        var (height, width) = (image.Height, image.Width);
        var most = height * 0.005; // of the height, for columns too
        var sideways = Moves();
        var down = Moves();
        return image.MapPlanes(plane =>
        {
            var moved = new double[plane.Length];
            for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                var at = (y * width) + x;
                moved[at] = Sample(plane, height, width, y + down[at], x + sideways[at]);
            }
            return moved;
        });

        double[] Moves()
        {
            var noise = Raster.Filled(height * width, () => random.Uniform(-most, most));
            var smooth = Planes.Gaussian(noise, height, width, (height * 0.01, width * 0.01), cutOff: 3, mirrored: true);
            return Array.ConvertAll(smooth, value => value * s_elastic[level]);
        }
    }

    private static double Sample(double[] plane, int height, int width, double y, double x)
    {
        var (top, left) = ((int)Math.Floor(y), (int)Math.Floor(x));
        var (fy, fx) = (y - top, x - left);
        return (At(top, left) * (1 - fy) * (1 - fx))
            + (At(top, left + 1) * (1 - fy) * fx)
            + (At(top + 1, left) * fy * (1 - fx))
            + (At(top + 1, left + 1) * fy * fx);

        double At(int row, int column) => plane[(Planes.Doubled(row, height) * width) + Planes.Doubled(column, width)];
    }
}
