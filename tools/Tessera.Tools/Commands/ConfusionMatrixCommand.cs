using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Processes;
using Tessera.Framework.Visualization.Charts;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>What the shares of a confusion matrix are shares of.</summary>
internal enum MatrixNormalization
{
    /// <summary>Each true class: rows sum to 1.</summary>
    True,

    /// <summary>Each predicted class: columns sum to 1.</summary>
    Pred,

    /// <summary>Everything.</summary>
    All,

    /// <summary>Nothing: counts.</summary>
    None,
}

/// <summary>Draws what is taken for what.</summary>
internal static class ConfusionMatrixCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var source = new Argument<string>("RESULTS|CHECKPOINT")
        {
            Description = "What tools/test stored in a work dir, or --predictions wrote; or a checkpoint.",
        };
        var output = CommandLine.Option<string>(
            "--out",
            "PICTURE",
            "confusion-matrix.png",
            "The picture, .png or .svg; the numbers go beside it as .json. Default: confusion-matrix.png."
        );
        var score = CommandLine.Option<double>("--score-thr", "SCORE", 0.3, "Detectors: boxes that score less are left out. Default: 0.3.");
        var iou = CommandLine.Option<double>(
            "--iou-thr",
            "IOU",
            0.5,
            "Detectors: the least overlap of a box with its object. Default: 0.5."
        );
        var normalize = CommandLine.Option<MatrixNormalization>(
            "--normalize",
            "OF",
            MatrixNormalization.True,
            "What the shares are of: true (each true class), pred (each predicted class), all, or none (counts alone). Default: true."
        );
        var model = new EvaluationArguments();
        var command = new Command(
            "confusion-matrix",
            "Draws how often each class is taken for each other: classes, pixels of maps, or boxes with a row and a column for the "
                + "background."
        )
        {
            config,
            source,
            output,
            score,
            iou,
            normalize,
        };
        model.AddTo(command);
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(config),
                parsed.GetRequiredValue(source),
                parsed.GetRequiredValue(output),
                parsed.GetValue(score),
                parsed.GetValue(iou),
                parsed.GetValue(normalize),
                model.Session(parsed),
                model.Weights(parsed)
            )
        );
        return command;
    }

    private static int Run(
        string config,
        string source,
        string output,
        double score,
        double iou,
        MatrixNormalization normalize,
        SessionOptions options,
        PretrainedOptions weights
    )
    {
        Chart.RequireKnownEnding(output);
        if (score is not (>= 0 and <= 1))
            throw new UserErrorException($"--score-thr is {score}; a number from 0 to 1 was expected.");
        if (iou is not (> 0 and <= 1))
            throw new UserErrorException($"--iou-thr is {iou}; a number above 0, at most 1, was expected.");
        using var data = EvaluatedData.Open(config, options, source);
        var metric = new ConfusionMatrixMetric(new ConfusionMatrixOptions(score, iou));
        var metrics = new Dictionary<string, Metric> { ["confusion"] = metric };
        data.Run(source, weights, metrics, null);

        var (counts, names) = (metric.Counts, metric.Names);
        var shares = Shares(counts, normalize);
        if (data.Dataset.Info is { Task: DataTask.Detection, Classes.Count: 1 })
            LeaveOutBackground(shares, normalize);
        Picture(config, names, counts, shares, normalize).Save(output);
        var numbers = Path.ChangeExtension(output, ".json");
        var document = new JsonObject
        {
            ["classes"] = new JsonArray([.. names.Select(name => (JsonNode?)name)]),
            ["counts"] = Rows(names.Count, (t, p) => counts[t, p]),
            ["normalize"] = normalize.ToString().ToLowerInvariant(),
        };
        if (normalize != MatrixNormalization.None)
            document["shares"] = Rows(names.Count, (t, p) => double.IsFinite(shares[t, p]) ? shares[t, p] : null);
        MetricFiles.Write(numbers, document);
        foreach (var table in metric.Report().Tables)
            ToolConsole.Current.Table(table);
        ToolConsole.Current.Line($"{output}, {numbers}");
        return 0;
    }

    private static HeatMap Picture(
        string config,
        IReadOnlyList<string> names,
        long[,] counts,
        double[,] shares,
        MatrixNormalization normalize
    )
    {
        var (shown, notes) = (new double[names.Count, names.Count], new string[names.Count, names.Count]);
        for (var t = 0; t < names.Count; t++)
        {
            for (var p = 0; p < names.Count; p++)
            {
                shown[t, p] = normalize == MatrixNormalization.None ? counts[t, p] : 100 * shares[t, p];
                notes[t, p] = counts[t, p] == 0 ? "" : Brief(counts[t, p]);
            }
        }
        var of = normalize switch
        {
            MatrixNormalization.True => "% of each true class",
            MatrixNormalization.Pred => "% of each predicted class",
            MatrixNormalization.All => "% of all",
            _ => "counts",
        };
        var none = new double[names.Count, names.Count];
        for (var i = 0; i < none.Length; i++)
            none[i / names.Count, i % names.Count] = double.NaN;
        return new HeatMap
        {
            Title = $"Confusion matrix: {Path.GetFileNameWithoutExtension(config)}, {of}",
            Rows = names,
            Columns = names,
            Values = shown,
            Numbers = normalize == MatrixNormalization.None ? none : null, // the counts under the numbers say it
            Notes = notes,
            Low = 0,
            High = normalize == MatrixNormalization.None ? null : 100,
            Format = "0.#",
            RowLabel = "true class",
            ColumnLabel = "prediction",
        };
    }

    /// <summary>A count in few signs: 1234, 56.7k, 8.9M.</summary>
    private static string Brief(long count) =>
        count switch
        {
            < 10_000 => count.ToString(CultureInfo.InvariantCulture),
            < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e3:G3}k"),
            < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e6:G3}M"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{count / 1e9:0.##}G"),
        };

    /// <summary>NaN where there is nothing to be a share of.</summary>
    private static double[,] Shares(long[,] counts, MatrixNormalization normalize)
    {
        var size = counts.GetLength(0);
        var (rows, columns, all) = (new long[size], new long[size], 0L);
        for (var t = 0; t < size; t++)
        for (var p = 0; p < size; p++)
            (rows[t], columns[p], all) = (rows[t] + counts[t, p], columns[p] + counts[t, p], all + counts[t, p]);
        var shares = new double[size, size];
        for (var t = 0; t < size; t++)
        {
            for (var p = 0; p < size; p++)
            {
                var whole = normalize switch
                {
                    MatrixNormalization.True => rows[t],
                    MatrixNormalization.Pred => columns[p],
                    _ => all,
                };
                shares[t, p] = whole == 0 ? double.NaN : (double)counts[t, p] / whole;
            }
        }
        return shares;
    }

    /// <summary>
    /// Background taken for background isn't counted, so that with one class all of its row (and column) is that class's: 100 %
    /// whatever the model does.
    /// </summary>
    private static void LeaveOutBackground(double[,] shares, MatrixNormalization normalize)
    {
        const int background = 1;
        for (var c = 0; c <= background; c++)
        {
            if (normalize == MatrixNormalization.True)
                shares[background, c] = double.NaN;
            if (normalize == MatrixNormalization.Pred)
                shares[c, background] = double.NaN;
        }
    }

    private static JsonArray Rows(int size, Func<int, int, JsonNode?> value) =>
        new([.. Enumerable.Range(0, size).Select(t => (JsonNode?)new JsonArray([.. Enumerable.Range(0, size).Select(p => value(t, p))]))]);
}
