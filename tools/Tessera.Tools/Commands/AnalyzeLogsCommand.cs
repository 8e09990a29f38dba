using System.CommandLine;
using System.Globalization;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Framework.Visualization;
using Tessera.Framework.Visualization.Charts;
using Tessera.Tools.Logs;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Draws what runs logged, and tells how fast they were.</summary>
internal static class AnalyzeLogsCommand
{
    private const int MostCharts = 16,
        SmoothedFrom = 3; // of two points the second would but move

    public static Command Create()
    {
        var paths = new Argument<string[]>("PATH…")
        {
            Description = "Work dirs, or scalars.jsonl files: one for each run.",
            Arity = ArgumentArity.OneOrMore,
        };
        var keys = new Option<string[]>("--keys")
        {
            Description =
                "What to draw: loss mIoU lr. Default: the loss, the rate, and every value of the evaluations that is not of one class.",
            HelpName = "KEY",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        var output = CommandLine.Option<string>("--out", "PATH", "curves.png", "The picture: .png or .svg. Default: curves.png.");
        var smooth = CommandLine.Option<double>(
            "--smooth",
            "SHARE",
            0.6,
            "Smoothing of training values, 0 (none) to below 1; the raw ones stay faintly. Default: 0.6."
        );
        var title = CommandLine.Option<string>("--title", "TEXT", "", "Above the picture.");
        var command = new Command("analyze-logs", "Draws the curves of one or several runs into one picture, and gives their speed.")
        {
            paths,
            keys,
            output,
            smooth,
            title,
        };
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(paths),
                parsed.GetRequiredValue(keys),
                parsed.GetRequiredValue(output),
                parsed.GetValue(smooth),
                parsed.GetRequiredValue(title)
            )
        );
        return command;
    }

    private static int Run(string[] paths, string[] wanted, string output, double smooth, string title)
    {
        Chart.RequireKnownEnding(output);
        if (smooth is not (>= 0 and < 1))
            throw new UserErrorException($"--smooth is {smooth}; a number from 0 to below 1 was expected.");
        var runs = RunScalars.Distinguish([.. paths.Select(RunScalars.Load)], paths);
        var all = runs.SelectMany(run => run.Keys).Distinct().ToArray();
        var chosen = wanted.Length == 0 ? Default(all) : wanted.SelectMany(key => Find(key, all)).ToArray();

        new ChartPage
        {
            Title = title,
            Columns = chosen.Length == 1 ? 1 : 2,
            Charts = [.. chosen.Select(key => Draw(key.Kind, key.Key, runs, smooth))],
        }.Save(output);
        var text = ToolConsole.Current;
        RunTables.WriteValues(text, runs, chosen);
        RunTables.WriteTimes(text, runs);
        foreach (var run in runs.Where(run => run.BadLines > 0))
            ToolConsole.Current.Note(
                $"{run.Name}: "
                    + (run.BadLines == 1 ? "1 line is no row of scalars and was" : $"{run.BadLines} lines are no rows of scalars and were")
                    + " left out."
            );
        ToolConsole.Current.Line(output);
        return 0;
    }

    private static (string Kind, string Key)[] Default((string Kind, string Key)[] all)
    {
        var names = all.Select(key => key.Key).ToHashSet(StringComparer.Ordinal);
        var found = all.Where(key =>
                key.Kind == "train"
                    ? key.Key is "loss" or "lr" || key.Key.StartsWith("lr/", StringComparison.Ordinal)
                    : !IsTime(key.Key) && !DetailKeys.IsDetail(key.Key, names)
            )
            .ToArray();
        if (found.Length == 0)
            found = [.. all.Where(key => !IsTime(key.Key))];
        if (found.Length > MostCharts)
            ToolConsole.Current.Note(
                $"{Counted.Of(found.Length - MostCharts, "value")} more {(found.Length - MostCharts == 1 ? "is" : "are")} not drawn: "
                    + $"{string.Join(", ", found.Skip(MostCharts).Select(key => key.Key))}. --keys names what to draw."
            );
        return [.. found.Take(MostCharts)];
    }

    /// <summary>"loss" in whatever kind has it, or "val loss".</summary>
    private static (string Kind, string Key)[] Find(string wanted, (string Kind, string Key)[] all)
    {
        var found = all.Where(key => key.Key == wanted || $"{key.Kind} {key.Key}" == wanted).ToArray();
        if (found.Length > 0)
            return found;
        var names = all.Select(key => key.Key).Distinct().ToArray();
        throw new UserErrorException(
            $"No run logged \"{wanted}\".{NearestName.Suggest(wanted, names)} There are: "
                + $"{string.Join(", ", names.Take(30))}{(names.Length > 30 ? ", …" : "")}."
        );
    }

    private static bool IsTime(string key) => key is RunTables.Speed or RunTables.Waiting or RunTables.Memory;

    private static LineChart Draw(string kind, string key, IReadOnlyList<RunScalars> runs, double smooth)
    {
        var curves = new List<Curve>();
        var colors = ClassColors.Distinct(runs.Count);
        // All curves of a chart or none: a smoothed one beside one that is not would look worse at the start.
        var smoothed = kind == "train" && key != "lr" && smooth > 0 && runs.Any(run => run.Of(kind, key).Count() >= SmoothedFrom);
        for (var i = 0; i < runs.Count; i++)
        {
            var points = runs[i].Of(kind, key).ToArray();
            if (points.Length == 0)
                continue;
            if (smoothed)
                curves.Add(new Curve("", points, colors[i], Faint: true));
            curves.Add(
                new Curve(
                    runs[i].Name,
                    smoothed ? Smoothed(points, smooth) : points,
                    colors[i],
                    Marks: kind != "train" && points.Length <= 60
                )
            );
        }
        return new LineChart
        {
            Title = $"{key} ({kind})",
            XLabel = "iteration",
            Curves = curves,
            Width = 720,
            Height = 400,
        };
    }

    /// <summary>Exponential moving average, its start corrected; values that are not finite are passed over.</summary>
    internal static (double X, double Y)[] Smoothed((double X, double Y)[] points, double share)
    {
        double sum = 0,
            weight = 0;
        return
        [
            .. points.Select(point =>
            {
                if (double.IsFinite(point.Y))
                    (sum, weight) = (sum * share + point.Y * (1 - share), weight * share + 1 - share);
                return (point.X, weight > 0 ? sum / weight : double.NaN);
            }),
        ];
    }
}
