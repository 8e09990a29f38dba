using Tessera.Framework.Data;

namespace Tessera.Framework.Visualization;

/// <summary>Colours for values from little to much: from dark blue over violet, red and orange to pale yellow, always lighter. Equal
/// steps of the value are equal steps to the eye, so that no edge is seen where the values have none, as with a rainbow.</summary>
/// <remarks>Distances are those of Oklab: Björn Ottosson, "A perceptual color space for image processing", 2020.</remarks>
public static class HeatColors
{
    private const int Count = 256,
        Fine = 2048;

    // Lightness, chroma, hue in degrees.
    private static readonly (double L, double C, double H)[] s_corners =
    [
        (0.18, 0.07, 280),
        (0.37, 0.19, 302),
        (0.55, 0.215, 363),
        (0.75, 0.17, 420),
        (0.97, 0.09, 468),
    ];

    private static readonly Rgb[] s_all = Make();

    /// <summary>256 colours, those of 0 to 1 in equal steps.</summary>
    public static IReadOnlyList<Rgb> All => s_all;

    /// <param name="share">0: least, 1: most; what lies outside has the colours of the ends.</param>
    public static Rgb Of(double share) => s_all[(int)Math.Round(Math.Clamp(double.IsNaN(share) ? 0 : share, 0, 1) * (Count - 1))];

    private static Rgb[] Make()
    {
        var line = Rounded([.. Enumerable.Range(0, Fine + 1).Select(i => Corner((double)i / Fine))]);
        var length = new double[line.Length];
        for (var i = 1; i < line.Length; i++)
            length[i] = length[i - 1] + Distance(line[i - 1], line[i]);
        var colors = new Rgb[Count];
        for (var (k, at) = (0, 0); k < Count; k++)
        {
            while (at < Fine && length[at] < length[Fine] * k / (Count - 1))
                at++;
            colors[k] = ToRgb(line[at]);
        }
        return colors;
    }

    // Straight between the corners, less colourful where a screen has no such colour.
    private static (double L, double A, double B) Corner(double share)
    {
        var place = share * (s_corners.Length - 1);
        var i = Math.Min((int)place, s_corners.Length - 2);
        var (from, to, rest) = (s_corners[i], s_corners[i + 1], place - i);
        var (light, chroma, hue) = (
            from.L + ((to.L - from.L) * rest),
            from.C + ((to.C - from.C) * rest),
            (from.H + ((to.H - from.H) * rest)) * Math.PI / 180
        );
        while (!Shown(light, chroma * Math.Cos(hue), chroma * Math.Sin(hue)))
            chroma -= 0.002;
        return (light, chroma * Math.Cos(hue), chroma * Math.Sin(hue));
    }

    // A corner would be seen as a stripe: each place is the mean of those about it.
    private static (double L, double A, double B)[] Rounded((double L, double A, double B)[] line) =>
        [
            .. line.Select(
                (_, i) =>
                {
                    var reach = Math.Min(Fine / 10, Math.Min(i, Fine - i));
                    var near = line[(i - reach)..(i + reach + 1)];
                    return (near.Average(place => place.L), near.Average(place => place.A), near.Average(place => place.B));
                }
            ),
        ];

    private static double Distance((double L, double A, double B) one, (double L, double A, double B) other) =>
        Math.Sqrt(
            ((one.L - other.L) * (one.L - other.L)) + ((one.A - other.A) * (one.A - other.A)) + ((one.B - other.B) * (one.B - other.B))
        );

    private static bool Shown(double l, double a, double b)
    {
        var (red, green, blue) = Linear(l, a, b);
        return Fits(red) && Fits(green) && Fits(blue);

        static bool Fits(double value) => value is >= -1e-4 and <= 1.0001;
    }

    private static Rgb ToRgb((double L, double A, double B) color)
    {
        var (red, green, blue) = Linear(color.L, color.A, color.B);
        return new(Level(red), Level(green), Level(blue));

        static byte Level(double value) =>
            (byte)Math.Round(255 * Math.Clamp(value <= 0.0031308 ? 12.92 * value : (1.055 * Math.Pow(value, 1 / 2.4)) - 0.055, 0, 1));
    }

    // Red, green and blue before the screen's curve.
    private static (double Red, double Green, double Blue) Linear(double lightness, double a, double b)
    {
        var l = Math.Pow(lightness + (0.3963377774 * a) + (0.2158037573 * b), 3);
        var m = Math.Pow(lightness - (0.1055613458 * a) - (0.0638541728 * b), 3);
        var s = Math.Pow(lightness - (0.0894841775 * a) - (1.2914855480 * b), 3);
        return (
            (4.0767416621 * l) - (3.3077115913 * m) + (0.2309699292 * s),
            (-1.2684380046 * l) + (2.6097574011 * m) - (0.3413193965 * s),
            (-0.0041960863 * l) - (0.7034186147 * m) + (1.7076147010 * s)
        );
    }
}
