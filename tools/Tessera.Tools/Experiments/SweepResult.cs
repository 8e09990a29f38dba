using System.Text.Json.Nodes;
using Tessera.Framework.Configuration;
using Tessera.Tools.Output;

namespace Tessera.Tools.Experiments;

/// <summary>What a cell came to.</summary>
/// <param name="Trained">Its runs that came to their end.</param>
/// <param name="Metric">Over these, the metric that cells are ranked by.</param>
/// <param name="Beside">Compared with the first cell; null for that itself.</param>
internal sealed record CellResult(SweepCell Cell, IReadOnlyList<TrainedRun> Trained, MetricOverRuns Metric, SweepComparison? Beside);

/// <summary>What the cells of a sweep came to, by one metric of val.</summary>
/// <param name="Grid">What was swept.</param>
/// <param name="Metric">Its name.</param>
/// <param name="Greater">Whether more of it is better.</param>
/// <param name="Cells">In the grid's order; the first is that which the others are compared with.</param>
internal sealed record SweepResult(ConfigGrid Grid, string Metric, bool Greater, IReadOnlyList<CellResult> Cells)
{
    /// <summary>The best first; cells without a value last.</summary>
    public IReadOnlyList<CellResult> Ranked =>
        [
            .. Cells
                .OrderBy(cell => double.IsNaN(cell.Metric.Over.Mean))
                .ThenBy(cell => Greater ? -cell.Metric.Over.Mean : cell.Metric.Over.Mean),
        ];

    /// <summary>How many p-values there are.</summary>
    public int Comparisons => Cells.Count(cell => cell.Beside is { P: not double.NaN });

    /// <summary>Runs that are planned and not trained.</summary>
    public int Missing => Cells.Sum(cell => cell.Cell.Runs.Count - cell.Trained.Count);

    public static SweepResult Of(
        ConfigGrid grid,
        IReadOnlyList<SweepCell> cells,
        IReadOnlyList<TrainedRun> trained,
        string metric,
        bool greater
    )
    {
        var byCell = cells.Select(cell => trained.Where(run => run.Run.Cell == cell.Name).ToArray()).ToArray();
        var values = byCell
            .Select(runs =>
                (IReadOnlyDictionary<long, double>)
                    runs.Where(run => double.IsFinite(run[metric])).ToDictionary(run => run.Run.Seed, run => run[metric])
            )
            .ToArray();
        var compared = SweepComparison.Of(values[0], values[1..]);
        return new SweepResult(
            grid,
            metric,
            greater,
            [
                .. cells.Select(
                    (cell, i) =>
                        new CellResult(
                            cell,
                            byCell[i],
                            new MetricOverRuns(metric, greater ? "greater" : "less", [.. values[i].Values]),
                            i == 0 ? null : compared[i - 1]
                        )
                ),
            ]
        );
    }

    /// <summary>Writes summary.json, costs.csv, and each cell's own summary, as tools/repeat writes it.</summary>
    public void Write(string folder)
    {
        foreach (var cell in Cells.Where(cell => cell.Trained.Count > 0))
            new ExperimentSummary(SeedRuns.Kind, cell.Cell.Name, cell.Trained)
            {
                Missing = cell.Cell.Runs.Count - cell.Trained.Count,
            }.Write(Path.Combine(folder, cell.Cell.Name));
        MetricFiles.Write(Path.Combine(folder, ExperimentSummary.FileName), ToJson());
        SweepCosts.Write(Path.Combine(folder, SweepCosts.FileName), Ranked);
    }

    private JsonObject ToJson() =>
        new()
        {
            ["kind"] = SweepText.Kind,
            ["config"] = SourceLocation.Display(Grid.Path),
            ["evaluation"] = "final, of val",
            ["metric"] = Metric,
            ["better"] = Greater ? "greater" : "less",
            ["first"] = Cells[0].Cell.Name,
            ["comparisons"] = Comparisons,
            ["missing_runs"] = Missing,
            ["axes"] = new JsonObject(
                Grid.Axes.Select(axis =>
                    KeyValuePair.Create(axis.Name, (JsonNode?)new JsonArray([.. axis.Levels.Select(level => (JsonNode)level.Name)]))
                )
            ),
            ["cells"] = new JsonArray([.. Ranked.Select(CellToJson)]),
        };

    private JsonNode CellToJson(CellResult cell)
    {
        var json = ExperimentSummary.OverToJson(cell.Metric.Over);
        json["cell"] = cell.Cell.Name;
        json["levels"] = new JsonObject(Grid.Axes.Select((axis, i) => KeyValuePair.Create(axis.Name, (JsonNode?)cell.Cell.Levels[i])));
        json["budget"] = cell.Cell.Budget;
        json["seeds"] = new JsonArray([.. cell.Trained.Select(run => (JsonNode)run.Run.Seed)]);
        if (cell.Beside is { } beside)
        {
            var difference = ExperimentSummary.OverToJson(beside.Difference);
            difference["p"] = double.IsFinite(beside.P) ? beside.P : null;
            difference["p_holm"] = double.IsFinite(beside.Corrected) ? beside.Corrected : null;
            json["beside_first"] = difference;
        }
        return json;
    }
}
