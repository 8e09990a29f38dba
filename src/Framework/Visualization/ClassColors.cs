using Tessera.Framework.Data;

namespace Tessera.Framework.Visualization;

/// <summary>Colours for classes, the same each time.</summary>
public static class ClassColors
{
    private const int Steps = 12; // candidates along each of red, green and blue

    // Ten hues that are kept apart well, colour-blind readers included, and read on white and on photographs.
    private static readonly Rgb[] First =
    [
        .. new[] { 0x1f77b4, 0xff7f0e, 0x2ca02c, 0xd62728, 0x9467bd, 0x17becf, 0xe377c2, 0xbcbd22, 0x8c564b, 0xffd92f }.Select(
            Rgb.FromValue
        ),
    ];

    private static readonly Lock Gate = new();
    private static readonly List<Rgb> Known = [.. First];

    /// <summary>The colour of everything that is ignored or has no class.</summary>
    public static Rgb Ignored => new(224, 224, 192);

    /// <summary>Colours as far from one another as that many can be: each next one is the farthest (in Oklab) from all before it.</summary>
    /// <remarks>Björn Ottosson, "A perceptual color space for image processing", 2020.</remarks>
    public static Rgb[] Distinct(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        lock (Gate)
        {
            if (Known.Count < count)
                Extend(Math.Min(count, Steps * Steps * Steps / 2));
            return [.. Enumerable.Range(0, count).Select(i => Known[i % Known.Count])];
        }
    }

    /// <summary>The data's own colours where it has some, otherwise distinct ones.</summary>
    public static Rgb[] Of(DataInfo data) => data.Palette is { } palette ? [.. palette] : Distinct(data.Classes.Count);

    /// <summary>The palette of Pascal VOC: colour c spreads c's bits over the high bits of red, green and blue.</summary>
    public static Rgb[] Pascal(int count)
    {
        var colors = new Rgb[count];
        for (var c = 0; c < count; c++)
        {
            int red = 0,
                green = 0,
                blue = 0;
            for (int bits = c, shift = 7; bits > 0 && shift >= 0; bits >>= 3, shift--)
            {
                red |= (bits & 1) << shift;
                green |= ((bits >> 1) & 1) << shift;
                blue |= ((bits >> 2) & 1) << shift;
            }
            colors[c] = new((byte)red, (byte)green, (byte)blue);
        }
        return colors;
    }

    /// <summary>For index PNGs: 256 entries of red, green, blue; those beyond the colours, 255 among them, are
    /// <see cref="Ignored"/>.</summary>
    public static byte[] PaletteBytes(IReadOnlyList<Rgb> colors)
    {
        var bytes = new byte[768];
        for (var i = 0; i < 256; i++)
        {
            var color = i < colors.Count ? colors[i] : Ignored;
            (bytes[3 * i], bytes[3 * i + 1], bytes[3 * i + 2]) = (color.Red, color.Green, color.Blue);
        }
        return bytes;
    }

    private static void Extend(int count)
    {
        var candidates = new List<(Rgb Color, (double L, double A, double B) Lab)>();
        for (var r = 0; r < Steps; r++)
        for (var g = 0; g < Steps; g++)
        for (var b = 0; b < Steps; b++)
        {
            var color = new Rgb(Level(r), Level(g), Level(b));
            var lab = Lab(color);
            if (lab.L is > 0.4 and < 0.93)
                candidates.Add((color, lab)); // black and white belong to text and paper
        }
        var known = Known.Select(Lab).ToList();
        var nearest = candidates.Select(candidate => known.Min(other => Distance(candidate.Lab, other))).ToArray();
        while (Known.Count < count)
        {
            var best = Array.IndexOf(nearest, nearest.Max());
            Known.Add(candidates[best].Color);
            for (var i = 0; i < nearest.Length; i++)
                nearest[i] = Math.Min(nearest[i], Distance(candidates[i].Lab, candidates[best].Lab));
        }

        static byte Level(int step) => (byte)(step * 255 / (Steps - 1));
    }

    private static double Distance((double L, double A, double B) x, (double L, double A, double B) y) =>
        (x.L - y.L) * (x.L - y.L) + (x.A - y.A) * (x.A - y.A) + (x.B - y.B) * (x.B - y.B);

    private static (double L, double A, double B) Lab(Rgb color)
    {
        double r = Linear(color.Red),
            g = Linear(color.Green),
            b = Linear(color.Blue);
        var l = Math.Cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
        var m = Math.Cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
        var s = Math.Cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
        return (
            0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
            1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
            0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s
        );

        static double Linear(byte value) => value <= 10 ? value / 255.0 / 12.92 : Math.Pow((value / 255.0 + 0.055) / 1.055, 2.4);
    }
}
