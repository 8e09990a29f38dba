using Tessera.Framework.Data;
using Tessera.Framework.Visualization;

namespace Tessera.Tests.Framework.Visualization;

/// <summary>Where a picture isn't white.</summary>
internal static class Ink
{
    /// <summary>From "#RRGGBB".</summary>
    public static Rgb Color(string hex) => Rgb.TryParse(hex, out var color) ? color : throw new FormatException(hex);

    /// <summary>The darkest of the pixel's three colours, 0 to 255.</summary>
    public static int Least(this Image image, int x, int y) =>
        Math.Min(
            image.Bytes[3 * (y * image.Width + x)],
            Math.Min(image.Bytes[3 * (y * image.Width + x) + 1], image.Bytes[3 * (y * image.Width + x) + 2])
        );

    public static Rgb At(this Image image, int x, int y) =>
        new(image.Bytes[3 * (y * image.Width + x)], image.Bytes[3 * (y * image.Width + x) + 1], image.Bytes[3 * (y * image.Width + x) + 2]);

    /// <summary>The smallest rectangle about all pixels darker than the threshold; ends are included. All 0 where there is none.</summary>
    public static (int Left, int Top, int Right, int Bottom) Bounds(this Image image, int threshold = 160)
    {
        var (left, top, right, bottom) = (int.MaxValue, int.MaxValue, -1, -1);
        for (var y = 0; y < image.Height; y++)
        for (var x = 0; x < image.Width; x++)
        {
            if (image.Least(x, y) >= threshold)
                continue;
            (left, top, right, bottom) = (Math.Min(left, x), Math.Min(top, y), Math.Max(right, x), Math.Max(bottom, y));
        }
        return right < 0 ? default : (left, top, right, bottom);
    }

    /// <summary>The columns in which letters stand: runs of columns with ink.</summary>
    public static int Runs(this Image image)
    {
        var columns = Enumerable
            .Range(0, image.Width)
            .Select(x => Enumerable.Range(0, image.Height).Any(y => image.Least(x, y) < 160))
            .ToArray();
        return columns.Where((inked, x) => inked && (x == 0 || !columns[x - 1])).Count();
    }

    /// <summary>How much differs from the background, in whole pixels' worth of full difference.</summary>
    public static double Amount(this Image image, byte background) => image.Bytes.Sum(value => Math.Abs(value - background)) / 3.0 / 255;

    /// <summary>The pixels of one colour.</summary>
    public static IReadOnlyList<(int X, int Y)> Where(this Image image, Rgb color) =>
        [
            .. from y in Enumerable.Range(0, image.Height)
            from x in Enumerable.Range(0, image.Width)
            where image.At(x, y) == color
            select (x, y),
        ];
}
