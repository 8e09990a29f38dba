using System.Globalization;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization;
using Tessera.Results;

namespace Tessera.Pictures;

/// <summary>An image with the classes or numbers that were predicted under it: right ones green, wrong ones red, in a frame of the same
/// colour. The parts that a fine-grained model looked at are outlined.</summary>
internal static class CaptionedPicture
{
    private const int SmallestSide = 160; // smaller images are enlarged, so that something can be seen
    private const double Gap = 8,
        Line = 20,
        Size = 13,
        Frame = 4;

    public static readonly Rgb Right = Rgb.FromValue(0x1a7f37),
        Wrong = Rgb.FromValue(0xc62828);

    private static readonly Rgb s_plain = new(40, 40, 40);
    private static readonly Rgb s_part = Rgb.FromValue(0xf9a825);

    /// <param name="image">As it was before any transform.</param>
    /// <param name="prediction">Of classes or numbers.</param>
    /// <param name="truth">Where its labels are unknown, nothing is right or wrong.</param>
    /// <param name="thresholds">Of several labels: by class name, the score from which on it is predicted. null: 0.5.</param>
    public static Drawing Draw(
        Image image,
        Prediction prediction,
        Sample? truth,
        DataInfo data,
        IReadOnlyDictionary<string, double>? thresholds
    )
    {
        var lines = prediction switch
        {
            ClassPrediction classes when data.Task == DataTask.MultiLabel => Labels(classes, truth?.Truth.MultiLabel, data, thresholds),
            ClassPrediction classes => Class(classes, truth?.Truth.Label, data.Classes),
            RegressionPrediction numbers => Numbers(numbers, truth?.Truth.Targets, data.Classes),
            _ => [($"There is no picture of a {prediction.GetType().Name}.", s_plain)],
        };
        var color =
            lines.Exists(line => line.Color == Wrong) ? Wrong
            : lines.Exists(line => line.Color == Right) ? Right
            : s_plain;
        var scale = Math.Max(1, (SmallestSide + Math.Min(image.Height, image.Width) - 1) / Math.Min(image.Height, image.Width));
        var photograph = Photograph.Of(image);
        if (scale > 1)
            photograph = Resampler.Resize(photograph, image.Height * scale, image.Width * scale, Interpolation.Nearest);
        double width;
        using (var ruler = Drawing.Pixels(1, 1))
            width = Math.Max(photograph.Width, lines.Max(line => ruler.Measure(line.Text, Size).Width)) + (2 * Gap);
        var drawing = Drawing.Pixels(width, photograph.Height + (2 * Gap) + (lines.Count * Line) + Gap);
        var left = (width - photograph.Width) / 2;
        drawing.Fill(left - Frame, Gap - Frame, photograph.Width + (2 * Frame), photograph.Height + (2 * Frame), color);
        drawing.Draw(photograph, left, Gap, photograph.Width, photograph.Height);
        if (prediction is ClassPrediction { Parts: { } parts })
            drawing.Within(left, Gap, photograph.Width, photograph.Height, () => Outline(drawing, parts, left, Gap, scale));
        for (var i = 0; i < lines.Count; i++)
            drawing.Text(
                lines[i].Text,
                Gap,
                photograph.Height + (2 * Gap) + ((i + 0.5) * Line),
                Size,
                lines[i].Color,
                across: TextAlign.Middle
            );
        return drawing;
    }

    // The first parts count most: their lines are the thickest, and drawn last.
    private static void Outline(Drawing drawing, float[] parts, double left, double top, double scale)
    {
        for (var i = parts.Length - 4; i >= 0; i -= 4)
        {
            var (x, y) = (left + (scale * parts[i]), top + (scale * parts[i + 1]));
            var (width, height) = (scale * (parts[i + 2] - parts[i]), scale * (parts[i + 3] - parts[i + 1]));
            drawing.Outline(x, y, width, height, s_part, Math.Max(1, 3 - (i / 4.0)));
        }
    }

    private static List<(string Text, Rgb Color)> Class(ClassPrediction found, int? truth, IReadOnlyList<string> names)
    {
        var predicted = Scored(names[found.Label], found.Scores[found.Label]);
        return truth is not { } label ? [(predicted, s_plain)]
            : label == found.Label ? [(predicted, Right)]
            : [(predicted, Wrong), ($"label: {Scored(names[label], found.Scores[label])}", s_plain)];
    }

    private static List<(string Text, Rgb Color)> Labels(
        ClassPrediction found,
        float[]? truth,
        DataInfo data,
        IReadOnlyDictionary<string, double>? thresholds
    )
    {
        var (lines, names) = (new List<(string, Rgb)>(), data.Classes);
        var present = Classification.PresentIn(found, data, thresholds);
        foreach (var c in Enumerable.Range(0, names.Count).OrderByDescending(c => found.Scores[c]))
        {
            var (predicted, there) = (present.Contains(c), truth?[c] >= 0.5f);
            if (truth is null && predicted)
                lines.Add((Scored(names[c], found.Scores[c]), s_plain));
            else if (predicted)
                lines.Add((Scored(names[c], found.Scores[c]) + (there ? "" : ", not there"), there ? Right : Wrong));
            else if (there)
                lines.Add(("missed: " + Scored(names[c], found.Scores[c]), Wrong));
        }
        if (lines.Count == 0)
            lines.Add(("nothing", truth is null ? s_plain : Right));
        return lines;
    }

    private static List<(string Text, Rgb Color)> Numbers(RegressionPrediction found, float[]? truth, IReadOnlyList<string> names) =>
        [
            .. found.Values.Select(
                (value, t) =>
                    (
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{names[t]} {value:0.####}"
                                + $"{(truth is null ? "" : $", true: {truth[t].ToString("0.####", CultureInfo.InvariantCulture)}")}"
                        ),
                        s_plain
                    )
            ),
        ];

    private static string Scored(string name, float score) => string.Create(CultureInfo.InvariantCulture, $"{name} {score:0.000}");
}
