using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using Tessera.Predictions;

namespace Tessera.Tools.Evaluation;

/// <summary>A work dir's stored predictions, looked up by the samples of the data that they are of.</summary>
internal sealed class PredictionsOfData
{
    private readonly PredictionFile _file;
    private readonly Dataset _dataset;
    private readonly string[] _names;
    private readonly Dictionary<string, StoredPrediction> _images;

    /// <exception cref="UserErrorException">They are of another data set.</exception>
    public PredictionsOfData(PredictionFile file, Dataset dataset, string? dataRoot)
    {
        (_file, _dataset) = (file, dataset);
        _images = file.Images.ToDictionary(image => image.Image);
        _names = ImageNaming.Distinct(Enumerable.Range(0, dataset.Count).Select(i => ImageNaming.Relative(dataset.Get(i).Name, dataRoot)));
        RequireSameClasses();
        var missing = _names.Where(name => !_images.ContainsKey(name)).ToArray();
        // Files that could not be read are missing in the evaluation's own values, too, and these say so.
        if (missing.Length > 0 && (missing.Length == _names.Length || !file.Metrics.ContainsKey(Evaluator.LeftOutKey)))
            throw new UserErrorException(
                $"{file.FullName}: {missing.Length} of the data set's {dataset.Count} samples have no line; the first is {missing[0]}. Are "
                    + "they predictions of another data set?"
            );
    }

    /// <summary>Whether a sample was predicted: not where it could not be read then.</summary>
    public bool Has(int index) => _images.ContainsKey(_names[index]);

    /// <returns>null: it could not be read when the others were predicted.</returns>
    /// <exception cref="UserErrorException">It was measured against another truth, or its map is damaged.</exception>
    public Prediction? Of(Sample sample)
    {
        if (!_images.TryGetValue(_names[sample.Index], out var image))
            return null;
        if (image.TruthHash != TruthHash.Of(sample, _dataset.Info))
            throw new UserErrorException(
                $"{_file.FullName}: {image.Image} was predicted against another truth than the data set has now. Has the data "
                    + $"been changed, "
                    + "or are they predictions of another data set? Evaluating the checkpoint anew with tools/test stores new ones."
            );
        return image.Load();
    }

    private void RequireSameClasses()
    {
        if (_file.Data.Task != _dataset.Info.Task)
            throw new UserErrorException(
                $"{_file.FullName}: its predictions are for {TaskNames.Of(_file.Data.Task)} data, "
                    + $"the config's data is for {TaskNames.Of(_dataset.Info.Task)}."
            );
        if (!_file.Data.Classes.SequenceEqual(_dataset.Info.Classes))
            throw new UserErrorException(
                $"{_file.FullName}: its {_file.Data.Classes.Count} classes are {Shown(_file.Data)}, the data's "
                    + $"{_dataset.Info.Classes.Count} are "
                    + $"{Shown(_dataset.Info)}. Are they predictions of another data set?"
            );
    }

    private static string Shown(DataInfo data) => string.Join(", ", data.Classes.Take(5)) + (data.Classes.Count > 5 ? " …" : "");
}
