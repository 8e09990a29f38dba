using System.Text.Json.Nodes;
using Tessera.Framework.Metrics.Analysis;
using Tessera.Framework.Visualization.Charts;
using Tessera.Tools.Output;

namespace Tessera.Tools.ErrorAnalysis;

/// <summary>Whether a classifier's probabilities can be believed, as they are and at the temperature that fits best.</summary>
/// <param name="fitted">What the temperature is fitted on; null: in turn on four fifths of what it is then applied to the rest of.</param>
/// <param name="from">What <paramref name="fitted"/> is, in words.</param>
internal sealed class CalibrationReport(ClassScores scores, ClassScores? fitted, string from)
{
    private const int Folds = 5;

    private readonly bool _yesOrNo = scores.IsYesOrNo;

    public void Finish(string title, FileSet files, JsonObject document)
    {
        int? of = _yesOrNo ? 1 : null;
        var (rows, labels) = scores.Questions(_yesOrNo);
        var plain = Calibration.Of(rows, labels, of: of);
        var (temperature, scaledRows, scaledLabels) = Scaled();
        var scaled = Calibration.Of(scaledRows, scaledLabels, of: of);
        var how = fitted is null ? $"fitted in {Folds} folds, each applied to images it was not fitted on" : $"fitted on {from}";
        Show(plain, scaled, temperature, how);
        files.Add("calibration.png", Picture(title, plain, scaled, temperature));
        document["calibration"] = new JsonObject
        {
            ["asked"] = _yesOrNo ? "each class, yes or no" : "the most probable class",
            ["plain"] = Json(plain),
            ["temperature"] = temperature,
            ["temperature_from"] = how,
            ["scaled"] = Json(scaled),
        };
    }

    /// <summary>The predictions at a temperature that was fitted on others.</summary>
    private (double Temperature, IReadOnlyList<IReadOnlyList<double>> Rows, IReadOnlyList<int> Labels) Scaled()
    {
        var (own, ownLabels) = (fitted ?? scores).Questions(_yesOrNo);
        var temperature = TemperatureScaling.Fit(own, ownLabels);
        var (rows, labels) = (new List<IReadOnlyList<double>>(), new List<int>());
        for (var fold = 0; fold < (fitted is null ? Folds : 1); fold++)
        {
            var applied = temperature;
            if (fitted is null)
            {
                var (others, otherLabels) = scores.Questions(_yesOrNo, i => i % Folds != fold);
                if (otherLabels.Count == 0)
                    continue;
                applied = TemperatureScaling.Fit(others, otherLabels);
            }
            var (rest, restLabels) = scores.Questions(_yesOrNo, i => fitted is not null || i % Folds == fold);
            rows.AddRange(rest.Select(row => TemperatureScaling.Apply(row, applied)));
            labels.AddRange(restLabels);
        }
        return (temperature, rows, labels);
    }

    private void Show(CalibrationResult plain, CalibrationResult scaled, double temperature, string how)
    {
        var console = ToolConsole.Current;
        console.Line();
        console.Table(
            ["probabilities", "ECE %", "greatest %", "Brier", "NLL"],
            [Row("as predicted", plain), Row(FormattableString.Invariant($"at temperature {temperature:0.000}"), scaled)]
        );
        console.Line($"Temperature {how}. ECE: mean distance of probability and share that is right, over {plain.Bins.Count} bins.");
        if (temperature is <= TemperatureScaling.Lowest * 1.01 or >= TemperatureScaling.Highest * 0.99)
            console.Note("The temperature is at its bound: what it was fitted on is all right, or tells nothing.");

        static string[] Row(string name, CalibrationResult result) =>
            [
                name,
                Numbers.Percent(result.Ece),
                Numbers.Percent(result.Mce),
                FormattableString.Invariant($"{result.Brier:0.0000}"),
                FormattableString.Invariant($"{result.Nll:0.0000}"),
            ];
    }

    private static ChartPage Picture(string title, CalibrationResult plain, CalibrationResult scaled, double temperature) =>
        new()
        {
            Title = title,
            Charts =
            [
                new LineChart
                {
                    Title = "Reliability",
                    XLabel = "probability",
                    YLabel = "share that is right",
                    FromZero = true,
                    Width = 640,
                    Curves =
                    [
                        new Curve("as good as it says", [(0, 0), (1, 1)], new(150, 150, 150), Dashed: true),
                        Points(FormattableString.Invariant($"as predicted, ECE {100 * plain.Ece:0.0} %"), plain),
                        Points(FormattableString.Invariant($"temperature {temperature:0.00}, ECE {100 * scaled.Ece:0.0} %"), scaled),
                    ],
                },
                new LineChart
                {
                    Title = "How often it is how sure",
                    XLabel = "probability",
                    YLabel = "% of predictions",
                    FromZero = true,
                    Width = 640,
                    Curves =
                    [
                        Shares("as predicted", plain),
                        Shares(FormattableString.Invariant($"temperature {temperature:0.00}"), scaled),
                    ],
                },
            ],
        };

    private static Curve Points(string name, CalibrationResult result) =>
        new(name, [.. result.Bins.Where(bin => bin.Count > 0).Select(bin => (bin.Confidence, bin.Accuracy))], Marks: true);

    private static Curve Shares(string name, CalibrationResult result) =>
        new(
            name,
            [.. result.Bins.Select(bin => ((bin.Low + bin.High) / 2, 100.0 * bin.Count / result.Bins.Sum(other => other.Count)))],
            Marks: true
        );

    private static JsonObject Json(CalibrationResult result) =>
        new()
        {
            ["ece"] = result.Ece,
            ["greatest"] = result.Mce,
            ["brier"] = result.Brier,
            ["nll"] = result.Nll,
            ["bins"] = Numbers.List(
                result.Bins,
                bin => new JsonObject
                {
                    ["low"] = bin.Low,
                    ["high"] = bin.High,
                    ["count"] = bin.Count,
                    ["probability"] = Numbers.Json(bin.Confidence),
                    ["right"] = Numbers.Json(bin.Accuracy),
                }
            ),
        };
}
