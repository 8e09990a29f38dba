using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization;

namespace Tessera.Pictures;

/// <summary>Draws what was predicted over its image, beside the truth where that is known; classes and numbers stand under it.</summary>
public static class PredictionDrawing
{
    /// <summary>Boxes that score less would cover the picture.</summary>
    public const double UsualScore = 0.3;

    private const int SmallestSide = 160; // smaller pictures are enlarged, so that names within and above them can be read

    /// <param name="image">The original, before any transform; of any type.</param>
    /// <param name="data">The classes that the model was trained on.</param>
    /// <param name="truth">null where it is unknown.</param>
    /// <param name="leastScore">Boxes that score less are left out.</param>
    /// <param name="thresholds">Of several labels: by class name, the score from which on it is predicted. Without: 0.5.</param>
    /// <returns>The caller's to dispose.</returns>
    public static Drawing Draw(
        Image image,
        Prediction prediction,
        DataInfo data,
        Sample? truth = null,
        double leastScore = UsualScore,
        IReadOnlyDictionary<string, double>? thresholds = null
    ) =>
        prediction switch
        {
            SegmentationPrediction { Map: var map } => Maps(image, map, truth?.Truth.SegmentationMap, data),
            PanopticPrediction { Map: var found } => Segments(image, found, truth?.Truth.Panoptic, data),
            DetectionPrediction boxes => Boxes(image, boxes, truth?.Truth.BoxAnnotation, data, leastScore),
            _ => CaptionedPicture.Draw(image, prediction, truth, data, thresholds),
        };

    private static Drawing Segments(Image image, PanopticMap predicted, PanopticMap? truth, DataInfo data)
    {
        var (colors, classes) = (ClassColors.Of(data), data.Classes.Count);
        var pictures = new List<(string Name, Image Picture)>
        {
            ("image", Photograph.Of(image)),
            ("prediction", PanopticOverlay.Draw(image, predicted, data)),
        };
        var shown = PanopticOverlay.ClassesIn(predicted, classes);
        if (truth is not null && (truth.Height, truth.Width) == (image.Height, image.Width))
        {
            pictures.Add(("truth", PanopticOverlay.Draw(image, truth, data)));
            shown = [.. shown.Union(PanopticOverlay.ClassesIn(truth, classes)).Order()];
        }
        return Overlays.SideBySide(
            [.. pictures.Select(entry => (entry.Name, Enlarged(entry.Picture)))],
            [.. shown.Select(c => (data.Classes[c], colors[c]))]
        );
    }

    private static Drawing Boxes(Image image, DetectionPrediction found, BoxAnnotation? truth, DataInfo data, double leastScore)
    {
        var scale = ScaleOf(image);
        var (plain, colors) = (Photograph.Of(image), ClassColors.Of(data));
        var shown = found.Scores.Count(score => score >= leastScore); // they fall
        var predicted = Over(
            Array.ConvertAll(found.Corners[..(4 * shown)], corner => corner * scale),
            found.Labels[..shown],
            found.Scores[..shown],
            null,
            found.Masks
        );
        if (truth is null)
            return Drawing.On(predicted);
        var corners = new float[4 * truth.Count];
        for (var i = 0; i < corners.Length; i++)
            corners[i] = (float)(scale * (i % 4 < 2 ? truth.Boxes[i] : truth.Boxes[i] + truth.Boxes[i - 2]));
        return Overlays.SideBySide(
            [("prediction", predicted), ("truth", Over(corners, truth.Labels, null, truth.Ignored, truth.Masks))],
            []
        );

        Image Over(float[] boxes, int[] labels, float[]? scores, bool[]? ignored, IReadOnlyList<RunLengthMask>? masks)
        {
            var picture = Overlays.Masks(plain, masks, labels, colors);
            using var drawing = Drawing.On(Enlarged(picture));
            Overlays.Boxes(drawing, boxes, labels, data.Classes, colors, scores, ignored);
            return drawing.ToImage();
        }
    }

    private static Drawing Maps(Image image, Image predicted, Image? truth, DataInfo data)
    {
        var colors = ClassColors.Of(data);
        var pictures = new List<(string Name, Image Picture)> { ("image", Photograph.Of(image)), ("prediction", Over(predicted)) };
        var shown = Overlays.ClassesIn(predicted, data.Classes.Count);
        if (truth is not null && (truth.Height, truth.Width) == (image.Height, image.Width))
        {
            pictures.Add(("truth", Over(truth)));
            shown = [.. shown.Union(Overlays.ClassesIn(truth, data.Classes.Count)).Order()];
        }
        return Overlays.SideBySide(
            [.. pictures.Select(entry => (entry.Name, Enlarged(entry.Picture)))],
            [.. shown.Select(c => (data.Classes[c], colors[c]))]
        );

        Image Over(Image map) => Overlays.Segmentation(image, map, colors, opacity: 0.6);
    }

    private static Image Enlarged(Image picture) =>
        ScaleOf(picture) is > 1 and var scale
            ? Resampler.Resize(picture, picture.Height * scale, picture.Width * scale, Interpolation.Nearest)
            : picture;

    /// <summary>How many times as large a picture must be.</summary>
    private static int ScaleOf(Image image)
    {
        var side = Math.Min(image.Height, image.Width);
        return Math.Max(1, (SmallestSide + side - 1) / side);
    }
}
