using System.CommandLine;
using System.Globalization;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Tools.Experiments;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Trains a config with several seeds, or a run once more.</summary>
internal static class RepeatCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        config.Arity = ArgumentArity.ZeroOrOne;
        var seeds = CommandLine.Option<string>(
            "--seeds",
            "N|LIST",
            "5",
            "How many seeds, from the config's on; or the seeds themselves, such as 0,1,7. Default: 5."
        );
        var from = CommandLine.Option<string?>(
            "--from",
            "RUN",
            "A run's folder: trains it again from what lies there, and says whether its metrics come out the same."
        );
        var shared = new ExperimentArguments("work_dirs/NAME-OF-CONFIG_repeat");
        var command = new Command(
            "repeat",
            "Trains a config with several seeds, and gives mean, deviation and interval; or trains a run again."
        )
        {
            config,
            seeds,
            from,
        };
        shared.AddTo(command);
        command.SetAction(parsed =>
        {
            var settings = shared.Read(parsed);
            return (parsed.GetValue(config), parsed.GetValue(from)) switch
            {
                (null, { } run) => RunAgain.Run(run, settings),
                ({ } path, null) => Run(path, parsed.GetRequiredValue(seeds), settings),
                (null, null) => throw new UserErrorException(
                    "tools/repeat\n  CONFIG is missing: the config file. Or give a run by --from."
                ),
                _ => throw new UserErrorException("--from takes the config of its run; leave CONFIG out."),
            };
        });
        return command;
    }

    private static int Run(string path, string seeds, ExperimentSettings settings)
    {
        var config = ConfigDocument.Load(path, settings.Overrides);
        using var session = Session.Open(config);
        ExperimentSettings.RequireEvaluation(session);
        var plan = new ExperimentPlan(SeedRuns.Kind, path) { Threads = settings.ThreadsOf(session.Options) };
        var list = int.TryParse(seeds, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? SeedList.From(session.Options.Seed, count, "--seeds")
            : SeedList.Parse(seeds);
        var workDir = settings.WorkDir ?? Path.Combine("work_dirs", $"{Path.GetFileNameWithoutExtension(path)}_repeat");
        using var folder = ExperimentFolder.Open(workDir, plan, settings.Overwrite);
        var runs = SeedRuns.Of(config, list, ExperimentSettings.Shared(folder.Plan, session.Options));
        return RunSummaries.Run(folder, runs, settings.Jobs, session.Options);
    }
}
