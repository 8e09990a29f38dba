using Tessera.Datasets.Images.Resampling;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization;

namespace Tessera.Tools.Output;

/// <summary>Images with what was predicted drawn over them, beside the truth where it is known; classes and numbers stand under
/// them.</summary>
internal sealed class PredictionPictures
{
    private const double Score = 0.3; // boxes that score less would cover the picture
    private const int SmallestSide = 160; // smaller pictures of boxes are enlarged, so that their names can be read

    private static readonly LoadImage s_load = new(new LoadImageOptions());

    private readonly string _folder;
    private readonly DataInfo _data;
    private readonly OutputNames _names;
    private readonly Func<Sample, Sample> _original;
    private readonly Rgb[] _colors;
    private readonly double _score;

    /// <param name="score">Boxes that score less are left out; null: 0.3.</param>
    public PredictionPictures(string folder, Dataset dataset, double? score = null)
        : this(
            folder,
            [.. Enumerable.Range(0, dataset.Count).Select(i => dataset.Get(i).Name)],
            dataset.Info,
            sample => dataset.Get((int)sample.Index),
            score
        ) { }

    /// <param name="names">Of all samples that there will be.</param>
    /// <param name="original">The sample as it was before any transform.</param>
    public PredictionPictures(
        string folder,
        IReadOnlyCollection<string> names,
        DataInfo data,
        Func<Sample, Sample> original,
        double? score = null
    )
    {
        if (File.Exists(folder))
            throw new UserErrorException($"{folder}: pictures are written into a folder, but this is a file.");
        (_folder, _data, _names, _original) = (folder, data, new OutputNames(names), original);
        _colors = ClassColors.Of(data);
        _score = score ?? Score;
    }

    public void Write(Sample sample, Prediction prediction)
    {
        using var drawing = Draw(sample, prediction);
        PredictionMaps.Save(Path.Combine(_folder, FileOf(sample)), drawing.EncodePng());
    }

    /// <summary>The picture's file in the folder.</summary>
    public string FileOf(Sample sample) => _names[sample.Name] + ".png";

    public Drawing Draw(Sample sample, Prediction prediction)
    {
        var image = s_load.Apply(_original(sample), new RandomSource(0)).Image!.Decode();
        return prediction switch
        {
            SegmentationPrediction { Map: var map } => Maps(image, map, sample.Truth.SegmentationMap),
            DetectionPrediction boxes => Boxes(image, boxes, sample.Truth.BoxAnnotation),
            _ => CaptionedPicture.Draw(image, prediction, sample, _data),
        };
    }

    private Drawing Boxes(Image image, DetectionPrediction found, BoxAnnotation? truth)
    {
        var scale = Math.Max(1, (SmallestSide + Math.Min(image.Height, image.Width) - 1) / Math.Min(image.Height, image.Width));
        var plain = Photograph.Of(image);
        if (scale > 1)
            plain = Resampler.Resize(plain, image.Height * scale, image.Width * scale, Interpolation.Nearest);
        var shown = found.Scores.Count(score => score >= _score); // they fall
        var predicted = Over(
            Array.ConvertAll(found.Corners[..(4 * shown)], corner => corner * scale),
            found.Labels[..shown],
            found.Scores[..shown],
            null
        );
        if (truth is null)
            return Drawing.On(predicted);
        var corners = new float[4 * truth.Count];
        for (var i = 0; i < corners.Length; i++)
            corners[i] = (float)(scale * (i % 4 < 2 ? truth.Boxes[i] : truth.Boxes[i] + truth.Boxes[i - 2]));
        return Overlays.SideBySide([("prediction", predicted), ("truth", Over(corners, truth.Labels, null, truth.Ignored))], []);

        Image Over(float[] boxes, int[] labels, float[]? scores, bool[]? ignored)
        {
            using var drawing = Drawing.On(plain);
            Overlays.Boxes(drawing, boxes, labels, _data.Classes, _colors, scores, ignored);
            return drawing.ToImage();
        }
    }

    private Drawing Maps(Image image, Image predicted, Image? truth)
    {
        var pictures = new List<(string, Image)> { ("image", Photograph.Of(image)), ("prediction", Over(predicted)) };
        var shown = Overlays.ClassesIn(predicted, _data.Classes.Count);
        if (truth is not null && (truth.Height, truth.Width) == (image.Height, image.Width))
        {
            pictures.Add(("truth", Over(truth)));
            shown = [.. shown.Union(Overlays.ClassesIn(truth, _data.Classes.Count)).Order()];
        }
        return Overlays.SideBySide(pictures, [.. shown.Select(c => (_data.Classes[c], _colors[c]))]);

        Image Over(Image map) => Overlays.Segmentation(image, map, _colors, opacity: 0.6);
    }
}
