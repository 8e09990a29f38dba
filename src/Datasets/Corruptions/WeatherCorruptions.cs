using Tessera.Framework.Data;

namespace Tessera.Datasets.Corruptions;

/// <summary>What falls or hangs in the air.</summary>
internal static class WeatherCorruptions
{
    /// <summary>How snow looks: mean and deviation of the noise that flakes are made of, their size, the least that is one, their motion's
    /// length and softness, and how much of the image's colour stays.</summary>
    private static readonly (double Mean, double Deviation, double Size, double Least, int Radius, double Sigma, double Keep)[] s_snow =
    [
        (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
        (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
        (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
        (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
        (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
    ];

    private static readonly (double Strength, double Decay)[] s_fog = [(1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)];

    public static Raster Snow(Raster image, int level, RandomSource random)
    {
        var c = s_snow[level];
        var (height, width) = (image.Height, image.Width);
        var noise = Raster.Filled(height * width, () => c.Mean + (c.Deviation * random.Normal()));
        var (flakes, rows, columns) = Planes.Enlarged(noise, height, width, c.Size);
        flakes = Array.ConvertAll(flakes, value => value < c.Least ? 0 : Math.Clamp(value, 0, 1));
        flakes = Planes.Motion(flakes, rows, columns, c.Radius, c.Sigma, random.Uniform(-135, -45));
        flakes = Array.ConvertAll(flakes, value => Math.Round(value * 255) / 255);
        var values = new double[image.Values.Length];
        for (var y = 0; y < height; y++)
        for (var x = 0; x < width; x++)
        {
            var at = ((y * width) + x) * image.Channels;
            var gray = (Gray(image, at) * 1.5) + 0.5;
            var fallen = flakes[(y * columns) + x] + flakes[((height - 1 - y) * columns) + width - 1 - x];
            for (var channel = 0; channel < image.Channels; channel++)
            {
                var value = image.Values[at + channel];
                values[at + channel] = (c.Keep * value) + ((1 - c.Keep) * Math.Max(value, gray)) + fallen;
            }
        }
        return image with { Values = values };
    }

    public static Raster Fog(Raster image, int level, RandomSource random)
    {
        var (strength, decay) = s_fog[level];
        var side = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(image.Height, image.Width));
        var mist = Fractal(side, decay, random);
        var brightest = image.Values.Max();
        var values = new double[image.Values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var (y, x) = Math.DivRem(i / image.Channels, image.Width);
            values[i] = (image.Values[i] + (strength * mist[(y * side) + x])) * brightest / (brightest + strength);
        }
        return image with { Values = values };
    }

    /// <summary>A landscape of heights by the diamond-square method, its ends joined.</summary>
    /// <param name="side">A power of 2.</param>
    /// <param name="decay">By how much less the finer bumps rise.</param>
    /// <returns>[side * side], from 0 to 1.</returns>
    internal static double[] Fractal(int side, double decay, RandomSource random)
    {
        var map = new double[side * side];
        var bump = 100.0;
        for (var step = side; step >= 2; step /= 2, bump /= decay)
        {
            var (half, count) = (step / 2, side / step);
            Fill(half, half, (y, x) => At(y, x) + At(y, x + step) + At(y + step, x) + At(y + step, x + step));
            Fill(0, half, (y, x) => At(y + half, x + half) + At(y - half, x + half) + At(y, x) + At(y, x + step));
            Fill(half, 0, (y, x) => At(y + half, x + half) + At(y + half, x - half) + At(y, x) + At(y + step, x));

            // From (y, x), the upper left corner of each square, to the point that lies so far from it.
            void Fill(int down, int right, Func<int, int, double> around)
            {
                var found = new double[count * count];
                for (var i = 0; i < found.Length; i++)
                    found[i] = (around(i / count * step, i % count * step) / 4) + (bump * random.Uniform(-bump, bump));
                for (var i = 0; i < found.Length; i++)
                    map[(((i / count * step) + down) * side) + (i % count * step) + right] = found[i];
            }
        }
        var (low, high) = (map.Min(), map.Max());
        return Array.ConvertAll(map, height => high > low ? (height - low) / (high - low) : 0);

        double At(int y, int x) => map[((y + side) % side * side) + ((x + side) % side)];
    }

    internal static double Gray(Raster image, int at) =>
        image.Channels == 1
            ? image.Values[at]
            : (0.299 * image.Values[at]) + (0.587 * image.Values[at + 1]) + (0.114 * image.Values[at + 2]);
}
