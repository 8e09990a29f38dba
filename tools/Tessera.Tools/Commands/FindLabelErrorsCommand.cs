using System.CommandLine;
using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Framework.Metrics;
using Tessera.Framework.Metrics.Analysis;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Tools.Browsing;
using Tessera.Tools.DoubtfulLabels;
using Tessera.Tools.ErrorAnalysis;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Finds samples whose label a model contradicts.</summary>
internal static class FindLabelErrorsCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var checkpoint = new Argument<string>("CHECKPOINT|RESULTS")
        {
            Description = "A checkpoint; or what tools/test stored of val or test.",
        };
        var part = CommandLine.Option<string>(
            "--split",
            "PART",
            "Whose labels: train, val or test. Default: train with a checkpoint, otherwise what the results are of."
        );
        var folder = CommandLine.OutDir("Where label-errors.json, index.html and its pictures go. Default: label-errors-NAME-OF-CONFIG.");
        var count = CommandLine.Option<int>(
            "--count",
            "N",
            100,
            "How many samples the page shows, the surest first; the file has all. Default: 100."
        );
        var sure = CommandLine.Option<double>(
            "--score-thr",
            "SCORE",
            0.5,
            "Detectors: a box is believed from this score on. Default: 0.5."
        );
        var model = new EvaluationArguments();
        var command = new Command(
            "find-label-errors",
            "Finds samples whose label a model contradicts with confidence: classes by confident learning, boxes that are missing, of "
                + "another class, or never found."
        )
        {
            config,
            checkpoint,
            part,
            folder,
            count,
            sure,
        };
        model.AddTo(command);
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(config),
                parsed.GetRequiredValue(checkpoint),
                parsed.GetValue(part),
                new Shown(parsed.GetValue(folder), parsed.GetValue(count), parsed.GetValue(sure)),
                model.Session(parsed),
                model.Weights(parsed)
            )
        );
        return command;
    }

    private sealed record Shown(string? Folder, int Count, double Sure);

    private static int Run(string config, string source, string? partName, Shown shown, SessionOptions options, PretrainedOptions weights)
    {
        if (shown.Count < 0)
            throw new UserErrorException($"--count is {shown.Count}; 0 or more was expected.");
        if (shown.Sure is not (> 0 and <= 1))
            throw new UserErrorException($"--score-thr is {shown.Sure}; a number above 0, at most 1, was expected.");
        var folder = shown.Folder ?? $"label-errors-{Path.GetFileNameWithoutExtension(config)}";
        FileSet.RequireFolder(folder);
        var stored = StoredPredictions.Are(source);
        DataPart? part = partName is null ? (stored ? null : DataPart.Train) : DataParts.Named(partName);
        if (stored && part == DataPart.Train)
            throw new UserErrorException($"{source}: stored predictions are of val or test. A checkpoint predicts train, too.");
        using var data = EvaluatedData.Open(config, options, source, part);
        var search = new DoubtSearch(data.Dataset.Info, new BoxDoubtOptions(shown.Sure));
        data.Run(source, weights, new Dictionary<string, Metric>(), search.Add);
        var found = search.Find();
        var files = new FileSet(folder);
        var page = Page(data, found, shown.Count, files, config);
        files.Add("index.html", page.ToPage());
        var planted = PlantedScore.Of(data.Dataset, found);
        files.Add("label-errors.json", Document(data, search.Count, source, found, planted));
        Tell(found, search.Count, data.Part);
        planted?.Show();
        files.Write();
        ToolConsole.Current.Line($"{Path.Combine(folder, "index.html")}, {Path.Combine(folder, "label-errors.json")}");
        if (data.Part == "train")
            ToolConsole.Current.Note(
                "A model that was trained long on these labels has learnt the wrong ones, too. An early checkpoint finds more, and surest "
                    + "are models that have not seen them: tools/cross-validate."
            );
        return 0;
    }

    private static void Tell(IReadOnlyList<DoubtfulSample> found, int count, string part)
    {
        var console = ToolConsole.Current;
        console.Line($"{found.Count} of {count} samples of {part} have a doubtful label.");
        if (found.Count == 0)
            return;
        console.Line();
        console.Table(
            ["doubt", "label", "model", "times"],
            found
                .SelectMany(sample => sample.Doubts)
                .GroupBy(doubt => (doubt.Kind, doubt.Given, doubt.Suggested))
                .OrderByDescending(group => group.Count())
                .Take(20)
                .Select(group =>
                    (string[])[group.Key.Kind, group.Key.Given ?? "-", group.Key.Suggested ?? "-", Numbers.Count(group.LongCount())]
                )
        );
    }

    private static Gallery Page(EvaluatedData data, IReadOnlyList<DoubtfulSample> found, int count, FileSet files, string config)
    {
        var gallery = new Gallery(
            $"{Path.GetFileName(config)}: {Counted.Of(found.Count, "doubtful label", "doubtful labels")} of {data.Part}, the surest first"
        );
        var pictures = new PredictionPictures(files.Folder, data.Dataset);
        var rank = 0;
        foreach (var sample in found.Take(count))
        {
            var name = FormattableString.Invariant($"pictures/{++rank:0000}.png");
            using var drawing = pictures.Draw(data.Truth((int)sample.Index), sample.Prediction);
            files.Add(name, drawing.EncodePng());
            gallery.Add(
                sample.Name,
                string.Join("; ", sample.Doubts.Select(doubt => doubt.Text)),
                ImageCodec.EncodeJpeg(drawing.ToImage()),
                name
            );
        }
        return gallery;
    }

    private static JsonObject Document(
        EvaluatedData data,
        int count,
        string source,
        IReadOnlyList<DoubtfulSample> found,
        PlantedScore? planted
    ) =>
        new()
        {
            ["part"] = data.Part,
            ["predicted_by"] = source,
            ["samples"] = count,
            ["planted"] = planted?.Json,
            ["doubtful"] = Numbers.List(
                found,
                sample => new JsonObject
                {
                    ["index"] = sample.Index,
                    ["name"] = sample.Name,
                    ["doubts"] = Numbers.List(sample.Doubts, doubt => doubt.Json),
                }
            ),
        };
}
