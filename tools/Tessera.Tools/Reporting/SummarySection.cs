using System.Globalization;
using Tessera.Framework.Configuration;
using Tessera.Framework.Messages;
using Tessera.Tools.Logs;
using Tessera.Tools.Output;
using Tessera.Tools.Pages;

namespace Tessera.Tools.Reporting;

/// <summary>A run at a glance.</summary>
internal static class SummarySection
{
    private const int MostValues = 3;

    /// <summary>What was trained on what, in a sentence.</summary>
    public static string Sentence(ReportedRun run)
    {
        var model = Type(run.Config, "model") ?? "A model";
        var backbone = Type(run.Config, "model.backbone") is { } type ? $" with a {type}" : "";
        var data = run.Facts is { } facts ? Text($", trained on {Counted.Of(facts.Train.Samples, "image")} of {facts.Train.Type}") : "";
        var classes = run.Predictions is { } file ? $", {Counted.Of(file.Data.Classes.Count, "class", "classes")}" : "";
        return $"{model}{backbone}{data}{classes}.";
    }

    public static Html Of(ReportedRun run, MeasuredRun? measured)
    {
        var cards = MetricSection.Names(run).Take(MostValues).Select(name => Metric(run, measured, name)).ToList();
        cards.Add(Progress(run));
        if (run.Result is { } result)
            cards.Add(Card("time", Duration(result.Seconds), "since it was begun or resumed last"));
        if (
            run.Scalars.Of("train", RunTables.Speed).Select(point => point.Y).Where(double.IsFinite).Order().ToArray() is
            { Length: > 0 } speeds
        )
            cards.Add(Card("images per second", Text($"{speeds[speeds.Length / 2]:#,0}"), "median of the training"));
        return Html.Of($"<div class=\"cards\">{cards}</div>{run.Problems.Select(Note)}");
    }

    /// <summary>Something that is missing, and why.</summary>
    public static Html Note(string text) => Html.Of($"<p class=\"note\">{text}</p>");

    public static string Duration(double seconds) =>
        seconds < 90 ? Text($"{seconds:0} s")
        : seconds < 5400 ? Text($"{seconds / 60:0} min")
        : Text($"{seconds / 3600:0.0} h");

    private static Html Metric(ReportedRun run, MeasuredRun? measured, string name)
    {
        var value = MetricSection.Values(run).GetValueOrDefault(name, double.NaN);
        var more = MetricSection.Interval(run, measured, name) is { } interval
            ? Text($"95 %: {interval.Low:0.000} to {interval.High:0.000}")
            : MetricSection.Source(run);
        return Card(name, double.IsFinite(value) ? Text($"{value:0.0000}") : "–", more);
    }

    private static Html Progress(ReportedRun run)
    {
        var last = run.Scalars.Rows[^1];
        return run.Result switch
        {
            null => Card("state", "not ended", Text($"{last.Iteration:#,0} iterations are logged: it is running, or was stopped"), "warn"),
            { Complete: false } result => Card(
                "state",
                "stopped",
                Text($"{result.Stopped ?? "before its end"}, at iteration {result.Iteration:#,0}"),
                "warn"
            ),
            { } result => Card(
                "trained",
                Text($"{result.Iteration:#,0}"),
                Text($"iterations, {Counted.Of(result.Epochs, "epoch")}{(result.Stopped is { } why ? $"; {why}" : "")}")
            ),
        };
    }

    private static Html Card(string name, string value, string more, string kind = "") =>
        Html.Of(
            $"<div class=\"card\"><div class=\"name\">{name}</div><div class=\"value {kind}\">{value}</div>"
                + $"<div class=\"more\">{more}</div></div>"
        );

    private static string? Type(ConfigDocument? config, string path) => (config?.Find($"{path}.type") as ConfigValue)?.Text;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
