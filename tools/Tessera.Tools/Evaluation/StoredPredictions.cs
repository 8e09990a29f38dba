using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using Tessera.Predictions;
using Tessera.Tools.Output;

namespace Tessera.Tools.Evaluation;

/// <summary>The predictions of a data set's samples.</summary>
/// <param name="Has">Whether the sample of an index was predicted: not where it could not be read then.</param>
/// <param name="Of">Of a sample with its truth; null where it was not predicted.</param>
internal sealed record PredictionSource(Func<int, bool> Has, Func<Sample, Prediction?> Of);

/// <summary>What <c>tools/train</c> and <c>tools/test</c> stored in a work dir; or what <c>tools/test --predictions</c> wrote, or another
/// program in the same format: COCO results, JSON lines, or a folder of maps.</summary>
internal static class StoredPredictions
{
    /// <summary>Whether a path is of predictions, not a checkpoint.</summary>
    public static bool Are(string path) => Directory.Exists(path) || Path.GetExtension(path).ToLowerInvariant() is ".json" or ".jsonl";

    /// <summary>The part of the data that a file of a work dir's predictions is of; null of anything else, a work dir itself
    /// included.</summary>
    public static DataPart? PartOf(string path) =>
        !Directory.Exists(path) && PredictionFolder.Find(path) is { } file ? DataParts.Named(PredictionFile.ReadHeader(file).Part) : null;

    /// <summary>The config of the run that stored them: in the work dir, also of a file of its folder predictions; null where there is
    /// none.</summary>
    public static string? ConfigOf(string path)
    {
        var config = Path.Combine(Directory.Exists(path) ? path : WorkDirOf(path), WorkFolder.ConfigName);
        return File.Exists(config) ? config : null;
    }

    /// <summary>The folder that a file of predictions lies in, or that around its folder predictions.</summary>
    public static string WorkDirOf(string file)
    {
        var folder = Path.GetDirectoryName(file) is { Length: > 0 } parent ? parent : ".";
        return Path.GetFileName(Path.GetFullPath(folder)) == WorkFolder.Predictions
            ? Path.GetDirectoryName(folder) is { Length: > 0 } above
                ? above
                : "."
            : folder;
    }

    /// <summary>Predictions of a data set's samples.</summary>
    /// <param name="part">"val" or "test", of a work dir.</param>
    /// <param name="dataRoot">The config's.</param>
    /// <exception cref="UserErrorException">The file is damaged or of another data set.</exception>
    public static PredictionSource Open(string path, Dataset dataset, string part, string? dataRoot)
    {
        if (PredictionFolder.Find(path, part) is { } file)
        {
            var stored = new PredictionsOfData(PredictionFile.Open(file), dataset, dataRoot);
            return new PredictionSource(stored.Has, stored.Of);
        }
        if (PredictionFolder.Find(path) is { } other)
            throw new UserErrorException(
                $"{path}: it has the predictions of {PredictionFile.ReadHeader(other).Part}, the config evaluates {part}. "
                    + $"tools/test CONFIG CHECKPOINT --work-dir {path} stores those of {part}."
            );
        return new PredictionSource(_ => true, OpenPlain(path, dataset));
    }

    private static Func<Sample, Prediction> OpenPlain(string path, Dataset dataset)
    {
        switch (dataset.Info.Task)
        {
            case DataTask.Detection:
                if (Directory.Exists(path))
                    throw new UserErrorException($"{path}: this is a folder; the results of a detector are one file of JSON.");
                var images = CocoResultFile.Read(path, dataset.Info, Samples(dataset).Select(CocoResultWriter.IdOf));
                Judge(path, dataset, images);
                return sample => images[CocoResultWriter.IdOf(sample)];
            case DataTask.Segmentation:
                if (!Directory.Exists(path))
                    throw new UserErrorException(
                        $"{path}: there is no such folder; predicted maps are a folder of PNGs, as tools/test --predictions writes them."
                    );
                var names = new OutputNames([.. Samples(dataset).Select(sample => sample.Name)]);
                return sample => Map(Path.Combine(path, names[sample.Name] + ".png"), sample);
            case DataTask.Panoptic:
                throw new UserErrorException(
                    $"{path}: panoptic maps are read from what tools/test stores in a work dir (predictions/val.jsonl and what lies beside "
                        + "it)."
                );
            default:
                var lines = Lines(path, dataset.Info);
                var missing = Samples(dataset).Where(sample => !lines.ContainsKey(sample.Name)).Select(sample => sample.Name).ToArray();
                if (missing.Length > 0)
                    throw new UserErrorException(
                        $"{path}: {missing.Length} of the data set's {dataset.Count} samples have no line; the first is {missing[0]}. "
                            + $"Are they predictions of another data set?"
                    );
                return sample => lines[sample.Name];
        }
    }

    private static void Judge(string path, Dataset dataset, IReadOnlyDictionary<long, DetectionPrediction> images)
    {
        try
        {
            foreach (
                var note in new ResultJudgement(
                    dataset.Info,
                    Samples(dataset).Select(sample => (sample, images[CocoResultWriter.IdOf(sample)]))
                ).Notes()
            )
                ToolConsole.Current.Warning($"{path}: {note}");
        }
        catch (UserErrorException fault)
        {
            throw new UserErrorException($"{path}: {fault.Message}", fault);
        }
    }

    private static IEnumerable<Sample> Samples(Dataset dataset) => Enumerable.Range(0, dataset.Count).Select(dataset.Get);

    private static SegmentationPrediction Map(string file, Sample sample) =>
        File.Exists(file)
            ? new SegmentationPrediction(ImageCodec.Decode(File.ReadAllBytes(file), file, new DecodeOptions(ColorType.Index)))
            : throw new UserErrorException(
                $"{sample.Name} has no predicted map; {file} was expected. Are they predictions of another data set?"
            );

    private static Dictionary<string, Prediction> Lines(string path, DataInfo data)
    {
        if (!File.Exists(path))
            throw new UserErrorException($"{path}: there is no such file.");
        var predictions = new Dictionary<string, Prediction>();
        var number = 0;
        foreach (var text in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(text))
                continue;
            try
            {
                var line = JsonNode.Parse(text) as JsonObject ?? throw Wrong("an object was expected");
                var name = line["name"]?.GetValue<string>() ?? throw Wrong("it lacks name");
                if (!predictions.TryAdd(name, Read(line, data, Wrong)))
                    throw Wrong($"{name} has a line already");
            }
            catch (JsonException)
            {
                throw Wrong("this is no valid JSON");
            }
            catch (Exception error) when (error is InvalidOperationException or FormatException)
            {
                throw Wrong("a value is of another kind than tools/test writes");
            }
        }
        return predictions;

        UserErrorException Wrong(string what) => new($"{path}:{number}  {char.ToUpperInvariant(what[0])}{what[1..]}.");
    }

    private static Prediction Read(JsonObject line, DataInfo data, Func<string, UserErrorException> wrong)
    {
        if (data.Task == DataTask.Regression)
            return new RegressionPrediction(Values("predicted"));
        var scores = Values("scores");
        return new ClassPrediction(scores, Array.IndexOf(scores, scores.Max()));

        float[] Values(string key)
        {
            var values =
                line[key] as JsonObject
                ?? throw wrong(
                    $"it lacks {key} with a value for each of "
                        + $"{string.Join(", ", data.Classes.Take(5))}{(data.Classes.Count > 5 ? " …" : "")}"
                );
            if (values.FirstOrDefault(value => !data.Classes.Contains(value.Key)) is { Key: { } stranger })
                throw wrong($"the data set has no class \"{stranger}\"{NearestName.Suggest(stranger, data.Classes)}");
            return
            [
                .. data.Classes.Select(name =>
                    values.ContainsKey(name)
                        ? values[name]?.GetValue<float>() ?? float.NaN
                        : throw wrong($"{key} lacks the class \"{name}\"")
                ),
            ];
        }
    }
}
