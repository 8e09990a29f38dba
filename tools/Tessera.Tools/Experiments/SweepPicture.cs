using Tessera.Framework.Metrics.Statistics;
using Tessera.Framework.Visualization.Charts;

namespace Tessera.Tools.Experiments;

/// <summary>The main effects of a sweep: a panel for each axis, in which each level has the runs of all cells that it stands in.</summary>
internal static class SweepPicture
{
    /// <summary>The file's name.</summary>
    public const string FileName = "effects.png";

    public static void Save(SweepResult result, string folder) =>
        new ChartPage
        {
            Title =
                $"{result.Metric} of val by {string.Join(", ", result.Grid.Axes.Select(axis => axis.Name))}; "
                + (result.Greater ? "more is better" : "less is better"),
            Columns = result.Grid.Axes.Count == 1 ? 1 : 2,
            Charts = [.. result.Grid.Axes.Select((axis, i) => Panel(result, axis.Name, [.. axis.Levels.Select(level => level.Name)], i))],
        }.Save(Path.Combine(folder, FileName));

    private static DotChart Panel(SweepResult result, string axis, string[] levels, int at) =>
        new()
        {
            Title = axis,
            Label = result.Grid.Axes.Count > 1 ? "each dot a run; the means go over all other axes" : "each dot a run",
            Rows =
            [
                .. levels.Select(level =>
                {
                    var values = result.Cells.Where(cell => cell.Cell.Levels[at] == level).SelectMany(cell => cell.Metric.Values).ToArray();
                    var over = MeanInterval.Of(values);
                    return new DotRow(level, values, over.Mean, over.Interval);
                }),
            ],
        };
}
