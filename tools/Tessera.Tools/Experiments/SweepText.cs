using System.Globalization;
using Tessera.Framework.Messages;
using Tessera.Tools.Output;

namespace Tessera.Tools.Experiments;

/// <summary>A sweep on the console.</summary>
internal static class SweepText
{
    /// <summary>The tool's name, and the kind of its summary.</summary>
    public const string Kind = "sweep";

    /// <summary>What will be trained, before it is.</summary>
    public static void Announce(IReadOnlyList<SweepCell> cells, IReadOnlyList<long> seeds)
    {
        var console = ToolConsole.Current;
        var budgets = cells.Select(cell => cell.Budget).Distinct().ToArray();
        console.Note(
            $"{Counted.Of(cells.Count, "cell")}, {Counted.Of(seeds.Count, "seed")} each: "
                + $"{Counted.Of(cells.Count * (long)seeds.Count, "training")}."
                + (budgets.Length == 1 ? $" Every one has the same budget: {budgets[0]}." : "")
        );
        if (budgets.Length > 1)
            console.Warning(
                "The cells have different budgets, so what is better may only be longer: "
                    + string.Join("; ", cells.GroupBy(cell => cell.Budget).Select(group => $"{group.Key} ({Named(group)})"))
                    + "."
            );
    }

    public static void Show(SweepResult result)
    {
        var console = ToolConsole.Current;
        var first = result.Cells[0].Cell.Name;
        console.Heading($"{result.Metric} of val, final evaluation; {(result.Greater ? "more" : "less")} is better");
        console.Table(
            ["rank", "cell", "mean", "deviation", "95 % interval", "runs", $"minus {first}", "p", "p, Holm"],
            result.Ranked.Select((cell, i) => Row(cell, i + 1)),
            alignsNumbers: true
        );
        var budgets = result.Cells.Select(cell => cell.Cell.Budget).Distinct().ToArray();
        console.Line(
            budgets.Length == 1
                ? $"Equal budget: {budgets[0]} for every run."
                : $"Unequal budgets: {string.Join("; ", result.Cells.Select(cell => $"{cell.Cell.Name} {cell.Cell.Budget}"))}."
        );
        console.Line(
            "Ranked by val. The test set was not looked at: measure the cell that you choose on it once, at the end, by tools/test."
        );
        if (!SweepCells.TunesRate(result.Grid))
            console.Line(
                "The learning rate is not tuned for each cell: a loss or an optimizer that needs another one looks worse than it is. An "
                    + "axis of optimizer.lr tunes it."
            );
        foreach (var note in Notes(result, first))
            console.Line(note);
        console.Heading("What a run costs, mean over a cell's runs");
        console.Table(
            ["cell", "parameters", "trained", "seconds", "peak MB"],
            result.Ranked.Select(cell => SweepCosts.Of(cell).Shown(cell.Cell.Name)),
            alignsNumbers: true
        );
    }

    private static string Named(IEnumerable<SweepCell> cells) =>
        cells.ToArray() is [var first, _, ..] ? $"{first.Name}, …" : cells.First().Name;

    private static IEnumerable<string> Notes(SweepResult result, string first)
    {
        var runs = result.Cells.Min(cell => cell.Metric.Over.Count);
        if (SummaryText.WithoutInterval(runs) is { } few)
            yield return few;
        if (result.Comparisons > 0)
            yield return $"p: Student's paired test over seeds, two-sided, each cell beside {first}; Holm's correction for "
                + $"{Counted.Of(result.Comparisons, "comparison")}.";
        if (result.Comparisons == 0 && result.Cells.Count > 1)
            yield return "No test: it needs at least 3 seeds that both cells were trained with.";
        if (result.Missing > 0)
            yield return $"{Counted.Of(result.Missing, "run is", "runs are")} missing in these figures.";
    }

    private static string[] Row(CellResult cell, int rank) =>
        [
            rank.ToString(CultureInfo.InvariantCulture),
            cell.Cell.Name,
            SummaryText.Number(cell.Metric.Over.Mean),
            SummaryText.Number(cell.Metric.Over.Deviation),
            SummaryText.Interval(cell.Metric.Over),
            $"{cell.Metric.Over.Count}",
            cell.Beside is { } beside ? Signed(beside.Difference.Mean) : "",
            P(cell.Beside?.P),
            P(cell.Beside?.Corrected),
        ];

    private static string Signed(double value) =>
        double.IsFinite(value) ? value.ToString("+0.0000;-0.0000;0.0000", CultureInfo.InvariantCulture) : "";

    private static string P(double? value) =>
        value is not { } p || double.IsNaN(p) ? ""
        : p < 0.0001 ? "< 0.0001"
        : p.ToString("0.0000", CultureInfo.InvariantCulture);
}
