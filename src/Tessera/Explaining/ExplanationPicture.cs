using System.Globalization;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Visualization;

namespace Tessera.Explaining;

/// <summary>Draws an explanation: the map over the photograph, the map alone, its scale with the true values, and what it is of.</summary>
public static class ExplanationPicture
{
    private const double Gap = 10,
        Line = 19,
        BarWidth = 12,
        BarRoom = 64,
        TitleSize = 14,
        TextSize = 12;
    private const int LongestSide = 448,
        ShortestSide = 160,
        LeastText = 300;

    private static readonly Rgb s_ink = new(40, 40, 40),
        s_objection = Rgb.FromValue(0xb02020);

    /// <param name="model">The model's name, where several are compared.</param>
    /// <returns>The caller's to dispose.</returns>
    /// <exception cref="UserErrorException">The image can't be read any more.</exception>
    public static Drawing Draw(ImageExplanation explanation, string? model = null) => Draw(explanation, explanation.ReadImage(), model);

    /// <summary>The same with the photograph read already.</summary>
    public static Drawing Draw(ImageExplanation explanation, Image photograph, string? model = null)
    {
        var shown = Shown(photograph, LongestSide, ShortestSide);
        var (low, high) = explanation.Scale;
        var values = explanation.Map.On(explanation.Geometry, shown.Height, shown.Width).Values;
        var width = Math.Max((3 * Gap) + (2 * shown.Width) + BarRoom, LeastText);
        var lines = Lines(explanation, model, width - (2 * Gap));
        var drawing = Drawing.Pixels(width, (lines.Count * Line) + (2 * Gap) + shown.Height + Gap);
        for (var i = 0; i < lines.Count; i++)
            drawing.Text(
                lines[i].Text,
                Gap,
                Gap + ((i + 0.5) * Line),
                i == 0 ? TitleSize : TextSize,
                lines[i].Color,
                across: TextAlign.Middle,
                bold: i == 0
            );
        var (top, right) = ((lines.Count * Line) + (2 * Gap), (2 * Gap) + shown.Width);
        if (explanation.Objection is not null)
        {
            drawing.Draw(shown, Gap, top, shown.Width, shown.Height);
            Array.Fill(values, float.NaN);
        }
        else
        {
            drawing.Draw(Heat.Over(shown, values, low, high), Gap, top, shown.Width, shown.Height);
            Heat.Scale(drawing, right + shown.Width + 6, top + 4, BarWidth, shown.Height - 8, low, high);
        }
        drawing.Draw(Heat.Alone(values, shown.Height, shown.Width, low, high), right, top, shown.Width, shown.Height);
        return drawing;
    }

    /// <summary>An image in the size in which pictures show it: small ones enlarged, so that something can be seen.</summary>
    internal static Image Shown(Image image, int longest, int shortest)
    {
        var scale = Math.Min((double)longest / Math.Max(image.Height, image.Width), 1);
        if (Math.Min(image.Height, image.Width) < shortest)
            scale = Math.Max(
                1,
                Math.Min(Math.Ceiling((double)shortest / Math.Min(image.Height, image.Width)), 8192 / Math.Max(image.Height, image.Width))
            );
        if (scale == 1)
            return image;
        var (height, width) = (Math.Max(1, (int)Math.Round(image.Height * scale)), Math.Max(1, (int)Math.Round(image.Width * scale)));
        return Resampler.Resize(image, height, width, scale > 1 ? Interpolation.Nearest : Interpolation.Bilinear);
    }

    /// <summary>"backbone.layer4 (7 x 7)".</summary>
    internal static string LayersOf(ImageExplanation explanation) =>
        string.Join(" and ", explanation.Layers.Select(layer => $"{layer.Name} ({layer.Grid.Height} x {layer.Grid.Width})"));

    private static List<(string Text, Rgb Color)> Lines(ImageExplanation explanation, string? model, double width)
    {
        using var ruler = Drawing.Pixels(1, 1);
        var lines = new List<(string, Rgb)> { (ruler.Fit(explanation.Headline, width, TitleSize, bold: true), s_ink) };
        foreach (
            var line in Wrapped(
                ruler,
                $"{explanation.MethodTitle}, {(model is null ? "" : model + ", ")}layer {LayersOf(explanation)}",
                width
            )
        )
            lines.Add((line, s_ink));
        foreach (var line in explanation.Objection is { } objection ? Wrapped(ruler, objection, width) : [])
            lines.Add((line, s_objection));
        return lines;
    }

    private static IEnumerable<string> Wrapped(Drawing ruler, string text, double width)
    {
        var line = "";
        foreach (var word in text.Split(' '))
        {
            var longer = line.Length == 0 ? word : $"{line} {word}";
            if (line.Length > 0 && ruler.Measure(longer, TextSize).Width > width)
            {
                yield return ruler.Fit(line, width, TextSize);
                longer = word;
            }
            line = longer;
        }
        yield return ruler.Fit(line, width, TextSize);
    }
}
