using System.Text.Json.Nodes;
using Tessera.Datasets.Corruptions;
using Tessera.Framework.Metrics;
using Tessera.Framework.Visualization.Charts;
using Tessera.Tools.Ensembles;
using Tessera.Tools.ErrorAnalysis;
using Tessera.Tools.Output;

namespace Tessera.Tools.Robustness;

/// <summary>A model's value under every corruption, and what that says together.</summary>
internal sealed class RobustnessReport(
    RobustnessFile file,
    FollowedValue followed,
    IReadOnlyList<CorruptionKind> kinds,
    IReadOnlyList<int> severities
)
{
    private double Clean => Of(RobustnessFile.Clean);

    /// <summary>The benchmark's corruptions among those that were evaluated.</summary>
    private CorruptionKind[] Common => [.. kinds.Where(Corruption.Common.Contains)];

    public void Show()
    {
        var console = ToolConsole.Current;
        console.Table(
            [followed.Name, .. severities.Select(severity => $"severity {severity}"), "mean", "of clean, %"],
            kinds.Select(kind =>
                (string[])
                    [
                        RobustnessFile.NameOf(kind),
                        .. severities.Select(severity => Text(Of(kind, severity))),
                        Text(Mean([kind])),
                        Numbers.Percent(Mean([kind]) / Clean),
                    ]
            )
        );
        console.Line();
        console.Fields([("clean", Text(Clean)), .. Summaries().Select(entry => (entry.Name, entry.Text))]);
        if (followed.Rule == MetricRule.Less)
            console.Line($"Less of {followed.Name} is better: shares above 100 % are losses.");
        if (kinds.Contains(CorruptionKind.Frost))
            console.Line(
                "frost is drawn, where the benchmark lays photographs of ice over the image: don't compare it with published figures."
            );
    }

    private IEnumerable<(string Name, string Text)> Summaries()
    {
        if (Common.Length > 0)
        {
            var mean = Mean(Common);
            var which = Common.Length == Corruption.Common.Count ? "all 15" : $"{Common.Length} of 15";
            yield return ("mean under corruption", FormattableString.Invariant($"{mean:0.0000} ({which} of the benchmark, {Severities})"));
            yield return ("of clean", $"{Numbers.Percent(mean / Clean)} %");
        }
        CorruptionKind[] extra = [.. kinds.Except(Common)];
        if (extra.Length > 0)
            yield return ("mean of the extra ones", FormattableString.Invariant($"{Mean(extra):0.0000} ({extra.Length} of 4)"));
    }

    private string Severities =>
        severities.Count == Corruption.MostSevere ? "all severities" : $"severities {string.Join(", ", severities)}";

    public JsonObject Summary() =>
        new()
        {
            ["metric"] = followed.Name,
            ["better"] = followed.Rule == MetricRule.Less ? "less" : "greater",
            ["clean"] = Numbers.Json(Clean),
            ["corruptions"] = new JsonObject(
                kinds.Select(kind => KeyValuePair.Create(RobustnessFile.NameOf(kind), Numbers.Json(Mean([kind]))))
            ),
            ["severities"] = Numbers.List(severities, severity => severity),
            ["benchmark_corruptions"] = Common.Length,
            ["mean_under_corruption"] = Common.Length == 0 ? null : Numbers.Json(Mean(Common)),
            ["relative"] = Common.Length == 0 ? null : Numbers.Json(Mean(Common) / Clean),
            ["frost"] = "drawn in code, not the benchmark's photographs",
        };

    public HeatMap Picture(string title)
    {
        var isError = followed.Rule == MetricRule.Less; // in a unit of its own
        var scale = isError ? 1 : 100;
        var values = new double[kinds.Count, severities.Count + 1];
        for (var k = 0; k < kinds.Count; k++)
        {
            values[k, 0] = scale * Clean;
            for (var s = 0; s < severities.Count; s++)
                values[k, s + 1] = scale * Of(kinds[k], severities[s]);
        }
        return new HeatMap
        {
            Title = isError ? $"{title}: {followed.Name}" : $"{title}: {followed.Name} x 100",
            Rows = [.. kinds.Select(RobustnessFile.NameOf)],
            Columns = ["clean", .. severities.Select(severity => $"{severity}")],
            Values = values,
            Low = 0,
            Format = isError ? "0.###" : "0.0",
            ColumnLabel = "severity",
        };
    }

    private double Mean(IReadOnlyCollection<CorruptionKind> of) =>
        of.SelectMany(kind => severities.Select(severity => Of(kind, severity))).Average();

    private double Of(CorruptionKind kind, int severity) => Of(RobustnessFile.KeyOf(kind, severity));

    private double Of(string key) => MetricLookup.Find(file.Of(key)!, followed.Name, "--metric");

    private static string Text(double value) => FormattableString.Invariant($"{value:0.0000}");
}
