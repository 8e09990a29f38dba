using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization;
using Tessera.Pictures;

namespace Tessera.Tools.Output;

/// <summary>Images with what was predicted drawn over them, beside the truth where it is known; classes and numbers stand under
/// them.</summary>
internal sealed class PredictionPictures
{
    private static readonly LoadImage s_load = new(new LoadImageOptions());

    private readonly string _folder;
    private readonly DataInfo _data;
    private readonly OutputNames _names;
    private readonly Func<Sample, Sample> _original;
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
        _score = score ?? PredictionDrawing.UsualScore;
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
        return PredictionDrawing.Draw(image, prediction, _data, sample, _score);
    }
}
