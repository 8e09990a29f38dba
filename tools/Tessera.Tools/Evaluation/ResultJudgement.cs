using System.Globalization;
using Tessera.Datasets.Detection;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Predictions;

namespace Tessera.Tools.Evaluation;

/// <summary>
/// A file of results as a whole: are its boxes x, y, width, height in pixels, its scores of 0 to 1, its categories the data's?
/// Each result for itself may pass; measured, all together would give a low figure without a word.
/// </summary>
internal sealed class ResultJudgement
{
    private const int MostImages = 2000;
    private const double Near = 0.4,
        FarBetter = 1.5,
        Overlap = 0.5,
        Agreement = 0.8,
        MostSilent = 0.5;
    private const int FewestMatches = 3;

    private readonly DataInfo _info;
    private readonly List<(Sample Sample, DetectionPrediction Prediction)> _images;

    /// <param name="images">Samples with their truth, and what the file says of them.</param>
    public ResultJudgement(DataInfo info, IEnumerable<(Sample Sample, DetectionPrediction Prediction)> images) =>
        (_info, _images) = (info, [.. images]);

    /// <returns>What speaks against the file.</returns>
    /// <exception cref="UserErrorException">Its boxes are fractions of the images' sides.</exception>
    public IEnumerable<string> Notes()
    {
        var stated = _images
            .SelectMany(image =>
                Stated(image.Prediction)
                    .Chunk(4)
                    .Select(box =>
                    {
                        var (height, width) = image.Sample.Truth.BoxAnnotation?.ImageSize ?? (0, 0);
                        return new StatedBox(box[0], box[1], box[2], box[3], height, width);
                    })
            )
            .ToArray();
        if (Silence() is { } silence)
            yield return silence;
        if (BoxJudgement.Fractions(stated) is { } fractions)
            throw new UserErrorException(fractions);
        if (Reading() is { } reading)
            yield return reading;
        else if (BoxJudgement.Doubt(stated) is { } doubt)
            yield return doubt;
        if (Shift() is { } shift)
            yield return shift;
        var greatest = _images.SelectMany(image => image.Prediction.Scores).DefaultIfEmpty().Max();
        if (greatest > 1)
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"scores reach {greatest:0.##}, where 0 to 1 is expected: are they in percent? Average precision goes by their order "
                    + $"alone; thresholds don't."
            );
    }

    /// <summary>Do most images that show something have no result?</summary>
    private string? Silence()
    {
        var shown = _images.FindAll(image => image.Sample.Truth.BoxAnnotation is { } truth && truth.Ignored.Contains(false));
        var silent = shown.FindAll(image => image.Prediction.Labels.Length == 0);
        return silent.Count <= MostSilent * shown.Count
            ? null
            : $"{silent.Count} of the {shown.Count} images with objects have no result; the first is {silent[0].Sample.Name}. In them "
                + "everything counts as missed. Are they results of another data set, or of a part of this one?";
    }

    /// <summary>Do the boxes meet the truth far better where they are read otherwise?</summary>
    private string? Reading()
    {
        var asStated = Meeting((box, _) => box);
        if (asStated is not { } plain)
            return null;
        foreach (
            var (what, read) in new (string, Func<double[], (int Height, int Width)?, double[]>)[]
            {
                ("two corners, [x1, y1, x2, y2]", (box, _) => [box[0], box[1], box[2] - box[0], box[3] - box[1]]),
                (
                    "percent of the image's sides",
                    (box, size) =>
                        size is var (height, width)
                            ? [box[0] * width / 100, box[1] * height / 100, box[2] * width / 100, box[3] * height / 100]
                            : box
                ),
            }
        )
        {
            if (Meeting(read) is { } other && other >= Near && other >= FarBetter * plain)
            {
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"the boxes seem to be written as {what}: read so, they overlap the truth by {other:0.00} on average (intersection "
                        + $"over union of the nearest box), but by {plain:0.00} as [x, y, width, height] in pixels, which is expected."
                );
            }
        }
        return null;
    }

    /// <summary>The mean over true boxes of the greatest overlap with a result of their image; null where no image has both.</summary>
    private double? Meeting(Func<double[], (int Height, int Width)?, double[]> read)
    {
        var (sum, count) = (0.0, 0);
        foreach (var (sample, prediction) in _images.Take(MostImages))
        {
            if (sample.Truth.BoxAnnotation is not { Count: > 0 } truth || prediction.Labels.Length == 0)
                continue;
            var boxes = Stated(prediction).Chunk(4).Select(box => read(box, truth.ImageSize)).ToArray();
            for (var i = 0; i < truth.Count; i++)
            {
                if (truth.Ignored[i])
                    continue;
                sum += boxes.Max(box => BoxGeometry.IoU(box, truth.Boxes.AsSpan(4 * i, 4)));
                count++;
            }
        }
        return count == 0 ? null : sum / count;
    }

    /// <summary>Boxes that lie where the truth does, all with the category before theirs.</summary>
    private string? Shift()
    {
        var (matches, same, next) = (0, 0, 0);
        foreach (var (sample, prediction) in _images.Take(MostImages))
        {
            if (sample.Truth.BoxAnnotation is not { Count: > 0 } truth || prediction.Labels.Length == 0)
                continue;
            var boxes = Stated(prediction).Chunk(4).ToArray();
            for (var i = 0; i < truth.Count; i++)
            {
                var near = Enumerable
                    .Range(0, boxes.Length)
                    .Where(at => BoxGeometry.IoU(boxes[at], truth.Boxes.AsSpan(4 * i, 4)) >= Overlap)
                    .ToArray();
                if (near.Length == 0)
                    continue;
                matches++;
                if (near.Any(at => prediction.Labels[at] == truth.Labels[i]))
                    same++;
                else if (near.Any(at => prediction.Labels[at] + 1 == truth.Labels[i]))
                    next++;
            }
        }
        return matches >= FewestMatches && same == 0 && next >= Agreement * matches
            ? $"{next} results lie where the truth has an object of the next category, none where it has one of theirs: do the file's "
                + $"category ids count from 0? The data's are "
                + string.Join(", ", _info.Classes.Take(8).Select((name, label) => $"{CocoResultWriter.IdOf(_info, label)} {name}"))
                + "."
            : null;
    }

    private static double[] Stated(DetectionPrediction prediction) => prediction.Stated?.Boxes ?? [];
}
