using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Tessera.Framework.Files;
using Tessera.Framework.Metrics.Statistics;
using Tessera.Tools.Output;

namespace Tessera.Tools.Experiments;

/// <summary>What the runs of an experiment came to, for files.</summary>
/// <param name="Kind">"repeat" or "cross-validate".</param>
/// <param name="Config">As it was named.</param>
internal sealed record ExperimentSummary(string Kind, string Config, IReadOnlyList<TrainedRun> Runs)
{
    /// <summary>The file's name.</summary>
    public const string FileName = "summary.json";

    /// <summary>Over all runs, of the final evaluations.</summary>
    public IReadOnlyList<MetricOverRuns> Metrics { get; } = RunStatistics.Of(Runs);

    /// <summary>Of the best evaluations, where the config keeps the best checkpoint.</summary>
    public MetricOverRuns? Best { get; init; }

    /// <summary>Runs that are planned and not trained, or that failed.</summary>
    public int Missing { get; init; }

    /// <summary>Writes summary.json and runs.csv; once they are whole they take the place of those that are there.</summary>
    /// <param name="folder">Of the experiment.</param>
    public void Write(string folder)
    {
        MetricFiles.Write(Path.Combine(folder, FileName), ToJson(folder));
        AtomicFile.WriteText(Path.Combine(folder, "runs.csv"), ToCsv());
    }

    private JsonObject ToJson(string folder)
    {
        var json = new JsonObject
        {
            ["kind"] = Kind,
            ["config"] = Config,
            ["evaluation"] = "final",
            ["missing_runs"] = Missing,
            ["metrics"] = Named(Metrics),
        };
        if (Best is not null)
            json["best_evaluation"] = Named([Best]);
        json["runs"] = new JsonArray([.. Runs.Select(run => RunToJson(run, folder))]);
        return json;
    }

    private static JsonObject Named(IEnumerable<MetricOverRuns> metrics) =>
        new(metrics.Select(metric => KeyValuePair.Create(metric.Name, (JsonNode?)ToJson(metric))));

    private static JsonObject ToJson(MetricOverRuns metric)
    {
        var json = OverToJson(metric.Over);
        json["better"] = metric.Better;
        return json;
    }

    /// <summary>Mean, deviation, interval and number of runs; null where undefined.</summary>
    public static JsonObject OverToJson(MeanInterval over) =>
        new()
        {
            ["mean"] = Number(over.Mean),
            ["deviation"] = Number(over.Deviation),
            ["interval"] = over.Interval is { } interval ? new JsonArray(interval.Low, interval.High) : null,
            ["runs"] = over.Count,
        };

    private static JsonObject RunToJson(TrainedRun run, string folder) =>
        new JsonObject
        {
            ["folder"] = Path.GetRelativePath(folder, run.Folder).Replace('\\', '/'),
            ["fold"] = run.Run.Fold,
            ["seed"] = run.Run.Seed,
            ["train_samples"] = run.Facts.Train.Samples,
            ["val_samples"] = run.Facts.Val?.Samples,
            ["iteration"] = run.Result.Iteration,
            ["stopped"] = run.Result.Stopped,
            ["metrics"] = new JsonObject(
                run.Result.Metrics.Select(metric => KeyValuePair.Create(metric.Key, metric.Value is { } value ? (JsonNode?)value : null))
            ),
        };

    private static JsonNode? Number(double value) => double.IsFinite(value) ? value : null;

    private string ToCsv()
    {
        var text = new StringBuilder();
        Row(["folder", "fold", "seed", "train_samples", "val_samples", .. Metrics.Select(metric => metric.Name)]);
        foreach (var run in Runs)
            Row([
                run.Run.Name,
                $"{run.Run.Fold}",
                Text(run.Run.Seed),
                Text(run.Facts.Train.Samples),
                run.Facts.Val is { } val ? Text(val.Samples) : "",
                .. Metrics.Select(metric => double.IsFinite(run[metric.Name]) ? Text(run[metric.Name]) : ""),
            ]);
        return text.ToString();

        void Row(IEnumerable<string> cells) => text.AppendJoin(',', cells.Select(Quoted)).Append('\n');
    }

    private static string Text<T>(T value)
        where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);

    private static string Quoted(string cell) =>
        cell.AsSpan().IndexOfAny(",\"\n") < 0 ? cell : $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
