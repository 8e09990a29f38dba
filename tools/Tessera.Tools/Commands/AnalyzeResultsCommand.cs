using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Tools.Browsing;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Shows the images that are predicted worst and best.</summary>
internal static class AnalyzeResultsCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var source = new Argument<string>("RESULTS|CHECKPOINT")
        {
            Description = "What tools/test stored in a work dir, or --predictions wrote; or a checkpoint.",
        };
        var folder = CommandLine.OutDir("Where pictures, index.html and images.json go. Default: results-NAME-OF-CONFIG.");
        var count = CommandLine.Option<int>("--count", "N", 10, "How many of the worst, and of the best. Default: 10.");
        var score = CommandLine.Option<double?>("--score-thr", "SCORE", "Detectors: boxes that score less are not drawn. Default: 0.3.");
        var model = new EvaluationArguments();
        var command = new Command(
            "analyze-results",
            "Shows the images that are predicted worst and best, by their own AP, IoU or probability, as pictures and one HTML page."
        )
        {
            config,
            source,
            folder,
            count,
            score,
        };
        model.AddTo(command);
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(config),
                parsed.GetRequiredValue(source),
                parsed.GetValue(folder),
                parsed.GetValue(count),
                parsed.GetValue(score),
                model.Session(parsed),
                model.Weights(parsed)
            )
        );
        return command;
    }

    private static int Run(
        string config,
        string source,
        string? folder,
        int count,
        double? score,
        SessionOptions options,
        PretrainedOptions weights
    )
    {
        if (count < 1)
            throw new UserErrorException($"--count is {count}; at least 1 was expected.");
        using var data = EvaluatedData.Open(config, options, source);
        var info = data.Dataset.Info;
        var measure = new ImageScore(info);
        var all = new List<(string Name, double Score, int Matched, double IoU)>();
        var (worst, best) = (new Extremes(count, lowest: true), new Extremes(count, lowest: false));
        data.Run(
            source,
            weights,
            new Dictionary<string, Metric>(),
            (sample, prediction) =>
            {
                var entry = new Entry(sample, prediction, measure.Of(sample, prediction));
                var (matched, iou) = measure.Matches(sample, prediction);
                all.Add((sample.Name, entry.Score, matched, iou));
                worst.Offer(entry);
                best.Offer(entry);
            }
        );

        folder ??= $"results-{Path.GetFileNameWithoutExtension(config)}";
        Directory.CreateDirectory(folder);
        var gallery = new Gallery(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Path.GetFileName(config)}: {data.Part}, {all.Count} images by the {measure.Name}"
            )
        );
        Show(gallery, folder, new PredictionPictures(folder, data.Dataset, score), measure, worst.Entries, best.Entries);
        var page = Path.Combine(folder, "index.html");
        gallery.Write(page);
        (long Count, double MeanIoU)? matches = info.Task == DataTask.Detection ? Matches(all) : null;
        WriteNumbers(Path.Combine(folder, "images.json"), measure, all, matches);
        if (matches is { } found)
            ToolConsole.Current.Line(
                found.Count == 0
                    ? "No box overlaps an object of its class by 0.5."
                    : string.Create(
                        CultureInfo.InvariantCulture,
                        $"{Counted.Of(found.Count, "box", "boxes")} on an object of {(found.Count == 1 ? "its" : "their")} class "
                            + $"(IoU from 0.5 on): mean IoU {found.MeanIoU:0.0000}."
                    )
            );
        var undefined = all.Count(image => double.IsNaN(image.Score));
        if (undefined > 0)
            ToolConsole.Current.Note($"{undefined} of {all.Count} images have no {measure.Name}: nothing is annotated in them.");
        ToolConsole.Current.Line(page);
        return 0;
    }

    private static void Show(
        Gallery gallery,
        string folder,
        PredictionPictures pictures,
        ImageScore measure,
        IReadOnlyList<Entry> worst,
        IReadOnlyList<Entry> best
    )
    {
        var names = new OutputNames([.. worst.Concat(best).Select(entry => entry.Sample.Name)]);
        foreach (var (part, entries) in new[] { ("worst", worst), ("best", best) })
        {
            gallery.AddHeading(char.ToUpperInvariant(part[0]) + part[1..]);
            var rank = 0;
            foreach (var (sample, prediction, value) in entries)
            {
                using var drawing = pictures.Draw(sample, prediction);
                var file = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{part}/{++rank:00}_{names[sample.Name].Replace('/', '_').Replace('\\', '_')}.png"
                );
                PredictionMaps.Save(Path.Combine(folder, file), drawing.EncodePng());
                gallery.Add(
                    sample.Name,
                    string.Create(CultureInfo.InvariantCulture, $"{value:0.0000}  {measure.Words(sample, prediction)}"),
                    ImageCodec.EncodeJpeg(drawing.ToImage()),
                    file
                );
            }
        }
    }

    /// <summary>The boxes that lie on an object of their class; NaN where none does.</summary>
    private static (long Count, double MeanIoU) Matches(IReadOnlyCollection<(string Name, double Score, int Matched, double IoU)> all)
    {
        var matches = all.Sum(image => (long)image.Matched);
        return (
            matches,
            matches == 0 ? double.NaN : all.Where(image => image.Matched > 0).Sum(image => image.IoU * image.Matched) / matches
        );
    }

    /// <param name="matches">null: it isn't about boxes.</param>
    private static void WriteNumbers(
        string path,
        ImageScore measure,
        IReadOnlyCollection<(string Name, double Score, int Matched, double IoU)> all,
        (long Count, double MeanIoU)? matches
    )
    {
        var document = new JsonObject { ["measure"] = measure.Name };
        if (matches is { } found)
        {
            document["matched_boxes"] = found.Count;
            document["mean_iou_of_matched_boxes"] = double.IsFinite(found.MeanIoU) ? found.MeanIoU : null;
        }
        document["images"] = new JsonArray([
            .. all.OrderBy(image => double.IsNaN(image.Score))
                .ThenBy(image => image.Score)
                .Select(image =>
                {
                    var described = new JsonObject { ["name"] = image.Name, ["score"] = double.IsFinite(image.Score) ? image.Score : null };
                    if (matches is not null)
                        described["mean_iou_of_matched_boxes"] = double.IsFinite(image.IoU) ? image.IoU : null;
                    return (JsonNode?)described;
                }),
        ]);
        MetricFiles.Write(path, document);
    }

    private sealed record Entry(Sample Sample, Prediction Prediction, double Score);

    /// <summary>The few lowest or highest of many, in order; of equal ones the first.</summary>
    private sealed class Extremes(int count, bool lowest)
    {
        private readonly List<Entry> _entries = [];

        public IReadOnlyList<Entry> Entries => _entries;

        public void Offer(Entry entry)
        {
            if (double.IsNaN(entry.Score))
                return;
            var place = _entries.Count;
            while (place > 0 && (lowest ? entry.Score < _entries[place - 1].Score : entry.Score > _entries[place - 1].Score))
                place--;
            if (place == count)
                return;
            _entries.Insert(place, entry);
            if (_entries.Count > count)
                _entries.RemoveAt(count);
        }
    }
}
