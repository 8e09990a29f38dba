using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Framework.Metrics;
using Tessera.Tools.Output;

namespace Tessera.Tools.Comparison;

/// <summary>Comparisons for people, and for programs.</summary>
internal static class ComparisonText
{
    public static void Show(IReadOnlyList<JudgedComparison> judged, double minGain)
    {
        var console = ToolConsole.Current;
        foreach (var one in judged)
        {
            var found = one.Found;
            if (one != judged[0])
                console.Line();
            console.Fields([
                ("metric", $"{found.Metric}, {(found.Rule == MetricRule.Greater ? "more" : "less")} is better"),
                (found.First, Number(found.Values.First)),
                (found.Second, Number(found.Values.Second)),
                ("difference", $"{Signed(found.Difference)}{Interval(found)}"),
                ("paired on", found.Pairs),
                (found.Test, P(one, judged.Count)),
            ]);
            console.Line(Answer(one, minGain));
        }
        if (judged.Count > 1)
        {
            console.Line();
            console.Line(
                $"{judged.Count} comparisons, each with {judged[0].Found.First}: the p values are raised by Holm's method, so "
                    + $"that the chance of "
                    + $"one wrong answer among all stays at {Number(Judgement.Level)}. Each interval is for its comparison alone."
            );
        }
    }

    /// <summary>All figures, by name.</summary>
    public static JsonObject Json(IReadOnlyList<JudgedComparison> judged, double minGain) =>
        new()
        {
            ["comparisons"] = judged.Count,
            ["level"] = Judgement.Level,
            ["min_gain"] = minGain,
            ["correction"] = judged.Count > 1 ? "holm" : null,
            ["exit_code"] = Judgement.ExitCode([.. judged]),
            ["results"] = new JsonArray([.. judged.Select(one => (JsonNode?)One(one))]),
        };

    private static JsonObject One(JudgedComparison one)
    {
        var found = one.Found;
        var result = new JsonObject
        {
            ["first"] = found.First,
            ["second"] = found.Second,
            ["metric"] = found.Metric,
            ["better"] = found.Rule == MetricRule.Greater ? "greater" : "less",
            ["first_value"] = Finite(found.Values.First),
            ["second_value"] = Finite(found.Values.Second),
            ["difference"] = Finite(found.Difference),
            ["interval"] = found.Interval is { } interval ? new JsonArray(Finite(interval.Low), Finite(interval.High)) : null,
            ["test"] = found.Test,
            ["paired_on"] = found.Pairs,
            ["p"] = Finite(one.P),
            ["answer"] = one.Verdict switch
            {
                Verdict.Better => "better",
                Verdict.Worse => "worse",
                _ => "not_shown",
            },
        };
        foreach (var (name, value) in found.Further)
            result[name] = Finite(value);
        return result;
    }

    /// <summary>The verdict in a sentence.</summary>
    public static string Answer(JudgedComparison one, double minGain)
    {
        var found = one.Found;
        var by = minGain > 0 ? $" by more than {Number(minGain)}" : "";
        return one.Verdict switch
        {
            Verdict.Better when minGain < 0 => $"{found.Second} is not worse than {found.First} by {Number(-minGain)} or more.",
            Verdict.Better => $"{found.Second} is better than {found.First}{by}.",
            Verdict.Worse when minGain < 0 => $"{found.Second} is worse than {found.First} by more than {Number(-minGain)}.",
            Verdict.Worse => $"{found.Second} is worse than {found.First}.",
            _ when double.IsNaN(one.P) =>
                $"Not shown: with so few runs no difference can be told from chance. At least 3 are needed, 5 are better.",
            _ => $"Not shown: {found.Second} differs from {found.First} by no more than chance may give"
                + (by.Length > 0 ? $", or not{by}." : "."),
        };
    }

    private static string Interval(FoundDifference found) =>
        found.Interval is not { } interval || double.IsNaN(interval.Low)
            ? ""
            : $" (95 % interval {Signed(interval.Low)} to {Signed(interval.High)})";

    /// <summary>The p value; of several comparisons that raised by Holm's method.</summary>
    public static string P(JudgedComparison one, int comparisons) =>
        double.IsNaN(one.P) ? "too few runs"
        : one.P < 0.0001 ? "p < 0.0001"
        : string.Create(CultureInfo.InvariantCulture, $"p = {one.P:0.0000}{(comparisons > 1 ? " (Holm)" : "")}");

    public static string Number(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    public static string Signed(double value) => value.ToString("+0.0000;-0.0000;0", CultureInfo.InvariantCulture);

    private static JsonNode? Finite(double value) => double.IsFinite(value) ? value : null;
}
