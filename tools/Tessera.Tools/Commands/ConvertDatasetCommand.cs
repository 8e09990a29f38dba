using System.CommandLine;
using System.Globalization;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Tools.Conversion;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Turns one format of boxes into another.</summary>
internal static class ConvertDatasetCommand
{
    private static readonly string[] s_from = ["coco", "voc", "yolo", "labelme", "images"];

    public static Command Create()
    {
        var input = new Argument<string>("IN")
        {
            Description =
                "voc: the folder that holds ImageSets; coco: the .json; yolo, labelme, images: the folder (or .zip) of images and what "
                + "lies beside them.",
        };
        var output = new Argument<string>("OUT")
        {
            Description =
                "To coco: the .json to write. To voc: the folder for Annotations and ImageSets. To labelme: the images' folder, where a "
                + ".json is written beside each.",
        };
        var from = new Option<string>("--from")
        {
            Description = "voc, coco, yolo (text files), labelme (JSON files) or images (none).",
            HelpName = "FORMAT",
            Required = true,
        };
        from.AcceptOnlyFromAmong(s_from);
        var to = new Option<string>("--to") { Description = "coco, voc or labelme. Default: coco, or voc from coco.", HelpName = "FORMAT" };
        to.AcceptOnlyFromAmong("coco", "voc", "labelme");
        var split = new Option<string>("--split")
        {
            Description = "VOC's list in ImageSets/Main, read or written. Default: trainval.",
            HelpName = "NAME",
            DefaultValueFactory = _ => "trainval",
        };
        var classes = new Option<string?>("--classes")
        {
            Description =
                "The classes in order: names with commas between them, or a file with one a line (or YOLO's data.yaml). Default: "
                + "those found.",
            HelpName = "A,B,…|FILE",
        };
        var skip = new Option<bool>("--skip-bad")
        {
            Description = "Leave out what can't be used (and say what) instead of stopping at it.",
        };
        var zero = new Option<bool>("--zero-based") { Description = "VOC's coordinates count from 0, not from 1." };
        var background = new Option<bool>("--background")
        {
            Description = "VOC's images without an annotation file are background, with nothing to find.",
        };
        var outlines = new Option<bool>("--outlines")
        {
            Description = "YOLO's numbers behind the class are an outline's points, even where they could be a box with key points.",
        };
        var command = new Command(
            "convert-dataset",
            "Converts boxes, and masks where both formats have them: VOC and COCO into each other, YOLO's and LabelMe's files or bare "
                + "images to COCO, all to LabelMe. Images stay where they are."
        )
        {
            input,
            output,
            from,
            to,
            split,
            classes,
            skip,
            zero,
            background,
            outlines,
        };
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(input),
                parsed.GetRequiredValue(output),
                parsed.GetRequiredValue(from),
                parsed.GetValue(to),
                parsed.GetRequiredValue(split),
                parsed.GetValue(classes),
                parsed.GetValue(skip),
                parsed.GetValue(zero),
                parsed.GetValue(background),
                parsed.GetValue(outlines)
            )
        );
        return command;
    }

    private static int Run(
        string input,
        string output,
        string from,
        string? to,
        string split,
        string? classes,
        bool skip,
        bool zeroBased,
        bool background,
        bool outlines
    )
    {
        to ??= from == "coco" ? "voc" : "coco";
        var wanted = Wanted(from, to, output, classes);
        if (!Path.Exists(input))
            throw FileStore.Missing(input, fromConfig: false);
        var findings = new Findings(_ => skip ? BadData.Skip : BadData.Error, "--skip-bad");
        var read = from switch
        {
            "coco" => CocoFile.Read(input, findings, withMasks: to != "voc").Downloaded(),
            "voc" => FromVoc(FileStore.Open(input, fromConfig: false), split, !zeroBased, background, findings),
            "yolo" => new YoloAnnotations(new LooseImages(FileStore.Open(input, fromConfig: false), findings), outlines).Read(wanted),
            "labelme" => new LabelMeAnnotations(new LooseImages(FileStore.Open(input, fromConfig: false), findings)).Read(wanted),
            _ => new AnnotationSet(wanted!, null, new LooseImages(FileStore.Open(input, fromConfig: false), findings).Read(image => image)),
        };
        if (to == "labelme")
            read = LabelMeFiles.Placed(read, input, output, findings);
        var kept = read.Usable(wanted, findings);
        var notes = findings.Report();
        RequireSome(input, kept, findings, notes, boxes: from != "images");
        foreach (var note in notes.Concat(ClassNameNotes.Of(new DataInfo(kept.Names, DataTask.Detection))))
            ToolConsole.Current.Note(note);
        Write(kept, to, output, split);
        ToolConsole.Current.Line(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Counted.Of(kept.Images.Count, "image")}, "
                    + $"{Counted.Of(kept.Images.Sum(image => (long)image.Objects.Count), "box", "boxes")}, "
                    + $"{Counted.Of(kept.Names.Count, "class", "classes")} "
                    + $"({string.Join(", ", kept.Names.Take(20))}{(kept.Names.Count > 20 ? ", …" : "")}) written to {output}."
            )
        );
        var masks = to == "voc" ? 0 : kept.Images.Sum(image => (long)image.Objects.Count(item => item.Mask is not null));
        if (masks > 0)
            ToolConsole.Current.Line($"{Counted.Of(masks, "mask")} with them.");
        if (to == "coco")
            ToolConsole.Current.Line(
                $"For the config: {{ \"type\": \"CocoDetection\", \"path\": "
                    + $"\"{(from == "coco" ? "…" : from == "voc" ? Path.Combine(input, "JPEGImages") : input)}\", \"annotations\": "
                    + $"\"{output}\"{(masks > 0 ? ", \"with_masks\": true" : "")} }}"
            );
        else if (to == "voc")
            ToolConsole.Current.Line(
                $"The images belong into {Path.Combine(output, "JPEGImages")}. For the config: {{ \"type\": \"VocDetection\", "
                    + $"\"path\": \"{output}\", \"split\": \"{split}\" }}"
            );
        return 0;
    }

    private static void Write(AnnotationSet kept, string to, string output, string split)
    {
        if (to == "coco")
            CocoWriter.Write(kept, output);
        else if (to == "voc")
            VocWriter.Write(kept, output, split);
        else
            LabelMeFiles.Write(kept, output);
    }

    /// <summary>The classes that are asked for; null for those that are found.</summary>
    private static string[]? Wanted(string from, string to, string output, string? classes)
    {
        if (to == "coco" && !output.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
            throw new UserErrorException($"{output}: COCO's annotations are one file, which ends in .json.");
        var wanted = classes is null ? null : Names(classes);
        if (from == "images" && wanted is null)
            throw new UserErrorException(
                "Images tell no classes: name them with --classes, for instance those of the data that a detector was trained on."
            );
        return wanted;
    }

    /// <summary>A file without a usable image or box is no conversion.</summary>
    /// <param name="boxes">There must be one.</param>
    private static void RequireSome(string input, AnnotationSet kept, Findings findings, IReadOnlyList<string> notes, bool boxes)
    {
        if (kept.Images.Count == 0)
            throw new UserErrorException(string.Join("\n  ", notes.Prepend($"{input}: no image is left.")));
        if (kept.Images.All(image => image.Objects.Count == 0) && findings.LeftOut.Any(entry => entry.Kind == LeftOutKind.Box))
            throw new UserErrorException(string.Join("\n  ", notes.Prepend($"{input}: objects are annotated, but none can be used.")));
        if (boxes && kept.Images.All(image => image.Objects.Count == 0))
            throw new UserErrorException(
                string.Join(
                    "\n  ",
                    notes.Prepend(
                        $"{input}: {Counted.Of(kept.Images.Count, "image")} without any object, so no box to convert. --from images takes "
                            + "images without boxes."
                    )
                )
            );
    }

    /// <summary>COCO's images lie in a folder of their own, so their names begin there.</summary>
    private static AnnotationSet FromVoc(FileStore files, string split, bool oneBased, bool background, Findings findings)
    {
        var read = VocFiles.Read(files, split, oneBased, findings, background ? Unannotated.Background : null).Measured(files);
        var (known, unreadable) = (files.Names.ToHashSet(StringComparer.Ordinal), new UnreadableImages(files));
        var images = new List<AnnotatedImage>(read.Images.Count);
        foreach (var image in read.Images)
        {
            if (!known.Contains(image.File))
                findings.Add(
                    FindingKind.MissingImage,
                    $"{image.Source}: {files.Describe(image.File)} doesn't exist."
                        + unreadable.Instead(Path.ChangeExtension(image.File, null))
                );
            else if (image.Height <= 0 || image.Width <= 0)
                findings.Add(FindingKind.BadFile, $"{image.Source}: it has no size, and {files.Describe(image.File)} can't be read.");
            else
                images.Add(image with { File = image.File["JPEGImages/".Length..] });
        }
        return read with { Images = images };
    }

    private static string[] Names(string classes)
    {
        var lines = File.Exists(classes) ? LooseImages.LinesOf(classes) : classes.Split(',');
        var isYaml = Path.GetExtension(classes).ToLowerInvariant() is ".yaml" or ".yml";
        if (isYaml && !File.Exists(classes))
            throw new UserErrorException($"--classes {classes} doesn't exist.");
        string[] names =
            isYaml ? [.. YoloNames.FromYaml(classes, lines)?.Classes ?? throw new UserErrorException($"{classes} has no \"names\".")]
            : File.Exists(classes) ? [.. YoloNames.FromList(classes, lines).Classes]
            : [.. lines.Select(name => name.Trim()).Where(name => name.Length > 0)];
        if (names.Length == 0)
            throw new UserErrorException($"--classes {classes} names none.");
        if (names.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new UserErrorException($"--classes names {twice.Key} twice.");
        return names;
    }
}
