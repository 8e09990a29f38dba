using System.Globalization;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Experiments;

/// <summary>A combination of the axes' levels, trained with each seed.</summary>
/// <param name="Name">Of its folder.</param>
/// <param name="Levels">By the axes' order.</param>
/// <param name="Budget">How long each training is, in words.</param>
internal sealed record SweepCell(string Name, IReadOnlyList<string> Levels, string Budget, IReadOnlyList<ExperimentRun> Runs);

/// <summary>The cells of a grid.</summary>
internal static class SweepCells
{
    /// <summary>Makes all configs and reads them against the options there are, so that nothing is trained before all are known to be
    /// right.</summary>
    /// <param name="plan">As the folder has it.</param>
    /// <exception cref="UserErrorException">Everything that is wrong with any cell.</exception>
    public static IReadOnlyList<SweepCell> Of(ConfigGrid grid, IReadOnlyList<long> seeds, ExperimentPlan plan)
    {
        var (cells, mistakes, names) = (new List<SweepCell>(), new List<string>(), new HashSet<string>(StringComparer.OrdinalIgnoreCase));
        foreach (var levels in grid.Cells)
        {
            var name = string.Join('_', levels.Select(level => level.Name));
            if (!names.Add(name))
                throw new UserErrorException(
                    $"{SourceLocation.Display(grid.Path)}: two cells are called \"{name}\". Name the levels otherwise."
                );
            try
            {
                cells.Add(Cell(name, grid.Config(levels), [.. levels.Select(level => level.Name)], seeds, plan));
            }
            catch (UserErrorException error)
            {
                mistakes.Add(error.Message);
            }
        }
        if (mistakes.Count > 0)
            throw new UserErrorException(string.Join("\n\n", mistakes.Distinct()));
        return cells;
    }

    private static SweepCell Cell(string name, ConfigDocument config, string[] levels, IReadOnlyList<long> seeds, ExperimentPlan plan)
    {
        using var session = Session.Open(config);
        ExperimentSettings.RequireEvaluation(session);
        var shared = config.Edited([.. ExperimentSettings.Shared(plan, session.Options)]);
        return new SweepCell(
            name,
            levels,
            Budget(session),
            [
                .. seeds.Select(seed => new ExperimentRun($"{name}/seed-{seed}", shared.Edited([ExperimentSettings.Seed(seed)]), seed)
                {
                    Cell = name,
                }),
            ]
        );
    }

    private static string Budget(Session session)
    {
        var train = session.Options.Train!;
        var loop = train.BuildLoop(session.Services);
        var batch = (train.Loader ?? new LoaderOptions()).BatchSize * train.Accumulate;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{loop.Length:#,0} {loop.Counts.ToString().ToLowerInvariant()} of {batch} images a step"
        );
    }

    /// <summary>Whether some axis is about the learning rate alone.</summary>
    public static bool TunesRate(ConfigGrid grid) =>
        grid.Axes.Any(axis =>
            axis.Levels.Count > 1
            && axis.Levels.Any(level => level.Edits.Count > 0)
            && axis.Levels.SelectMany(level => level.Edits)
                .All(edit => edit.Path == "lr" || edit.Path.EndsWith(".lr", StringComparison.Ordinal))
        );
}
