using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Running;
using Tessera.Framework.Visualization.Charts;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Draws what is taken for what.</summary>
internal static class ConfusionMatrixCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var source = new Argument<string>("RESULTS|CHECKPOINT") { Description = "What tools/test --predictions wrote, or a checkpoint." };
        var output = new Option<string>("--out") { Description = "The picture, .png or .svg; the numbers go beside it as .json. Default: confusion-matrix.png.", HelpName = "PICTURE", DefaultValueFactory = _ => "confusion-matrix.png" };
        var score = new Option<double>("--score-thr") { Description = "Detectors: boxes that score less are left out. Default: 0.3.", HelpName = "SCORE", DefaultValueFactory = _ => 0.3 };
        var iou = new Option<double>("--iou-thr") { Description = "Detectors: the least overlap of a box with its object. Default: 0.5.", HelpName = "IOU", DefaultValueFactory = _ => 0.5 };
        var device = CommandLine.Device();
        var precision = CommandLine.Precision();
        var weights = new WeightArguments();
        var overrides = CommandLine.CfgOptions();
        var command = new Command("confusion-matrix", "Draws how often each class is taken for each other: classes, pixels of maps, or boxes with a row and a column for the background.")
            { config, source, output, score, iou, device, precision, overrides };
        weights.AddTo(command);
        command.SetAction(parsed => Run(parsed.GetRequiredValue(config), parsed.GetRequiredValue(source), parsed.GetRequiredValue(output), parsed.GetValue(score), parsed.GetValue(iou),
            parsed.GetValue(device), parsed.GetValue(precision), weights.Read(parsed), parsed.GetRequiredValue(overrides)));
        return command;
    }

    private static int Run(string config, string source, string output, double score, double iou, string? device, Precision precision, PretrainedOptions weights, string[] overrides)
    {
        Chart.RequireKnownEnding(output);
        if (score is not (>= 0 and <= 1)) throw new UserErrorException($"--score-thr is {score}; a number from 0 to 1 was expected.");
        if (iou is not (> 0 and <= 1)) throw new UserErrorException($"--iou-thr is {iou}; a number above 0, at most 1, was expected.");
        using var data = EvaluatedData.Open(config, device, overrides, source);
        var metric = new ConfusionMatrixMetric(new ConfusionMatrixOptions(score, iou));
        var metrics = new Dictionary<string, Metric> { ["confusion"] = metric };
        data.Run(source, precision, weights, metrics, null);

        var (counts, names) = (metric.Counts, metric.Names);
        var shares = Shares(counts);
        var percent = new double[names.Count, names.Count];
        for (var t = 0; t < names.Count; t++)
            for (var p = 0; p < names.Count; p++) percent[t, p] = 100 * shares[t, p];
        new HeatMap
        {
            Title = string.Create(CultureInfo.InvariantCulture, $"Confusion matrix: {Path.GetFileNameWithoutExtension(config)}, % of each true class"),
            Rows = names,
            Columns = names,
            Values = percent,
            Low = 0,
            High = 100,
            Format = "0.#",
            RowLabel = "true class",
            ColumnLabel = "prediction",
        }.Save(output);
        var numbers = Path.ChangeExtension(output, ".json");
        MetricFiles.Write(numbers, new JsonObject
        {
            ["classes"] = new JsonArray([.. names.Select(name => (JsonNode?)name)]),
            ["counts"] = Rows(names.Count, (t, p) => counts[t, p]),
            ["shares"] = Rows(names.Count, (t, p) => double.IsFinite(shares[t, p]) ? shares[t, p] : null),
        });
        foreach (var table in metric.Tables()) Console.WriteLine(TextTable.Format(table));
        Console.WriteLine($"{output}, {numbers}");
        return 0;
    }

    /// <summary>Of each row's sum; NaN in rows that are empty.</summary>
    private static double[,] Shares(long[,] counts)
    {
        var shares = new double[counts.GetLength(0), counts.GetLength(1)];
        for (var t = 0; t < counts.GetLength(0); t++)
        {
            var sum = 0L;
            for (var p = 0; p < counts.GetLength(1); p++) sum += counts[t, p];
            for (var p = 0; p < counts.GetLength(1); p++) shares[t, p] = sum == 0 ? double.NaN : (double)counts[t, p] / sum;
        }
        return shares;
    }

    private static JsonArray Rows(int size, Func<int, int, JsonNode?> value) =>
        new([.. Enumerable.Range(0, size).Select(t => (JsonNode?)new JsonArray([.. Enumerable.Range(0, size).Select(p => value(t, p))]))]);
}
