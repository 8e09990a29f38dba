using System.CommandLine;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Tools.Comparison;
using Tessera.Tools.Output;
using Tessera.Tools.Reporting;

namespace Tessera.Tools.Commands;

/// <summary>Writes one page about runs that one can send on.</summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        var runs = new Argument<string[]>("WORK_DIR…")
        {
            Description = "Work dirs of tools/train; several are shown beside each other.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var compare = new Option<string[]>("--compare")
        {
            Description = "Two work dirs, instead: whether the second is better, and where they differ.",
            HelpName = "A B",
            Arity = new ArgumentArity(2, 2),
            AllowMultipleArgumentsPerToken = true,
        };
        var output = CommandLine.Option<string>("--out", "report.html", "report.html", "The page. Default: report.html.");
        var settings = new ReportArguments();
        var command = new Command(
            "report",
            "Writes one HTML page about a run: config, curves, metrics with intervals, confusions, best and worst images, data."
        )
        {
            runs,
            compare,
            output,
        };
        settings.AddTo(command);
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(runs),
                parsed.GetValue(compare) ?? [],
                parsed.GetRequiredValue(output),
                settings.Read(parsed),
                settings.Metric(parsed)
            )
        );
        return command;
    }

    private static int Run(string[] paths, string[] compared, string output, ReportSettings settings, string? metric)
    {
        RequireRuns(paths, compared, metric);
        if (Path.GetExtension(output).ToLowerInvariant() is not (".html" or ".htm"))
            throw new UserErrorException($"--out {output}: the page is HTML; a name that ends in .html was expected.");
        var runs = new List<ReportedRun>();
        try
        {
            foreach (var path in compared.Length > 0 ? compared : paths)
                runs.Add(ReportedRun.Open(path, settings));
            ReportedRun.Distinguish(runs);
            var judged = compared.Length > 0 ? Compare(runs, settings, metric) : null;
            var text = new ReportPage(runs, judged, settings).Write();
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(output))!);
            AtomicFile.WriteText(output, text);
            foreach (var problem in runs.SelectMany(run => run.Problems))
                ToolConsole.Current.Warning(problem);
        }
        finally
        {
            runs.ForEach(run => run.Dispose());
        }
        ToolConsole.Current.Line(output);
        return 0;
    }

    private static void RequireRuns(string[] paths, string[] compared, string? metric)
    {
        if (paths.Length == 0 && compared.Length == 0)
            throw new UserErrorException("report: WORK_DIR is missing, the folder of a run; or --compare A B.");
        if (paths.Length > 0 && compared.Length > 0)
            throw new UserErrorException($"--compare takes the two work dirs itself; {paths[0]} is one too many.");
        if (metric is not null && compared.Length == 0)
            throw new UserErrorException("--metric says what --compare goes by; without that it has no meaning.");
        if (
            (compared.Length > 0 ? compared : paths)
                .GroupBy(path => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)))
                .FirstOrDefault(group => group.Count() > 1) is
            { } twice
        )
            throw new UserErrorException($"{twice.First()} is named twice.");
    }

    private static JudgedComparison Compare(List<ReportedRun> runs, ReportSettings settings, string? metric)
    {
        if (runs[0].Session is null)
            throw new UserErrorException($"{runs[0].Folder}: {runs[0].NoSession}");
        var request = new ComparisonRequest(
            [runs[0].Folder, runs[1].Folder],
            metric,
            MinGain: 0,
            settings.Part,
            Config: null,
            Math.Max(settings.Bootstrap, ComparisonArguments.FewestRepetitions),
            [.. settings.Overrides]
        );
        return Judgement.Of(RunComparison.Of(request), request.MinGain)[0];
    }
}
