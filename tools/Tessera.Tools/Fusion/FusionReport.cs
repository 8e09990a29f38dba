using System.Text.Json.Nodes;
using Tessera.Framework.Components;
using Tessera.Framework.Metrics;
using Tessera.Models.Detection;
using Tessera.Tools.ErrorAnalysis;
using Tessera.Tools.Output;

namespace Tessera.Tools.Fusion;

/// <summary>What fusing gains over the best of the results.</summary>
/// <param name="members">The values of each of the results.</param>
/// <param name="fused">The values of all together.</param>
internal sealed class FusionReport(
    string[] results,
    IReadOnlyDictionary<string, double>[] members,
    IReadOnlyDictionary<string, double> fused
)
{
    public void Show(IReadOnlyDictionary<string, Metric> metrics, string part)
    {
        string[] names =
        [
            .. fused.Keys.Where(name =>
                double.IsFinite(fused[name])
                && metrics.Values.Any(metric => metric.RuleOf(name) is not null)
                && !name.EndsWith("/low", StringComparison.Ordinal)
                && !name.EndsWith("/high", StringComparison.Ordinal)
            ),
        ];
        ToolConsole.Current.Table(
            [part, .. results.Select((_, i) => $"{i + 1}"), "fused", "gain on the best"],
            names.Select(name =>
                (string[])
                    [
                        name,
                        .. members.Select(values => Text(values.GetValueOrDefault(name, double.NaN))),
                        Text(fused[name]),
                        Numbers.Gain(fused[name] - members.Max(values => values.GetValueOrDefault(name, double.NaN))),
                    ]
            )
        );
        for (var i = 0; i < results.Length; i++)
            ToolConsole.Current.Line($"{i + 1}: {results[i]}");

        static string Text(double value) => double.IsNaN(value) ? "n/a" : FormattableString.Invariant($"{value:0.0000}");
    }

    public JsonObject Document(double[] weights, ResultFusionOptions options) =>
        new()
        {
            ["method"] = ConfigKey.NameOf(options.Method.ToString()),
            ["iou"] = options.Iou,
            ["least_score"] = options.LeastScore,
            ["members"] = Numbers.List(
                results.Select((path, i) => (path, i)),
                member => new JsonObject
                {
                    ["results"] = member.path,
                    ["weight"] = weights[member.i],
                    ["metrics"] = Values(members[member.i]),
                }
            ),
            ["fused"] = Values(fused),
        };

    private static JsonObject Values(IReadOnlyDictionary<string, double> values) =>
        new(values.Select(value => KeyValuePair.Create(value.Key, Numbers.Json(value.Value))));
}
