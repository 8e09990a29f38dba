using Tessera.Framework.Data;

namespace Tessera.Datasets.Corruptions;

/// <summary>Optics that are out of focus, behind glass, or move.</summary>
internal static class BlurCorruptions
{
    private static readonly double[] s_gaussian = [1, 2, 3, 4, 6];
    private static readonly (int Radius, double Soft)[] s_defocus = [(3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)];
    private static readonly (double Sigma, int Reach, int Times)[] s_glass =
    [
        (0.7, 1, 2),
        (0.9, 2, 1),
        (1, 2, 3),
        (1.1, 3, 2),
        (1.5, 4, 2),
    ];
    private static readonly (int Radius, double Sigma)[] s_motion = [(10, 3), (15, 5), (15, 8), (15, 12), (20, 15)];
    private static readonly (double End, double Step)[] s_zoom = [(1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)];

    public static Raster Gaussian(Raster image, int level) =>
        image.MapPlanes(plane => Planes.Gaussian(plane, image.Height, image.Width, s_gaussian[level]));

    public static Raster Defocus(Raster image, int level)
    {
        var kernel = Disk(s_defocus[level].Radius, s_defocus[level].Soft);
        return image.MapPlanes(plane => Planes.Filter(plane, image.Height, image.Width, kernel));
    }

    public static Raster Motion(Raster image, int level, RandomSource random)
    {
        var angle = random.Uniform(-45, 45);
        var (radius, sigma) = s_motion[level];
        return image.MapPlanes(plane => Planes.Motion(plane, image.Height, image.Width, radius, sigma, angle));
    }

    /// <summary>Blurred, pixels strewn about, blurred again. A pixel takes its neighbour's value, and the neighbour keeps it.</summary>
    public static Raster Glass(Raster image, int level, RandomSource random)
    {
        var (sigma, reach, times) = s_glass[level];
        var (height, width, channels) = (image.Height, image.Width, image.Channels);
        var values = Blurred(image).Map(value => (byte)(Math.Clamp(value, 0, 1) * 255) / 255.0).Values;
        for (var time = 0; time < times; time++)
        for (var y = height - reach; y > reach; y--)
        for (var x = width - reach; x > reach; x--)
        {
            var (dx, dy) = (random.Next(-reach, reach), random.Next(-reach, reach));
            var (to, from) = (((y * width) + x) * channels, (((y + dy) * width) + x + dx) * channels);
            Array.Copy(values, from, values, to, channels);
        }
        return Blurred(image with { Values = values });

        Raster Blurred(Raster raster) => raster.MapPlanes(plane => Planes.Gaussian(plane, height, width, sigma));
    }

    /// <summary>The mean of the image and its enlargements.</summary>
    public static Raster Zoom(Raster image, int level)
    {
        var (end, step) = s_zoom[level];
        // as numpy.arange counts and steps
        var (count, delta) = ((int)Math.Ceiling((end - 1) / step), 1 + step - 1);
        return image.MapPlanes(plane =>
        {
            var sum = (double[])plane.Clone();
            for (var i = 0; i < count; i++)
            {
                var (layer, rows, columns) = Planes.Enlarged(plane, image.Height, image.Width, 1 + (i * delta));
                for (var y = 0; y < Math.Min(rows, image.Height); y++)
                for (var x = 0; x < Math.Min(columns, image.Width); x++)
                    sum[(y * image.Width) + x] += layer[(y * columns) + x];
            }
            return Array.ConvertAll(sum, value => value / (count + 1));
        });
    }

    /// <summary>A disk with a soft edge.</summary>
    private static double[,] Disk(int radius, double soft)
    {
        var (reach, blur) = radius <= 8 ? (8, 1) : (radius, 2);
        var size = (2 * reach) + 1;
        var disk = new double[size * size];
        for (var y = -reach; y <= reach; y++)
        for (var x = -reach; x <= reach; x++)
            disk[((y + reach) * size) + x + reach] = (y * y) + (x * x) <= radius * radius ? 1 : 0;
        var sum = disk.Sum();
        var weights = Enumerable.Range(-blur, (2 * blur) + 1).Select(i => Math.Exp(-(double)i * i / (2 * soft * soft))).ToArray();
        var whole = weights.Sum();
        var kernel = new double[weights.Length, weights.Length];
        for (var y = 0; y < weights.Length; y++)
        for (var x = 0; x < weights.Length; x++)
            kernel[y, x] = weights[y] * weights[x] / (whole * whole);
        var soften = Planes.Filter(disk, size, size, kernel);
        var result = new double[size, size];
        for (var i = 0; i < soften.Length; i++)
            result[i / size, i % size] = soften[i] / sum;
        return result;
    }
}
