using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Predictions;
using Tessera.Tools.Output;

namespace Tessera.Tools.Comparison;

/// <summary>What stored predictions are measured against: from their own file where it holds the truth, otherwise from the data.</summary>
internal static class ImageTruth
{
    /// <summary>A sample for each image of the file, in the order that metrics want: a detector's by their ids.</summary>
    /// <param name="session">Of the config of the data; null where the file holds the truth itself (classes and numbers).</param>
    /// <exception cref="UserErrorException">The data is not that of the file.</exception>
    public static (Sample Sample, StoredPrediction Image)[] Of(PredictedRun run, Session? session, DataPart part)
    {
        var file = run.File;
        IEnumerable<(Sample, StoredPrediction)> samples = file.Data.Task is DataTask.Detection or DataTask.Segmentation or DataTask.Panoptic
            ? OfData(run, session ?? throw new ArgumentNullException(nameof(session)), part)
            : file.Images.Select(image => (OfFile(run, image), image));
        return [.. file.Data.Task == DataTask.Detection ? samples.OrderBy(pair => CocoResultWriter.IdOf(pair.Item1)) : samples];
    }

    private static Sample OfFile(PredictedRun run, StoredPrediction image) =>
        image.Truth is { Label: null, MultiLabel: null, Targets: null }
            ? throw new UserErrorException($"{run.File.FullName}: {image.Image} has no truth, so nothing can be measured.")
            : new Sample
            {
                Index = image.Index,
                Name = image.Image,
                Truth = image.Truth,
            };

    private static List<(Sample, StoredPrediction)> OfData(PredictedRun run, Session session, DataPart part)
    {
        var dataset = session.Data[part];
        var advance = new Advance("reading truth");
        var names = ImageNaming.Distinct(
            Enumerable.Range(0, dataset.Count).Select(i => ImageNaming.Relative(dataset.Get(i).Name, session.Options.DataRoot))
        );
        var indices = names.Select((name, i) => (name, i)).ToDictionary(pair => pair.name, pair => pair.i);
        var pairs = new List<(Sample, StoredPrediction)>();
        foreach (var image in run.File.Images)
        {
            if (!indices.TryGetValue(image.Image, out var index))
                throw Other(run, session, $"the data has no image {image.Image}");
            var sample = dataset.Get(index);
            foreach (var step in dataset.Pipeline.Where(step => step.ReadsTruth))
                sample = step.Apply(sample, new RandomSource(0));
            if (TruthHash.Of(sample, dataset.Info) != image.TruthHash)
                throw Other(run, session, $"{image.Image} was predicted against another truth than the data has");
            pairs.Add((sample, image));
            advance.Report(pairs.Count, run.File.Images.Count);
        }
        return pairs;
    }

    private static UserErrorException Other(PredictedRun run, Session session, string what) =>
        new(
            $"{run.Name}: {what} that {session.Name} describes. --config names the config of the data; or this stores the "
                + $"predictions anew:\n  "
                + ComparedRun.Command(run.Name)
        );
}
