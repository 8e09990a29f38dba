using Tessera.Framework.Data;

namespace Tessera.Datasets.Corruptions;

/// <summary>Ice on the window: needles with side branches over a haze, drawn in code.</summary>
/// <remarks>The benchmark lays photographs of ice over the image, which are not part of Tessera; strength and share of the image are the
/// benchmark's. Figures under frost therefore compare with each other, not with published ones.</remarks>
internal static class FrostCorruption
{
    private static readonly (double Keep, double Ice)[] s_levels = [(1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)];
    private static readonly double[] s_tint = [0.86, 0.94, 1];

    private const double Haze = 0.35,
        PixelsPerNeedle = 2500,
        Branching = Math.PI / 3;

    private const int Depth = 3;

    public static Raster Apply(Raster image, int level, RandomSource random)
    {
        var (keep, strength) = s_levels[level];
        var ice = Ice(image.Height, image.Width, random);
        var values = new double[image.Values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var (pixel, channel) = Math.DivRem(i, image.Channels);
            values[i] = (keep * image.Values[i]) + (strength * ice[pixel] * (image.Channels == 1 ? 0.93 : s_tint[channel]));
        }
        return image with { Values = values };
    }

    /// <returns>[height * width], from 0 to 1.</returns>
    private static double[] Ice(int height, int width, RandomSource random)
    {
        var side = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(height, width));
        var haze = WeatherCorruptions.Fractal(side, 1.8, random);
        var needles = new double[height * width];
        var longest = Math.Min(height, width) / 2.5;
        var count = Math.Max(3, (int)(height * width / PixelsPerNeedle));
        for (var i = 0; i < count; i++)
            Needle(
                needles,
                (height, width),
                (random.Uniform(0, height), random.Uniform(0, width)),
                random.Uniform(0, 2 * Math.PI),
                random.Uniform(0.3, 1) * longest,
                Depth,
                random
            );
        needles = Planes.Gaussian(needles, height, width, 0.6);
        for (var i = 0; i < needles.Length; i++)
        {
            var (y, x) = Math.DivRem(i, width);
            needles[i] = Math.Min(1, (Haze * haze[(y * side) + x]) + needles[i]);
        }
        return needles;
    }

    private static void Needle(
        double[] plane,
        (int Height, int Width) size,
        (double Y, double X) start,
        double angle,
        double length,
        int depth,
        RandomSource random
    )
    {
        var (dy, dx) = (Math.Sin(angle), Math.Cos(angle));
        var spacing = Math.Max(4, length / 6);
        var next = spacing;
        for (var along = 0.0; along < length; along += 0.5)
        {
            var (y, x) = ((int)(start.Y + (along * dy)), (int)(start.X + (along * dx)));
            if (y < 0 || y >= size.Height || x < 0 || x >= size.Width)
                return;
            var at = (y * size.Width) + x;
            plane[at] = Math.Max(plane[at], 0.35 + (0.5 * (1 - (along / length))));
            if (depth == 0 || along < next)
                continue;
            next += spacing * random.Uniform(0.7, 1.3);
            foreach (var turn in (double[])[-Branching, Branching])
                Needle(plane, size, (y, x), angle + turn, (length - along) * random.Uniform(0.3, 0.6), depth - 1, random);
        }
    }
}
