using System.CommandLine;
using System.Globalization;
using Tessera.Datasets.Images;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Tools.Browsing;
using Tessera.Tools.Output;
using Tessera.Torch;

namespace Tessera.Tools.Commands;

/// <summary>Shows samples as a training gets them.</summary>
internal static class BrowseDatasetCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var folder = CommandLine.OutDir("Where the PNGs and index.html go. Default: browse-NAME-OF-CONFIG.");
        var count = CommandLine.Option<int>("--count", "N", 20, "How many samples. Default: 20.");
        var split = CommandLine.Option<string>("--split", "PART", "train", "train, val or test. Default: train.");
        var seed = CommandLine.Option<long?>("--seed", "N", "Which samples and which augmentations. Default: the config's.");
        var variants = CommandLine.Option<int>(
            "--variants",
            "N",
            "How often each sample is sent through the pipeline: its augmentations in that many epochs. Default: 2 for train, "
                + "otherwise 1."
        );
        var opacity = CommandLine.Option<double>("--opacity", "SHARE", 0.5, "Of segmentation maps and masks, 0 to 1. Default: 0.5.");
        var overrides = CommandLine.CfgOptions();
        var command = new Command(
            "browse-dataset",
            "Draws samples before and after the pipeline with their labels, as PNGs and one HTML page."
        )
        {
            config,
            folder,
            count,
            split,
            seed,
            variants,
            opacity,
            overrides,
        };
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(config),
                parsed.GetValue(folder),
                parsed.GetValue(count),
                parsed.GetRequiredValue(split),
                parsed.GetValue(seed),
                parsed.GetValue(variants),
                parsed.GetValue(opacity),
                parsed.GetRequiredValue(overrides)
            )
        );
        return command;
    }

    private static int Run(
        string config,
        string? folder,
        int count,
        string split,
        long? seed,
        int variants,
        double opacity,
        string[] overrides
    )
    {
        if (count < 1)
            throw new UserErrorException($"--count is {count}; at least 1 was expected.");
        if (variants is < 0 or > 16)
            throw new UserErrorException($"--variants is {variants}; 1 to 16 was expected.");
        if (opacity is not (>= 0 and <= 1))
            throw new UserErrorException($"--opacity is {opacity}; a number from 0 to 1 was expected.");
        using var session = Session.Open(config, new SessionOptions { Overrides = overrides, Note = ToolConsole.Current.Note });
        var dataset = session.Data[DataParts.Named(split)];
        if (dataset.Count == 0)
            throw new UserErrorException($"{config}: {split}.dataset holds no samples.");
        folder ??= $"browse-{Path.GetFileNameWithoutExtension(config)}";
        Directory.CreateDirectory(folder);

        var chosenSeed = seed ?? session.Options.Seed;
        var indices = new RandomSource((ulong)chosenSeed).Permutation(dataset.Count).Take(count).Order().ToArray();
        var training = split == "train";
        var pictures = new SamplePicture(
            dataset,
            chosenSeed,
            training,
            variants > 0 ? variants
                : training ? 2
                : 1,
            opacity
        );
        var results = new Entry[indices.Length];
        var advance = new Advance("drawing");
        var done = 0;
        var gate = new Lock();
        Parallel.For(
            0,
            indices.Length,
            new ParallelOptions { MaxDegreeOfParallelism = Processor.Cores },
            i =>
            {
                results[i] = Draw(pictures, dataset, indices[i], folder);
                lock (gate)
                    advance.Report(++done, indices.Length);
            }
        );

        return Show(
            results,
            $"{Path.GetFileName(config)}: {split}, {indices.Length} of {dataset.Count} samples, seed {chosenSeed}",
            Path.Combine(folder, "index.html")
        );
    }

    /// <summary>Writes the page and says what could not be shown.</summary>
    private static int Show(Entry[] results, string title, string page)
    {
        var gallery = new Gallery(title);
        foreach (var entry in results)
        {
            if (entry.Failure is { } reason)
                gallery.AddFailure(entry.Name, reason);
            else
                gallery.Add(entry.Name, entry.Truth, entry.Jpeg!, entry.File!);
        }
        gallery.Write(page);
        foreach (var entry in results.Where(entry => entry.Failure is not null))
            ToolConsole.Current.Note(SkippedSample.Line(entry.Name, entry.Failure!));
        ToolConsole.Current.Line(page);
        return results.All(entry => entry.Failure is not null)
            ? throw new UserErrorException(
                $"None of the {results.Length} samples can be shown. The first: "
                    + $"{SkippedSample.Reason(results[0].Name, results[0].Failure!)}"
            )
            : 0;
    }

    private static Entry Draw(SamplePicture pictures, Dataset dataset, int index, string folder)
    {
        try
        {
            var (drawing, name, truth) = pictures.Draw(index);
            using var picture = drawing;
            var file = index.ToString("D6", CultureInfo.InvariantCulture) + ".png";
            var png = picture.EncodePng();
            AtomicFile.Write(Path.Combine(folder, file), stream => stream.Write(png));
            return new Entry(name, truth, ImageCodec.EncodeJpeg(picture.ToImage()), file, null);
        }
        catch (UserErrorException error)
        {
            return new Entry(NameOf(dataset, index), "", null, null, error.Message);
        }
    }

    private static string NameOf(Dataset dataset, int index)
    {
        try
        {
            return dataset.Get(index).Name;
        }
        catch (UserErrorException)
        {
            return $"sample {index}";
        }
    }

    private sealed record Entry(string Name, string Truth, byte[]? Jpeg, string? File, string? Failure);
}
