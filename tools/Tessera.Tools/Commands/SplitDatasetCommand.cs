using System.CommandLine;
using Tessera.Datasets.Splitting;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Tools.Output;
using Tessera.Tools.Splitting;

namespace Tessera.Tools.Commands;

/// <summary>Splits data into parts or folds that have every class in its share, as lists of images.</summary>
internal static class SplitDatasetCommand
{
    private const int ManyFolds = 20;

    private sealed record Arguments(
        string Data,
        string? Parts,
        int? Folds,
        string Folder,
        long Seed,
        string[] Groups,
        string[] Balance,
        string? Part,
        string? Images,
        bool Overwrite,
        string[] Overrides
    );

    public static Command Create()
    {
        var data = new Argument<string>("DATA")
        {
            Description =
                "A config; a folder (or .zip) with a folder for each class, or with photographs and VOC's XML files; a list of images "
                + "(.csv, .tsv, .jsonl, .json); COCO's annotations (.json).",
        };
        var parts = CommandLine.Option<string?>("--parts", "NAME=SHARE,…", $"Names and shares. Default: {SplitArguments.DefaultParts}.");
        var folds = CommandLine.Option<int?>(
            "--folds",
            "K",
            "In place of parts: K folds, each with a list to train on and one to evaluate on."
        );
        var folder = CommandLine.Option<string>("--out-dir", "DIR", "", "Where the lists go. Default: the working folder.");
        var seed = CommandLine.Option<long>("--seed", "N", 0, "Another seed, another split. Default: 0.");
        var groups = SplitArguments.Group();
        var balance = new Option<string[]>("--balance")
        {
            Description = "Beside the classes: folder (each class's folders), size (each class's small, medium and large boxes).",
            HelpName = "WHAT",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        balance.AcceptOnlyFromAmong("folder", "size");
        var part = CommandLine.Option<string?>(
            "--part",
            "PART",
            "Which of a config's parts to split: train, val or test. Default: its first."
        );
        var images = CommandLine.Option<string?>("--images", "DIR", "Where a list's or COCO's images lie. Default: where the file lies.");
        var overwrite = new Option<bool>("--overwrite") { Description = "Write over lists that say something else." };
        var overrides = CommandLine.CfgOptions();
        var command = new Command(
            "split-dataset",
            "Splits data into parts or folds that have every class in its share: lists of images, which data sets read as \"list\"."
        )
        {
            data,
            parts,
            folds,
            folder,
            seed,
            groups,
            balance,
            part,
            images,
            overwrite,
            overrides,
        };
        command.SetAction(parsed =>
            Run(
                new Arguments(
                    parsed.GetRequiredValue(data),
                    parsed.GetValue(parts),
                    parsed.GetValue(folds),
                    parsed.GetRequiredValue(folder),
                    parsed.GetValue(seed),
                    parsed.GetRequiredValue(groups),
                    parsed.GetRequiredValue(balance),
                    parsed.GetValue(part),
                    parsed.GetValue(images),
                    parsed.GetValue(overwrite),
                    parsed.GetRequiredValue(overrides)
                )
            )
        );
        return command;
    }

    private static int Run(Arguments arguments)
    {
        if (arguments.Folds is not null && arguments.Parts is not null)
            throw new UserErrorException("--parts and --folds: only one of the two can be meant.");
        var parts = SplitArguments.Parts(arguments.Parts ?? SplitArguments.DefaultParts);
        var isConfig = SplitSource.IsConfig(arguments.Data);
        if (!isConfig && arguments.Overrides.Length > 0)
            throw new UserErrorException($"--cfg-options is for configs; {arguments.Data} is none.");
        using var session = isConfig
            ? Session.Open(arguments.Data, new SessionOptions { Overrides = arguments.Overrides, Note = ToolConsole.Current.Note })
            : null;
        var source = SplitSource.Open(arguments.Data, session, arguments.Part, arguments.Images);
        foreach (var entry in source.Dataset.LeftOut)
            ToolConsole.Current.Note(entry.ToString());

        var groups = new SampleGroups(source.Dataset, arguments.Groups);
        var areGrouped = groups.Count < source.Dataset.Count;
        var strata = StrataReader.Of(
            source.Dataset,
            arguments.Balance.Contains("folder") ? groups.FolderOf : null,
            arguments.Balance.Contains("size")
        );
        var ids = areGrouped ? groups.ToArray() : null;
        var plan = arguments.Folds is { } count
            ? SplitPlan.Folds(strata, count, arguments.Seed, ids)
            : SplitPlan.Of(strata, parts, arguments.Seed, ids);

        var areFolds = arguments.Folds is not null;
        var lists = SplitFiles.Write(plan, areFolds, groups.Names, arguments.Folder, arguments.Overwrite);
        var report = new SplitReport(plan, areFolds, areGrouped, ToolConsole.Current);
        report.Table();
        if (areGrouped)
            ToolConsole.Current.Line($"{Counted.Of(groups.Count, "group")} of {Counted.Of(source.Dataset.Count, "sample")}, none parted.");
        report.Unreached();
        if (arguments.Folds > ManyFolds)
            ToolConsole.Current.Warning(
                $"{arguments.Folds} folds are {arguments.Folds} trainings, and with few samples in each the classes can't be spread; "
                    + "5 or 10 are usual."
            );
        ToolConsole.Current.Line($"Written: {string.Join(", ", lists.Select(list => list.Path).Take(6))}{(lists.Count > 6 ? " …" : "")}");
        report.Advice(source, lists);
        return 0;
    }
}
