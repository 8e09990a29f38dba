using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization;

namespace Tessera.Tools.Output;

/// <summary>Images with what was predicted drawn over them, beside the truth where it is known.</summary>
internal sealed class PredictionPictures
{
    private static readonly LoadImage s_load = new(new LoadImageOptions());

    private readonly string _folder;
    private readonly DataInfo _data;
    private readonly OutputNames _names;
    private readonly Func<Sample, Sample> _original;
    private readonly Color[] _colors;

    public PredictionPictures(string folder, Dataset dataset)
        : this(folder, [.. Enumerable.Range(0, dataset.Count).Select(i => dataset.Get(i).Name)], dataset.Info, sample => dataset.Get((int)sample.Index))
    {
    }

    /// <param name="names">Of all samples that there will be.</param>
    /// <param name="original">The sample as it was before any transform.</param>
    public PredictionPictures(string folder, IReadOnlyCollection<string> names, DataInfo data, Func<Sample, Sample> original)
    {
        if (data.Task is not (DataTask.Segmentation or DataTask.Detection))
            throw new UserErrorException("--show-dir draws segmentation maps and boxes; for a model that predicts neither there is --predictions.");
        if (File.Exists(folder)) throw new UserErrorException($"{folder}: pictures are written into a folder, but this is a file.");
        (_folder, _data, _names, _original) = (folder, data, new OutputNames(names), original);
        _colors = ClassColors.Of(data);
    }

    public void Write(Sample sample, Prediction prediction)
    {
        var image = s_load.Apply(_original(sample), new RandomSource(0)).Image!;
        using var drawing = prediction switch
        {
            SegmentationPrediction { Map: var map } => Maps(image, map, sample.SegmentationMap),
            DetectionPrediction boxes => Drawing.On(Overlays.Detections(image, boxes, _data.Classes, _colors, scoreThreshold: 0.3)),
            _ => throw new UserErrorException($"{sample.Name}: there is no picture of what the model predicts."),
        };
        PredictionMaps.Save(Path.Combine(_folder, _names[sample.Name] + ".png"), drawing.EncodePng());
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
