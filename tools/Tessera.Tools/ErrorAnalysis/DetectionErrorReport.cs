using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics.Analysis;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization;
using Tessera.Framework.Visualization.Charts;
using Tessera.Tools.Output;

namespace Tessera.Tools.ErrorAnalysis;

/// <summary>A detector's errors: TIDE's kinds, and COCO's curves.</summary>
/// <param name="groups">Indices of similar classes.</param>
internal sealed class DetectionErrorReport(DataInfo data, IReadOnlyList<IReadOnlyList<int>> groups) : IErrorReport
{
    private const int MostPairs = 20;

    private readonly TideAnalysis _tide = new(data);
    private readonly CocoErrorCurves _curves = new(data, groups);

    public void Add(Sample sample, Prediction prediction)
    {
        _tide.Add(sample, prediction);
        _curves.Add(sample, prediction);
    }

    public void Finish(string title, FileSet files, JsonObject document)
    {
        var tide = _tide.Result();
        ShowTide(tide);
        var means = CocoErrorCurves.Areas.Select((_, area) => _curves.Mean(area)).ToArray();
        ShowCurves(means);
        files.Add("errors.png", Kinds(title, tide));
        if (Curves(title, means) is { } page)
            files.Add("precision.png", page);
        document["tide"] = TideJson(tide);
        document["coco"] = CurvesJson(means);
    }

    private void ShowTide(TideResult tide)
    {
        var console = ToolConsole.Current;
        console.Line(FormattableString.Invariant($"AP at an overlap of 0.5: {100 * tide.Ap:0.00}"));
        console.Line();
        console.Table(
            ["kind of error", "errors", "AP to gain"],
            [
                .. tide.Counts.Select(kind => (string[])[Word(kind.Key), Numbers.Count(kind.Value), Numbers.Gain(tide.Gains[kind.Key])]),
                ["all false positives", "", Numbers.Gain(tide.FalsePositiveGain)],
                ["all false negatives", "", Numbers.Gain(tide.FalseNegativeGain)],
            ]
        );
        console.Line();
        var kinds = Enum.GetValues<DetectionError>();
        console.Table(
            ["class", "objects", "AP50", .. kinds.Select(Word)],
            tide.Classes.Select(row =>
                (string[])
                    [
                        row.Name,
                        Numbers.Count(row.Objects),
                        Numbers.Percent(row.Ap),
                        .. kinds.Select(kind => Numbers.Count(row.Counts[kind])),
                    ]
            )
        );
        if (tide.Confusions.Count == 0)
            return;
        console.Line();
        console.Table(
            ["object", "taken for", "boxes"],
            tide.Confusions.Take(MostPairs)
                .Select(pair => (string[])[data.Classes[pair.Truth], data.Classes[pair.Predicted], Numbers.Count(pair.Count)])
        );
    }

    private static void ShowCurves(IReadOnlyDictionary<CocoErrorStep, double[]>?[] means)
    {
        var steps = Enum.GetValues<CocoErrorStep>();
        ToolConsole.Current.Line();
        ToolConsole.Current.Table(
            ["mean precision, forgiven so far", .. steps.Select(step => $"{step}")],
            means.Select(
                (mean, area) =>
                    (string[])
                        [
                            $"{CocoErrorCurves.Areas[area]} objects",
                            .. steps.Select(step => Numbers.Percent(mean is null ? double.NaN : mean[step].Average())),
                        ]
            )
        );
    }

    private static BarChart Kinds(string title, TideResult tide)
    {
        var colors = ClassColors.Distinct(3);
        return new BarChart
        {
            Title = title,
            Label = FormattableString.Invariant($"AP50 to gain, in points (AP50 is {100 * tide.Ap:0.0})"),
            Format = "0.00",
            Bars =
            [
                .. tide.Gains.Select(kind => new Bar(
                    FormattableString.Invariant($"{Word(kind.Key)} ({tide.Counts[kind.Key]})"),
                    100 * kind.Value,
                    Color: colors[0]
                )),
                new Bar("all false positives", 100 * tide.FalsePositiveGain, Color: colors[1]),
                new Bar("all false negatives", 100 * tide.FalseNegativeGain, Color: colors[1]),
            ],
        };
    }

    /// <returns>null where nothing is asked for.</returns>
    private static ChartPage? Curves(string title, IReadOnlyDictionary<CocoErrorStep, double[]>?[] means)
    {
        var panels = new List<Panel>();
        for (var area = 0; area < means.Length; area++)
        {
            if (means[area] is not { } mean)
                continue;
            panels.Add(
                new LineChart
                {
                    Title = $"{CocoErrorCurves.Areas[area]} objects",
                    XLabel = "recall",
                    YLabel = "precision",
                    FromZero = true,
                    Width = 560,
                    Height = 420,
                    Curves =
                    [
                        .. mean.Select(step => new Curve(
                            FormattableString.Invariant($"{step.Key} {100 * step.Value.Average():0.0}"),
                            [.. step.Value.Select((precision, r) => (r / (CocoErrorCurves.Points - 1.0), precision))]
                        )),
                    ],
                }
            );
        }
        return panels.Count == 0 ? null : new ChartPage { Title = title, Charts = panels };
    }

    private static JsonObject TideJson(TideResult tide) =>
        new()
        {
            ["ap50"] = Numbers.Json(tide.Ap),
            ["counts"] = ByKind(tide.Counts, count => count),
            ["gains"] = ByKind(tide.Gains, Numbers.Json),
            ["gain_of_false_positives"] = Numbers.Json(tide.FalsePositiveGain),
            ["gain_of_false_negatives"] = Numbers.Json(tide.FalseNegativeGain),
            ["classes"] = Numbers.List(
                tide.Classes,
                row => new JsonObject
                {
                    ["name"] = row.Name,
                    ["objects"] = row.Objects,
                    ["ap50"] = Numbers.Json(row.Ap),
                    ["counts"] = ByKind(row.Counts, count => count),
                }
            ),
            ["confusions"] = Numbers.List(tide.Confusions, pair => new JsonArray(pair.Truth, pair.Predicted, pair.Count)),
        };

    private JsonObject CurvesJson(IReadOnlyDictionary<CocoErrorStep, double[]>?[] means)
    {
        var classes = data.Classes.Select(
            (name, label) =>
            {
                var row = new JsonObject { ["name"] = name };
                for (var area = 0; area < CocoErrorCurves.Areas.Count; area++)
                    row[CocoErrorCurves.Areas[area]] = Averages(_curves.OfClass(label, area));
                return row;
            }
        );
        return new JsonObject
        {
            ["mean"] = new JsonObject(
                means.Select((mean, area) => KeyValuePair.Create(CocoErrorCurves.Areas[area], (JsonNode?)Averages(mean)))
            ),
            ["classes"] = new JsonArray([.. classes]),
            ["curves"] = means[0] is not { } all
                ? null
                : new JsonObject(all.Select(step => KeyValuePair.Create($"{step.Key}", (JsonNode?)Numbers.List(step.Value, Numbers.Json)))),
        };

        static JsonObject? Averages(IReadOnlyDictionary<CocoErrorStep, double[]>? curves) =>
            curves is null
                ? null
                : new JsonObject(curves.Select(step => KeyValuePair.Create($"{step.Key}", Numbers.Json(step.Value.Average()))));
    }

    private static JsonObject ByKind<T>(IReadOnlyDictionary<DetectionError, T> values, Func<T, JsonNode?> of) =>
        new(values.Select(value => KeyValuePair.Create(Word(value.Key), of(value.Value))));

    private static string Word(DetectionError kind) => kind.ToString().ToLowerInvariant();
}
