using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Ensembles;
using Tessera.Framework.Configuration;
using Tessera.Tools.Output;

namespace Tessera.Tools.Ensembles;

/// <summary>Shows what was found out, and writes it as JSON.</summary>
internal sealed class EnsembleReport(EnsembleFindings found)
{
    private const int MostColumns = 6;

    private IReadOnlyList<RowMetrics> Rows =>
        found.Soup is { } soup ? [.. found.Members, found.Whole, soup] : [.. found.Members, found.Whole];

    public void Show()
    {
        var console = ToolConsole.Current;
        var names = found.Whole.Listed.OrderByDescending(name => name == found.Followed?.Name).Take(MostColumns).ToArray();
        console.Heading($"{found.Samples} samples of {found.Part}, vote: {found.Arguments.Vote.ToString().ToLowerInvariant()}");
        var weighs = found.WeightsFrom is not null;
        console.Table(
            weighs ? ["", "model", "weight", .. names] : ["", "model", .. names],
            Rows.Select((row, r) => Row(row, r < found.Members.Count ? r : null, weighs, names))
        );
        console.Heading(found.Rights is { } rights ? $"Pairs, by {rights.Count:#,0} {rights.CaseName}s" : "Pairs");
        ShowPairs();
        console.Line();
        console.Fields([.. Explanations()]);
        foreach (var warning in found.Warnings)
            console.Warning(warning);
    }

    public JsonObject Json() =>
        new()
        {
            ["part"] = found.Part,
            ["samples"] = found.Samples,
            ["vote"] = found.Arguments.Vote.ToString().ToLowerInvariant(),
            ["weights"] = new JsonArray([.. found.Weights.Select(weight => (JsonNode)weight)]),
            ["weights_from"] = found.WeightsFrom,
            ["members"] = new JsonArray([.. found.Members.Select(row => (JsonNode)Json(row))]),
            ["ensemble"] = Json(found.Whole),
            ["predictions"] = found.PredictionsPath,
            ["soup"] = found.Soup is { } soup
                ? new JsonObject
                {
                    ["path"] = found.SoupPath,
                    ["members"] = new JsonArray([.. found.SoupOf.Select(m => (JsonNode)found.Members[m].Name)]),
                    ["metrics"] = Json(soup)["metrics"]!.DeepClone(),
                    ["intervals"] = Json(soup)["intervals"]!.DeepClone(),
                }
                : null,
            ["gain"] = found.Gain is { } gain
                ? new JsonObject
                {
                    ["metric"] = found.Followed!.Name,
                    ["over"] = gain.Best,
                    ["value"] = Finite(gain.Value),
                    ["interval"] = Interval((gain.Low, gain.High)),
                }
                : null,
            ["pairs"] = new JsonArray([
                .. found.Pairs().Select(pair => (JsonNode)Json(pair.First, pair.Second, pair.Counts, pair.Correlation)),
            ]),
            ["mean_correlation"] = Finite(found.MeanCorrelation),
            ["right"] = found.Rights is { } rights
                ? new JsonObject
                {
                    ["case"] = rights.CaseName,
                    ["cases"] = rights.Count,
                    ["members"] = new JsonArray([.. rights.Accuracies.Select(accuracy => Finite(accuracy))]),
                    ["majority"] = Finite(rights.Majority),
                    ["majority_if_independent"] = Finite(IndependentMembers.Majority(rights.Accuracies)),
                }
                : null,
            ["decomposition"] = found.Regression is { Ambiguity: var ambiguity }
                ? new JsonObject
                {
                    ["mean_error"] = Finite(ambiguity.MeanError),
                    ["mean_ambiguity"] = Finite(ambiguity.MeanAmbiguity),
                    ["ensemble_error"] = Finite(ambiguity.EnsembleError),
                }
                : null,
            ["notes"] = new JsonArray([.. found.Warnings.Select(warning => (JsonNode)warning)]),
        };

    /// <param name="member">Its number; null where it is none.</param>
    private string[] Row(RowMetrics row, int? member, bool weighs, string[] names)
    {
        var cells = new List<string> { member is { } number ? $"{number + 1}" : "", row.Name };
        if (weighs)
            cells.Add(member is { } m ? Number(found.Weights[m]) : "");
        cells.AddRange(names.Select(name => Cell(row, name)));
        return [.. cells];
    }

    private void ShowPairs()
    {
        var pairs = found.Pairs().ToArray();
        if (found.Rights is null)
        {
            ToolConsole.Current.Table(
                ["pair", "correlation of errors"],
                pairs.Select(pair => new[] { $"{pair.First + 1}, {pair.Second + 1}", Number(pair.Correlation) })
            );
            return;
        }
        ToolConsole.Current.Table(
            ["pair", "disagreement", "Q", "correlation", "both wrong", "kappa"],
            pairs.Select(pair => Row($"{pair.First + 1}, {pair.Second + 1}", Figures(pair.Counts!.Value))).Append(Row("mean", Mean(pairs)))
        );

        static string[] Row(string name, double[] figures) => [name, .. figures.Select(Number)];
    }

    private static double[] Figures(PairCounts counts) =>
        [counts.Disagreement, counts.Q, counts.Correlation, counts.DoubleFault, counts.Kappa];

    private static double[] Mean((int First, int Second, PairCounts? Counts, double Correlation)[] pairs)
    {
        var figures = pairs.Select(pair => Figures(pair.Counts!.Value)).ToArray();
        return
        [
            .. Enumerable
                .Range(0, 5)
                .Select(f => figures.Select(row => row[f]).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average()),
        ];
    }

    private IEnumerable<(string, string)> Explanations()
    {
        if (found.WeightsFrom is { } from)
            yield return ("weights", $"chosen on {from}");
        if (found.Gain is { } gain)
            yield return (
                "gain",
                $"{found.Followed!.Name} {Signed(gain.Value)} over {gain.Best}, the best of them here "
                    + $"(95 %: {Signed(gain.Low)} to {Signed(gain.High)})"
            );
        if (found.Rights is { } rights)
        {
            yield return (
                "majority",
                $"right on {Number(rights.Majority)} of the {rights.CaseName}s; "
                    + $"{Number(IndependentMembers.Majority(rights.Accuracies))} if they erred independently"
            );
            yield return (
                "variance",
                $"of the mean of {found.Members.Count}: "
                    + $"{Number(IndependentMembers.VarianceOfMean(1, found.MeanCorrelation, found.Members.Count))} of a "
                    + "member's at this correlation of being right"
            );
        }
        if (found.Regression is { Ambiguity: var ambiguity })
            yield return (
                "decomposition",
                $"squared error of the whole {Number(ambiguity.EnsembleError)} = members' mean {Number(ambiguity.MeanError)} - ambiguity "
                    + $"{Number(ambiguity.MeanAmbiguity)}"
            );
        if (found.PredictionsPath is { } stored)
            yield return ("predictions", $"of all together in {SourceLocation.Display(stored)}");
        if (found.SoupPath is { } soup)
            yield return (
                "soup",
                $"{soup}, made of {(found.SoupOf.Count == 1 ? "member" : "members")} "
                    + string.Join(", ", found.SoupOf.Select(m => $"{m + 1}"))
            );
    }

    private static string Cell(RowMetrics row, string name)
    {
        if (!row.Values.TryGetValue(name, out var value))
            return "";
        return row.Intervals.TryGetValue(name, out var interval)
            ? $"{Number(value)} ({Number(interval.Low)} to {Number(interval.High)})"
            : Number(value);
    }

    private static JsonObject Json(RowMetrics row) =>
        new()
        {
            ["name"] = row.Name,
            ["metrics"] = new JsonObject(row.Values.Select(value => KeyValuePair.Create(value.Key, Finite(value.Value)))),
            ["intervals"] = new JsonObject(
                row.Intervals.Select(interval => KeyValuePair.Create(interval.Key, (JsonNode?)Interval(interval.Value)))
            ),
        };

    private static JsonObject Json(int first, int second, PairCounts? counts, double correlation)
    {
        var pair = new JsonObject { ["members"] = new JsonArray(first + 1, second + 1), ["correlation"] = Finite(correlation) };
        if (counts is not { } found)
            return pair;
        pair["both_right"] = found.Both;
        pair["both_wrong"] = found.Neither;
        pair["first_right"] = found.First;
        pair["second_right"] = found.Second;
        pair["disagreement"] = Finite(found.Disagreement);
        pair["q"] = Finite(found.Q);
        pair["double_fault"] = Finite(found.DoubleFault);
        pair["kappa"] = Finite(found.Kappa);
        return pair;
    }

    private static JsonArray Interval((double Low, double High) interval) => new(Finite(interval.Low), Finite(interval.High));

    private static JsonNode? Finite(double value) => double.IsFinite(value) ? value : null;

    private static string Number(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);

    private static string Signed(double value) => value.ToString("+0.0000;-0.0000;0", CultureInfo.InvariantCulture);
}
