using System.CommandLine;
using Tessera.Framework.Errors;
using Tessera.Tools.Output;
using Tessera.Tools.PseudoLabels;

namespace Tessera.Tools.Commands;

/// <summary>Scores pseudo labels by the truth, honestly.</summary>
internal static class ScoreMasksCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var folder = new Argument<string>("DIR") { Description = "What tools/pseudo-labels wrote: masks, scores, pseudo-labels.json." };
        var split = CommandLine.Option<string?>(
            "--split",
            "PART",
            "train, val or test: which data they were made of. Default: as pseudo-labels.json says."
        );
        var bootstrap = CommandLine.Option<int>(
            "--bootstrap",
            "N",
            1000,
            "How often the images are drawn anew for the 95 % intervals; 0: no intervals. Default: 1000."
        );
        var output = CommandLine.Option<string?>("--out", "scores.json", "Write all figures and the whole curves there, as JSON.");
        var overrides = CommandLine.CfgOptions();
        var command = new Command(
            "score-masks",
            "Scores pseudo labels by a segmentation config's truth: masks, and score maps under a threshold chosen on other images."
        )
        {
            config,
            folder,
            split,
            bootstrap,
            output,
            overrides,
        };
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(config),
                parsed.GetRequiredValue(folder),
                parsed.GetValue(split),
                parsed.GetValue(bootstrap),
                parsed.GetValue(output),
                parsed.GetRequiredValue(overrides)
            )
        );
        return command;
    }

    private static int Run(string config, string path, string? split, int bootstrap, string? output, string[] overrides)
    {
        if (bootstrap < 0)
            throw new UserErrorException($"--bootstrap is {bootstrap}; 0 or more was expected.");
        var folder = new MaskFolder(path);
        using var session = Session.Open(config, new SessionOptions { Overrides = overrides, Note = ToolConsole.Current.Note });
        var part = DataParts.Named(split ?? folder.Part);
        var truth = new MaskTruth(session.Data[part], folder.Classes, $"{config}: {SessionData.NameOf(part)}.dataset");
        var scoring = new MaskScoring(folder, truth);
        var scores = scoring.Run();
        foreach (var fault in scoring.Faults())
            ToolConsole.Current.Warning(fault);
        if (folder.Labels == "truth" && scores.Masks.Count > 0)
            ToolConsole.Current.Note("The masks were made with the true image labels: classes that an image doesn't show can't appear.");
        if (!folder.HasScores)
            ToolConsole.Current.Note("There are no score maps, so no threshold is looked at; tools/pseudo-labels --scores writes them.");
        var report = new MaskScoreReport(scores, truth.Classes, bootstrap);
        report.Show(ToolConsole.Current);
        if (output is not null)
            MetricFiles.Write(output, report.Json());
        return 0;
    }
}
