using Tessera.Framework.Data;
using Tessera.Framework.Visualization.Charts;

namespace Tessera.Framework.Visualization;

/// <summary>Values of an image's places in colours: alone, over the image, and the scale that belongs to them.</summary>
public static class Heat
{
    private const double LabelSize = 11;
    private const int MostTicks = 12;

    /// <summary>The values alone. Places without one are hatched in grey.</summary>
    /// <param name="values">[height * width], row by row; NaN where there is none.</param>
    /// <param name="low">The value of the darkest colour.</param>
    /// <param name="high">The value of the lightest colour.</param>
    /// <returns>8-bit RGB.</returns>
    public static Image Alone(ReadOnlySpan<float> values, int height, int width, double low, double high)
    {
        RequireFit(values, height, width);
        var image = new Image(height, width, 3);
        for (var i = 0; i < values.Length; i++)
        {
            var hatched = ((i % width) + (i / width)) % 8 < 2 ? new Rgb(170, 170, 170) : new Rgb(200, 200, 200);
            Set(image, i, float.IsNaN(values[i]) ? hatched : Color(values[i], low, high));
        }
        return image;
    }

    /// <summary>The values over an image, which is shown in grey under them, so that colours are the values' alone. Places without a value
    /// show the image as it is.</summary>
    /// <remarks>Each pixel depends on its own grey and value only: a photograph is as bright in one picture as in the next.</remarks>
    /// <param name="picture">Any type.</param>
    /// <param name="values">[H * W] of the picture; NaN where there is none.</param>
    /// <param name="low">The value of the darkest colour.</param>
    /// <param name="high">The value of the lightest colour.</param>
    /// <param name="opacity">Of the colours.</param>
    /// <returns>8-bit RGB.</returns>
    public static Image Over(Image picture, ReadOnlySpan<float> values, double low, double high, double opacity = 0.6)
    {
        RequireFit(values, picture.Height, picture.Width);
        var source = Photograph.Of(picture);
        var image = source.Clone();
        for (var i = 0; i < values.Length; i++)
        {
            if (float.IsNaN(values[i]))
                continue;
            var grey = (byte)
                Math.Round((0.299 * source.Bytes[3 * i]) + (0.587 * source.Bytes[(3 * i) + 1]) + (0.114 * source.Bytes[(3 * i) + 2]));
            Set(image, i, new Rgb(grey, grey, grey).Towards(Color(values[i], low, high), opacity));
        }
        return image;
    }

    /// <summary>The colours from low (at the bottom) to high, with the values that they stand for at their right.</summary>
    public static void Scale(Drawing drawing, double x, double y, double width, double height, double low, double high)
    {
        drawing.Draw(Colors(upright: true), x, y, width, height);
        drawing.Outline(x, y, width, height, new Rgb(40, 40, 40), 0.5);
        var wanted = Math.Max(2, (int)(height / 45));
        var axis = ChartAxis.Of([low, high], wanted, tight: true);
        while (axis.Ticks.Length < 2 && wanted++ < MostTicks) // one value tells no scale
            axis = ChartAxis.Of([low, high], wanted, tight: true);
        foreach (var tick in axis.Ticks)
            drawing.Text(
                axis.Label(tick),
                x + width + 4,
                y + ((1 - axis.At(tick)) * height),
                LabelSize,
                new Rgb(40, 40, 40),
                across: TextAlign.Middle
            );
    }

    /// <summary>The colours from least (at the left) to most.</summary>
    public static void Strip(Drawing drawing, double x, double y, double width, double height)
    {
        if (width > 0)
            drawing.Draw(Colors(upright: false), x, y, width, height);
    }

    private static Image Colors(bool upright)
    {
        var steps = HeatColors.All.Count;
        var image = upright ? new Image(steps, 1, 3) : new Image(1, steps, 3);
        for (var i = 0; i < steps; i++)
            Set(image, i, HeatColors.All[upright ? steps - 1 - i : i]);
        return image;
    }

    private static Rgb Color(float value, double low, double high) => HeatColors.Of(high > low ? (value - low) / (high - low) : 0);

    private static void Set(Image image, int pixel, Rgb color) =>
        (image.Bytes[3 * pixel], image.Bytes[(3 * pixel) + 1], image.Bytes[(3 * pixel) + 2]) = (color.Red, color.Green, color.Blue);

    private static void RequireFit(ReadOnlySpan<float> values, int height, int width)
    {
        if (values.Length != (long)height * width)
            throw new ArgumentException($"{values.Length} values don't lie on an image of {width} x {height}.", nameof(values));
    }
}
