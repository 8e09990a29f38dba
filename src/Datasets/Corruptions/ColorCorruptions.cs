namespace Tessera.Datasets.Corruptions;

/// <summary>Light and colour.</summary>
internal static class ColorCorruptions
{
    private static readonly double[] s_brightness = [0.1, 0.2, 0.3, 0.4, 0.5],
        s_contrast = [0.4, 0.3, 0.2, 0.1, 0.05];

    private static readonly (double Factor, double More)[] s_saturate = [(0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)];

    public static Raster Brightness(Raster image, int level) =>
        image.Channels == 1
            ? image.Map(value => value + s_brightness[level])
            : InHsv(image, (hue, saturation, value) => (hue, saturation, Math.Clamp(value + s_brightness[level], 0, 1)));

    /// <summary>Gray images have no colour to change.</summary>
    public static Raster Saturate(Raster image, int level)
    {
        var (factor, more) = s_saturate[level];
        return image.Channels == 1
            ? image
            : InHsv(image, (hue, saturation, value) => (hue, Math.Clamp((saturation * factor) + more, 0, 1), value));
    }

    /// <summary>Closer to each channel's mean.</summary>
    public static Raster Contrast(Raster image, int level) =>
        image.MapPlanes(plane =>
        {
            var mean = plane.Average();
            return Array.ConvertAll(plane, value => ((value - mean) * s_contrast[level]) + mean);
        });

    private static Raster InHsv(Raster image, Func<double, double, double, (double Hue, double Saturation, double Value)> change)
    {
        var values = new double[image.Values.Length];
        for (var i = 0; i < values.Length; i += 3)
        {
            var (hue, saturation, value) = change(
                Hue(image.Values[i], image.Values[i + 1], image.Values[i + 2], out var range, out var most),
                most == 0 ? 0 : range / most,
                most
            );
            (values[i], values[i + 1], values[i + 2]) = ToRgb(hue, saturation, value);
        }
        return image with { Values = values };
    }

    /// <returns>In [0, 1).</returns>
    private static double Hue(double red, double green, double blue, out double range, out double most)
    {
        most = Math.Max(red, Math.Max(green, blue));
        range = most - Math.Min(red, Math.Min(green, blue));
        if (range == 0)
            return 0;
        var sixths =
            blue == most ? 4 + ((red - green) / range)
            : green == most ? 2 + ((blue - red) / range)
            : (green - blue) / range;
        return (sixths / 6) + (sixths < 0 ? 1 : 0);
    }

    private static (double Red, double Green, double Blue) ToRgb(double hue, double saturation, double value)
    {
        var sector = Math.Floor(hue * 6);
        var part = (hue * 6) - sector;
        var (low, falling, rising) = (value * (1 - saturation), value * (1 - (part * saturation)), value * (1 - ((1 - part) * saturation)));
        return ((int)sector % 6) switch
        {
            0 => (value, rising, low),
            1 => (falling, value, low),
            2 => (low, value, rising),
            3 => (low, falling, value),
            4 => (rising, low, value),
            _ => (value, low, falling),
        };
    }
}
