using System.CommandLine;
using System.Globalization;
using Tessera.Explaining;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Models.Explanation.Faithfulness;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Explaining;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Shows which places of images speak for what a model makes of them.</summary>
internal static class ExplainCommand
{
    private const string All = "all",
        Auto = "auto";
    private const int MostSamples = 16,
        MostLines = 20;

    public static Command Create()
    {
        var checkpoint = CheckpointArgument.Of("A checkpoint of tools/train.");
        var input = new Argument<string>("IMAGE|FOLDER|PART")
        {
            Description =
                "An image; a folder whose images are explained (folders in it too); or val or test: samples of the checkpoint's config, "
                + "whose labels are known.",
        };
        var method = CommandLine.Option<string>(
            "--method",
            "NAME,…",
            "grad_cam",
            "Names of methods, or all; tools/list-components \"activation map\" shows them. Default: grad_cam."
        );
        var target = CommandLine.Option<string>(
            "--target",
            "NAME,…",
            "What is explained: top1, top3 …; labels (of a part, or the name of an image's folder); classes; values of a regression; "
                + "of a detector's objects 1, 2 …; of a segmentor CLASS@X1:Y1:X2:Y2, a rectangle of the image. Default: top1; of a "
                + "regression all values."
        );
        var layer = CommandLine.Option<string>(
            "--layer",
            "NAME,…",
            "Modules of the model whose maps are read; of several the mean is taken. Default: auto, which says what it took and why."
        );
        var augSmooth = new Option<bool>("--aug-smooth") { Description = "The mean of six maps: mirrored and not, brighter and darker." };
        var eigenSmooth = new Option<bool>("--eigen-smooth")
        {
            Description = "The first principal component in place of the sum over channels.",
        };
        var faithfulness = new Option<bool>("--faithfulness")
        {
            Description = "Also measure how truly the maps of classes show what the model decides by, beside random maps; takes longer.",
        };
        var beside = CheckpointArgument.Further(
            "--beside",
            "A further checkpoint that explains the same images beside the first. May be given several times."
        );
        var count = CommandLine.Option<int?>("--count", "N", $"The first N images. Default: all of a folder, {MostSamples} of a part.");
        var folder = CommandLine.OutDir("Where pictures, index.html and explanations.jsonl go. Default: explain-NAME-OF-CHECKPOINT.");
        var arrays = new Option<bool>("--arrays") { Description = "Also write each map as .npy, float32, at the size of its image." };
        var batch = CommandLine.Option<int>("--batch", "N", 8, "Maps that are computed at once. Default: 8.");
        var overrides = CommandLine.CfgOptions();
        var device = CommandLine.Device();
        var weights = CommandLine.Weights();
        var plugins = CommandLine.Plugins();
        var command = new Command("explain", "Shows which places of images speak for what a model makes of them.")
        {
            checkpoint,
            input,
            method,
            target,
            layer,
            augSmooth,
            eigenSmooth,
            faithfulness,
            beside,
            count,
            folder,
            arrays,
            batch,
            overrides,
            device,
            weights,
            plugins,
        };
        command.SetAction(parsed =>
            Run(
                new Asked(
                    [parsed.GetRequiredValue(checkpoint), .. parsed.GetRequiredValue(beside)],
                    parsed.GetRequiredValue(input),
                    parsed.GetRequiredValue(method),
                    parsed.GetValue(target),
                    parsed.GetValue(layer) ?? Auto,
                    parsed.GetValue(count),
                    parsed.GetValue(folder),
                    parsed.GetValue(arrays),
                    parsed.GetValue(faithfulness)
                ),
                new ExplanationRequest
                {
                    AugSmooth = parsed.GetValue(augSmooth),
                    EigenSmooth = parsed.GetValue(eigenSmooth),
                    BatchSize = parsed.GetValue(batch),
                },
                new ModelExplainerOptions
                {
                    Overrides = parsed.GetRequiredValue(overrides),
                    Device = parsed.GetValue(device) ?? "auto",
                    Averaged = parsed.GetValue(weights) == WeightChoice.Averaged,
                    Plugins = parsed.GetRequiredValue(plugins),
                    Note = ToolConsole.Current.Note,
                }
            )
        );
        return command;
    }

    private static int Run(Asked asked, ExplanationRequest request, ModelExplainerOptions options)
    {
        if (request.BatchSize is < 1 or > 1024)
            throw new UserErrorException($"--batch is {request.BatchSize}; 1 to 1024 was expected.");
        if (asked.Count < 1)
            throw new UserErrorException($"--count is {asked.Count}; at least 1 was expected.");
        var folder = asked.Folder ?? $"explain-{Path.GetFileNameWithoutExtension(asked.Checkpoints[0])}";
        if (File.Exists(folder))
            throw new UserErrorException($"{folder}: pictures are written into a folder, but this is a file.");
        request = request with { Layers = asked.Layers == Auto ? [] : Names(asked.Layers) };
        var leftOut = new List<(string Name, string Reason)>();
        using var models = new ComparedModels(asked.Checkpoints, options)
        {
            LayersChosen = (model, layers) =>
            {
                foreach (var layer in layers)
                    ToolConsole.Current.Line($"{model}: layer {layer.Name}, {layer.Grid.Height} x {layer.Grid.Width} places: {layer.Why}");
            },
            LeftOut = (name, reason) => leftOut.Add((name, reason)),
            Partly = (name, reason) => ToolConsole.Current.Note(SkippedSample.Reason(name, reason)),
            Unsuitable =
                asked.Methods == All
                    ? (model, method, reason) => ToolConsole.Current.Note($"{model}: {method.Title} is left out: {reason}")
                    : null,
        };
        request = request with
        {
            Methods = [.. (asked.Methods == All ? models.First.Methods : Names(asked.Methods)).Select(models.First.Method)],
            Targets = asked.Targets is { } targets ? TargetNames.Split(targets, models.First.Data.Classes) : [],
        };
        models.Check(request);
        if (asked.Faithfulness)
            models.MeasureFaithfulness();
        var images = Images(asked, models.First);
        var files = new ExplanationFiles(folder, [.. images.Select(image => image.Name)], Title(asked), asked.Arrays);
        var advance = new Advance("explaining");
        foreach (var (image, rows) in models.Explain(images, request))
        {
            files.Write(image, rows);
            Tell(image, rows, images.Count);
            advance.Report(files.Count, images.Count);
        }
        if (files.Count == 0 && leftOut.Count > 0)
            throw NothingExplained(asked.Input, images.Count, leftOut);
        foreach (var (name, reason) in leftOut)
        {
            files.Fail(name, reason);
            ToolConsole.Current.Note(SkippedSample.Line(name, reason));
        }
        if (leftOut.Count > 0)
            ToolConsole.Current.Note(
                $"{leftOut.DistinctBy(one => one.Name).Count()} of {Counted.Of(images.Count, "image")} left out, or in part."
            );
        if (asked.Faithfulness)
            Tell(models.Faithfulness().ToArray(), files);
        ToolConsole.Current.Line(files.Complete());
        return 0;
    }

    // A folder of that name goes before the part of the data.
    private static IReadOnlyList<ExplainedImage> Images(Asked asked, ModelExplainer model)
    {
        var isPart = Enum.GetValues<DataPart>().Any(part => SessionData.NameOf(part) == asked.Input);
        if (isPart && !Path.Exists(asked.Input))
        {
            var samples = model.Samples(DataParts.Named(asked.Input), asked.Count ?? MostSamples);
            return samples.Count > 0 ? samples : throw new UserErrorException($"{asked.Input}.dataset holds no samples.");
        }
        var files = ImageFiles.Of(asked.Input).Take(asked.Count ?? int.MaxValue);
        return [.. files.Select(path => ExplainedImage.File(path, model.Data))];
    }

    private static void Tell(string image, IReadOnlyList<IReadOnlyList<ModelsExplanation>> rows, int images)
    {
        foreach (var row in rows)
        {
            foreach (var target in images > MostLines ? [] : row.GroupBy(map => (map.Model, map.Explanation.Target)))
                ToolConsole.Current.Line(
                    $"{image}  {(target.Key.Model is { } model ? model + ": " : "")}{target.First().Explanation.Headline}"
                );
            foreach (var map in row)
                if (map.Explanation.Objection is { } objection)
                    ToolConsole.Current.Note(
                        $"{image}, {(map.Model is { } model ? model + ", " : "")}{map.Explanation.MethodTitle}: {objection}"
                    );
        }
    }

    private static void Tell((string? Model, FaithfulnessTable Table)[] tables, ExplanationFiles files)
    {
        foreach (var (model, table) in tables)
        {
            if (model is not null)
                ToolConsole.Current.Line(model);
            ToolConsole.Current.Line(table.Text());
        }
        files.Write(tables);
    }

    private static UserErrorException NothingExplained(string input, int images, List<(string Name, string Reason)> leftOut)
    {
        var first = SkippedSample.Reason(leftOut[0].Name, leftOut[0].Reason);
        return new UserErrorException(images == 1 ? first : $"{input}\n  None of its {images} images can be explained. The first: {first}");
    }

    private static string[] Names(string list) => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static string Title(Asked asked) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{string.Join(" beside ", asked.Checkpoints.Select(Path.GetFileName))}: {asked.Input}"
        );

    private sealed record Asked(
        IReadOnlyList<string> Checkpoints,
        string Input,
        string Methods,
        string? Targets,
        string Layers,
        int? Count,
        string? Folder,
        bool Arrays,
        bool Faithfulness
    );
}
