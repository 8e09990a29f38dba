using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Configuration;
using Tessera.Framework.Messages;
using Tessera.Framework.Running;
using Tessera.Tools.Experiments;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Trains what a config describes.</summary>
internal static class TrainCommand
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    public static Command Create()
    {
        var config = CommandLine.Config();
        var overrides = CommandLine.CfgOptions();
        var workDir = CommandLine.Option<string?>("--work-dir", "DIR", "Where the run writes; work_dirs/NAME-OF-CONFIG by default.");
        var resume = new Option<bool>("--resume") { Description = "Continue from the newest checkpoint of the work dir." };
        var overwrite = new Option<bool>("--overwrite")
        {
            Description = "Begin anew where the work dir holds a run, whose files are then removed.",
        };
        var device = CommandLine.Option<string?>("--device", "DEVICE", "auto, cpu, cuda or cuda:N.");
        var seed = CommandLine.Option<long?>("--seed", "N", "The start of all random numbers. Default: the config's.");
        var untilInputEnds = ParentWatch.Option();
        var command = new Command("train", "Trains what a config describes.")
        {
            config,
            workDir,
            resume,
            overwrite,
            device,
            seed,
            overrides,
            untilInputEnds,
        };
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(config),
                new RunnerOptions
                {
                    WorkDir = parsed.GetValue(workDir),
                    Resume = parsed.GetValue(resume),
                    Overwrite = parsed.GetValue(overwrite),
                    CommandLine = $"{CommandName.Prefix}{string.Join(' ', parsed.Tokens.Select(token => Quoted(token.Value)))}",
                },
                [.. Changes(parsed.GetRequiredValue(overrides), parsed.GetValue(device), parsed.GetValue(seed))],
                parsed.GetValue(untilInputEnds)
            )
        );
        return command;
    }

    private static IEnumerable<string> Changes(string[] overrides, string? device, long? seed)
    {
        foreach (var change in overrides)
            yield return change;
        if (device is not null)
            yield return $"device={device}";
        if (seed is { } number)
            yield return $"seed={number.ToString(CultureInfo.InvariantCulture)}";
    }

    private static int Run(string config, RunnerOptions options, IReadOnlyList<string> changes, bool untilInputEnds)
    {
        using var held = untilInputEnds && options.WorkDir is { } folder ? ParentWatch.Hold(folder) : null;
        var notes = new List<string>();
        using var session = Session.Open(config, new SessionOptions { Overrides = changes, Note = notes.Add });
        using var runner = Runner.Create(
            session,
            options with
            {
                Command = folder =>
                    $"{CommandName.Prefix}train {Quoted(SourceLocation.Display(session.Document.Path!))} --work-dir {Quoted(folder)}"
                    + (changes.Count == 0 ? "" : $" --cfg-options {string.Join(' ', changes.Select(Quoted))}"),
            }
        );
        foreach (var note in notes)
            s_log.LogInformation("{0}", note); // plugins, once the run's log is open

        using var interrupt = Stopping(PosixSignal.SIGINT, runner.Trainer);
        using var terminate = Stopping(PosixSignal.SIGTERM, runner.Trainer);
        if (untilInputEnds)
            ParentWatch.Watch(runner.Trainer);
        runner.Run();
        return 0;
    }

    /// <summary>As a shell takes it.</summary>
    private static string Quoted(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/' or '=' or ',' or ':' or '+')
            ? word
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>The first signal ends the run after this iteration, with everything saved; the second ends the process.</summary>
    private static PosixSignalRegistration Stopping(PosixSignal signal, Trainer trainer) =>
        PosixSignalRegistration.Create(
            signal,
            context =>
            {
                if (trainer.StopReason is not null)
                    return;
                context.Cancel = true;
                trainer.Stop(Trainer.Interrupted);
            }
        );
}
