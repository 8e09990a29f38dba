using Tessera.Framework.Data;

namespace Tessera.Datasets.Corruptions;

/// <summary>Drops of water (severity 1 to 3) or mud on the lens.</summary>
internal static class SpatterCorruption
{
    private static readonly (double Mean, double Deviation, double Sigma, double Least, double Strength, bool Mud)[] s_levels =
    [
        (0.65, 0.3, 4, 0.69, 0.6, false),
        (0.65, 0.3, 3, 0.68, 0.6, false),
        (0.65, 0.3, 2, 0.68, 0.5, false),
        (0.65, 0.3, 1, 0.65, 1.5, true),
        (0.67, 0.4, 1, 0.65, 1.5, true),
    ];

    private static readonly double[] s_water = [175 / 255.0, 238 / 255.0, 238 / 255.0],
        s_mud = [63 / 255.0, 42 / 255.0, 20 / 255.0];

    public static Raster Apply(Raster image, int level, RandomSource random)
    {
        var c = s_levels[level];
        var (height, width) = (image.Height, image.Width);
        var noise = Raster.Filled(height * width, () => c.Mean + (c.Deviation * random.Normal()));
        var liquid = Planes.Gaussian(noise, height, width, c.Sigma);
        liquid = Array.ConvertAll(liquid, value => value < c.Least ? 0 : value);
        return c.Mud ? Mud(image, liquid, c.Least, c.Strength) : Water(image, liquid, c.Strength);
    }

    private static Raster Mud(Raster image, double[] liquid, double least, double sigma)
    {
        var cover = Planes.Gaussian(Array.ConvertAll(liquid, value => value > least ? 1.0 : 0), image.Height, image.Width, sigma);
        cover = Array.ConvertAll(cover, value => value < 0.8 ? 0 : value);
        return Over(image, s_mud, i => cover[i], i => 1 - cover[i]);
    }

    private static Raster Water(Raster image, double[] liquid, double strength)
    {
        var drops = Array.ConvertAll(liquid, value => (byte)(value * 255));
        var light = DropLight.Of(drops, image.Height, image.Width);
        var cover = drops.Zip(light, (drop, shine) => (double)drop * shine).ToArray();
        var most = cover.Max();
        return most == 0 ? image : Over(image, s_water, i => cover[i] / most * strength, _ => 1);
    }

    private static Raster Over(Raster image, double[] color, Func<int, double> added, Func<int, double> kept)
    {
        var values = new double[image.Values.Length];
        var gray = (0.2989 * color[0]) + (0.587 * color[1]) + (0.114 * color[2]);
        for (var i = 0; i < values.Length; i++)
        {
            var (pixel, channel) = Math.DivRem(i, image.Channels);
            values[i] = (image.Values[i] * kept(pixel)) + ((image.Channels == 1 ? gray : color[channel]) * added(pixel));
        }
        return image with { Values = values };
    }
}
