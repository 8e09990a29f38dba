using System.CommandLine;
using Tessera.Balance;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Visualization;
using Tessera.Framework.Visualization.Charts;
using Tessera.Tools.Output;
using Tessera.Tools.Statistics;

namespace Tessera.Tools.Commands;

/// <summary>Counts what a config's data holds, and says what is wrong with it.</summary>
internal static class DatasetStatsCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var output = CommandLine.Option<string?>("--out", "stats.json", "Write everything there as JSON.");
        var picture = CommandLine.Option<string?>("--picture", "PATH", "Draw how often each class occurs in the first part: .png or .svg.");
        var split = new Option<string[]>("--split")
        {
            Description = "Which parts: train, val, test. Default: all that the config has.",
            HelpName = "PART",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        var beta = CommandLine.Option<double?>(
            "--beta",
            "BETA",
            "Of the effective number of samples, in [0, 1). Default: 0.9999; for pixels 1 - 1 / (pixels of the most frequent class)."
        );
        var quick = new Option<bool>("--no-duplicates")
        {
            Description = "Don't look for images that show the same; only headers are read then.",
        };
        var overrides = CommandLine.CfgOptions();
        var command = new Command(
            "dataset-stats",
            "Counts classes, sizes and boxes; finds what no class claims, unreadable files, duplicates and leakage; suggests class weights."
        )
        {
            config,
            output,
            picture,
            split,
            beta,
            quick,
            overrides,
        };
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(config),
                parsed.GetValue(output),
                parsed.GetValue(picture),
                parsed.GetRequiredValue(split),
                parsed.GetValue(beta),
                parsed.GetValue(quick),
                parsed.GetRequiredValue(overrides)
            )
        );
        return command;
    }

    private static int Run(string config, string? output, string? picture, string[] wanted, double? beta, bool quick, string[] overrides)
    {
        if (beta is < 0 or >= 1 or double.NaN)
            throw new UserErrorException($"--beta is {beta}; a number from 0 to below 1 was expected.");
        if (picture is not null)
            Chart.RequireKnownEnding(picture);
        using var session = Session.Open(config, new SessionOptions { Overrides = overrides, Note = ToolConsole.Current.Note });

        var parts = new List<PartStatistics>();
        foreach (var part in wanted.Length > 0 ? wanted.Select(DataParts.Named).Distinct() : DataParts.Of(session))
        {
            var (name, dataset) = (SessionData.NameOf(part), session.Data[part]);
            Notes(name, dataset);
            parts.Add(
                new PartStatistics(name, dataset.Info, dataset.LeftOut, Survey.Run(dataset, !quick, new Advance($"reading {name}").Report))
            );
        }
        var repeated = parts
            .Where(
                (part, i) =>
                    parts
                        .Take(i)
                        .Any(earlier =>
                            earlier.Samples.Select(sample => sample.Name).SequenceEqual(part.Samples.Select(sample => sample.Name))
                        )
            )
            .ToArray();
        foreach (var part in repeated)
            parts.Remove(part); // test is often val again
        var duplicates = quick ? null : new DuplicateStatistics(parts);

        var first = parts[0];
        var pixels = first.Info.Task == DataTask.Segmentation;
        var chosen = beta ?? ClassWeights.DefaultBeta(first.Counts, pixels);
        var weights = Weights(first, chosen);
        var text = new StatisticsText(ToolConsole.Current);
        foreach (var part in parts)
            text.Part(part, duplicates);
        if (duplicates is not null)
            text.Leakage(parts, duplicates);
        if (weights.Count > 0)
            text.Weights(weights, chosen);
        foreach (var part in repeated)
            ToolConsole.Current.Line($"{part.Name} holds the same images as a part above; it was left out.");

        if (output is not null)
            MetricFiles.Write(output, StatisticsJson.Of(parts, duplicates, weights, chosen));
        if (picture is not null)
            Draw(first, picture);
        return 0;
    }

    /// <summary>What the data set itself finds, whether a training would stop at it or not.</summary>
    private static void Notes(string name, Dataset dataset)
    {
        if (dataset.Info.Task == DataTask.Segmentation) // the survey says what is wrong with labels
        {
            foreach (var entry in dataset.LeftOut)
                ToolConsole.Current.Line($"{name}: {entry}");
            return;
        }
        try
        {
            foreach (var note in dataset.Check())
                ToolConsole.Current.Line($"{name}: {note}");
        }
        catch (UserErrorException e)
        {
            ToolConsole.Current.Line($"{name}: a training would stop here.\n  {e.Message}");
        }
    }

    private static Dictionary<string, double[]> Weights(PartStatistics part, double beta)
    {
        var weights = new Dictionary<string, double[]>();
        if (part.Info.Task == DataTask.Regression || part.Counts.All(count => count == 0))
            return weights;
        weights["max_count"] = ClassWeights.MaxByCount(part.Counts);
        if (part.Info.Task == DataTask.Segmentation)
            weights["median_frequency"] = ClassWeights.MedianFrequency(part.Counts, part.Among);
        else
            weights["median_frequency"] = ClassWeights.MedianFrequency(part.Counts, [.. part.Counts.Select(_ => part.Counts.Sum())]);
        weights["effective_number"] = ClassWeights.EffectiveNumber(part.Counts, beta);
        return weights;
    }

    private static void Draw(PartStatistics part, string path)
    {
        var what = part.Info.Task switch
        {
            DataTask.Segmentation => "pixels",
            DataTask.Detection => "boxes",
            _ => "images",
        };
        var colors = ClassColors.Of(part.Info);
        var wide = part.Ratio > 50;
        new Framework.Visualization.Charts.BarChart
        {
            Title = $"{part.Name}: {what} per class",
            Label = wide ? what + ", logarithmic" : what,
            Format = "#,0",
            Log = wide,
            Bars = [.. part.Info.Classes.Select((name, c) => new Bar(name, part.Counts[c], Color: colors[c]))],
        }.Save(path);
    }
}
