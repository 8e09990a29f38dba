using System.CommandLine;
using Tessera.Ensembles;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Models.Detection;
using Tessera.Tools.Ensembles;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Several checkpoints as one, and whether that is worth it.</summary>
internal static class EnsembleCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var checkpoints = Checkpoints();
        var vote = Vote();
        var soup = Soup();
        var part = Part();
        var metric = Metric();
        var (iou, bootstrap) = (Iou(), Bootstrap());
        var (folder, output) = (Folder(), Output());
        var (weights, plugins) = (CommandLine.Weights(), CommandLine.Plugins());
        var (device, precision, overrides) = (CommandLine.Device(), CommandLine.PrecisionOption(), CommandLine.CfgOptions());
        var command = new Command("ensemble", "Joins the predictions of several checkpoints, and tells how differently they err.")
        {
            config,
            checkpoints,
            vote,
            soup,
            part,
            metric,
            iou,
            bootstrap,
            folder,
            output,
            weights,
            plugins,
            device,
            precision,
            overrides,
        };
        command.SetAction(parsed =>
            Run(
                new EnsembleArguments
                {
                    Config = parsed.GetRequiredValue(config),
                    Checkpoints = parsed.GetRequiredValue(checkpoints),
                    Vote = parsed.GetValue(vote),
                    Soup = parsed.GetValue(soup),
                    Part = parsed.GetValue(part),
                    Metric = parsed.GetValue(metric),
                    Bootstrap = parsed.GetValue(bootstrap),
                    Fusion = new BoxFusionOptions(parsed.GetValue(iou)),
                    Averaged = parsed.GetValue(weights) == WeightChoice.Averaged,
                    OutDir = parsed.GetValue(folder),
                    Out = parsed.GetValue(output),
                    Plugins = parsed.GetRequiredValue(plugins),
                    Options = new SessionOptions
                    {
                        Device = parsed.GetValue(device),
                        Precision = parsed.GetValue(precision),
                        Overrides = parsed.GetRequiredValue(overrides),
                        Note = ToolConsole.Current.Note,
                    },
                }
            )
        );
        return command;
    }

    private static Argument<string[]> Checkpoints() =>
        CheckpointArgument.Several("Checkpoints of tools/train, of the same classes; their architectures may differ.");

    private static Option<VoteKind> Vote() =>
        new("--vote")
        {
            Description =
                "mean of probabilities, values or boxes; hard: most votes; weighted: the mean with weights chosen on val. Default: mean.",
            HelpName = "KIND",
            DefaultValueFactory = _ => VoteKind.Mean,
        };

    private static Option<SoupKind?> Soup() =>
        new("--soup")
        {
            Description =
                "Also average weights, for runs from one initial point: greedy (those with which val doesn't get worse) or uniform (all).",
            HelpName = "KIND",
        };

    private static Option<DataPart?> Part() =>
        new("--part") { Description = "val or test. Default: test, or val where there is no test.", HelpName = "PART" };

    private static Option<string?> Metric() =>
        new("--metric")
        {
            Description = "The value that decides what is better. Default: the first of the config's metrics.",
            HelpName = "NAME",
        };

    private static Option<double> Iou() =>
        new("--fuse-iou")
        {
            Description = "Detectors: boxes that overlap more than this are one object. Default: 0.55.",
            HelpName = "IOU",
            DefaultValueFactory = _ => new BoxFusionOptions().Iou,
        };

    private static Option<int> Bootstrap() =>
        new("--bootstrap")
        {
            Description =
                "How often images are drawn anew for intervals (of labels and values; maps and boxes as their metrics say). Default: 1000.",
            HelpName = "N",
            DefaultValueFactory = _ => 1000,
        };

    private static Option<string?> Folder() =>
        new("--out-dir") { Description = "Folder for what the members predict together, and for the soup's checkpoint.", HelpName = "DIR" };

    private static Option<string?> Output() =>
        new("--out") { Description = "Write everything that was found there as JSON.", HelpName = "ensemble.json" };

    private static int Run(EnsembleArguments arguments)
    {
        if (arguments.Part == DataPart.Train)
            throw new UserErrorException("--part train: it is trained on, not measured. val or test was expected.");
        if (arguments.Bootstrap is < 0 or > 1_000_000)
            throw new UserErrorException($"--bootstrap is {arguments.Bootstrap}; 0 to 1000000 was expected.");
        if (arguments.Fusion.Iou is not (> 0 and < 1))
            throw new UserErrorException($"--fuse-iou is {arguments.Fusion.Iou}; a number between 0 and 1 was expected.");
        using var run = new EnsembleRun(arguments);
        var report = new EnsembleReport(run.Run());
        report.Show();
        if (arguments.Out is { } output)
            MetricFiles.Write(output, report.Json());
        return 0;
    }
}
