using System.CommandLine;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Tools.Experiments;
using Tessera.Tools.Output;
using Tessera.Tools.Splitting;

namespace Tessera.Tools.Commands;

/// <summary>Trains a config on all folds of its data but one, for each fold.</summary>
internal static class CrossValidateCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var folds = CommandLine.Option<int>(
            "--folds",
            "K",
            5,
            "Into how many parts the samples of train are dealt; each is evaluated once. Default: 5."
        );
        var repeats = CommandLine.Option<int?>(
            "--repeats",
            "R",
            "How many seeds, from the config's on; each deals the folds anew. Default: 1."
        );
        var seeds = CommandLine.Option<string?>("--seeds", "LIST", "The seeds themselves, such as 0,1,7.");
        var foldSeed = CommandLine.Option<long?>(
            "--fold-seed",
            "N",
            "Deals the folds alike for all seeds, by this one. Default: each seed its own."
        );
        var groups = SplitArguments.Group();
        var yes = new Option<bool>("--yes") { Description = "Take so many folds although it costs much and gains nothing." };
        var shared = new ExperimentArguments("work_dirs/NAME-OF-CONFIG_cross-validate");
        var command = new Command(
            "cross-validate",
            "Trains on all folds of the data but one, for each fold, and gives mean, deviation and interval."
        )
        {
            config,
            folds,
            repeats,
            seeds,
            foldSeed,
            groups,
            yes,
        };
        shared.AddTo(command);
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(config),
                new ExperimentPlan(CrossValidation.Kind, parsed.GetRequiredValue(config))
                {
                    Folds = parsed.GetValue(folds),
                    FoldSeed = parsed.GetValue(foldSeed),
                    Groups = parsed.GetRequiredValue(groups),
                },
                first => Seeds(first, parsed.GetValue(repeats), parsed.GetValue(seeds)),
                parsed.GetValue(yes),
                shared.Read(parsed)
            )
        );
        return command;
    }

    private static IReadOnlyList<long> Seeds(long first, int? repeats, string? list)
    {
        if (list is not null && repeats is not null)
            throw new UserErrorException("--repeats and --seeds say the same in two ways; give one of them.");
        return list is not null ? SeedList.Parse(list) : SeedList.From(first, repeats ?? 1, "--repeats");
    }

    private static int Run(string path, ExperimentPlan plan, Func<long, IReadOnlyList<long>> seeds, bool yes, ExperimentSettings settings)
    {
        var config = ConfigDocument.Load(path, settings.Overrides);
        using var session = Session.Open(config);
        ExperimentSettings.RequireEvaluation(session);
        var chosen = seeds(session.Options.Seed);
        var train = session.Data[DataPart.Train];
        CrossValidation.RequireSensible(plan.Folds, train.Count, chosen.Count, yes);
        plan = plan with { Threads = settings.ThreadsOf(session.Options) };
        var workDir = settings.WorkDir ?? Path.Combine("work_dirs", $"{Path.GetFileNameWithoutExtension(path)}_cross-validate");
        using var folder = ExperimentFolder.Open(workDir, plan, settings.Overwrite);
        var edited = config.Edited([.. ExperimentSettings.Shared(folder.Plan, session.Options)]);
        var runs = CrossValidation.Of(edited, train, folder.Plan, chosen);
        return RunSummaries.Run(folder, runs, settings.Jobs, session.Options);
    }
}
