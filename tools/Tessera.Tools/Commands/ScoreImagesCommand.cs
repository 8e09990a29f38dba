using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics.Statistics;
using Tessera.Generation;
using Tessera.Tools.Output;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tools.Commands;

/// <summary>How like real images generated ones are.</summary>
internal static class ScoreImagesCommand
{
    public static Command Create()
    {
        var real = new Argument<string>("CONFIG|FOLDER") { Description = "Real images: a config's data, or a folder." };
        var generated = new Argument<string>("GENERATED") { Description = "The folder of generated images, as tools/generate writes it." };
        var features = new Option<string>("--features")
        {
            Description = "A checkpoint of a classifier, in whose features the images are compared.",
            HelpName = "CHECKPOINT",
            Required = true,
        };
        var part = CommandLine.Option<string>("--split", "PART", "train", "Of a config: train, val or test. Default: train.");
        var neighbors = CommandLine.Option<int>(
            "--neighbors",
            "N",
            3,
            "Of precision and recall: an image covers as far as its N-th nearest. Default: 3."
        );
        var output = CommandLine.Option<string?>("--out", "FILE", "Write the figures there, as JSON.");
        var device = CommandLine.Device();
        var plugins = CommandLine.Plugins();
        var overrides = CommandLine.CfgOptions();
        var command = new Command(
            "score-images",
            "How like real images generated ones are: Fréchet distance, precision and recall, in a classifier's features."
        )
        {
            real,
            generated,
            features,
            part,
            neighbors,
            output,
            device,
            plugins,
            overrides,
        };
        command.SetAction(parsed =>
        {
            var settings = new SessionOptions
            {
                Device = parsed.GetValue(device) ?? "auto",
                Plugins = parsed.GetRequiredValue(plugins),
                Note = ToolConsole.Current.Note,
            };
            using var model = ImageFeatures.Load(parsed.GetRequiredValue(features), settings);
            using var drawn = model.Of(ImageFiles.Of(parsed.GetRequiredValue(generated)), new Advance("reading generated images").Report);
            var named = DataParts.Named(parsed.GetRequiredValue(part));
            using var taken = Real(model, parsed.GetRequiredValue(real), named, parsed.GetRequiredValue(overrides));
            var name = Path.GetFileName(parsed.GetRequiredValue(features));
            Tell(taken, drawn, parsed.GetRequiredValue(neighbors), name, parsed.GetValue(output));
            return 0;
        });
        return command;
    }

    private static Tensor Real(ImageFeatures model, string real, DataPart part, string[] overrides)
    {
        var advance = new Advance("reading real images");
        if (Directory.Exists(real))
            return model.Of(ImageFiles.Of(real), advance.Report);
        using var session = Session.Open(real, new SessionOptions { Overrides = overrides, Note = ToolConsole.Current.Note });
        return model.Of(session.Data[part], advance.Report);
    }

    private static void Tell(Tensor real, Tensor generated, int neighbors, string features, string? output)
    {
        if (neighbors is < 1 or > 1000)
            throw new UserErrorException($"--neighbors is {neighbors}; a number from 1 to 1000 was expected.");
        var width = (int)real.shape[1];
        var fewest = Math.Min(real.shape[0], generated.shape[0]);
        var overlap = SetOverlap.Of(real, generated, neighbors);
        var distance = FeatureMoments.Of(real.Values<float>(), width).DistanceTo(FeatureMoments.Of(generated.Values<float>(), width));
        var console = ToolConsole.Current;
        console.Line(string.Create(CultureInfo.InvariantCulture, $"FID (features of {features})  {distance:0.####}"));
        console.Line(string.Create(CultureInfo.InvariantCulture, $"precision  {overlap.Precision:0.0000}"));
        console.Line(string.Create(CultureInfo.InvariantCulture, $"recall     {overlap.Recall:0.0000}"));
        console.Note(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{real.shape[0]} real and {generated.shape[0]} generated images, {width} features, {neighbors} neighbours. "
            ) + "Compare only figures of the same features and numbers of images; they are not those of Inception's features."
        );
        if (fewest <= width)
            console.Note($"There are no more images than features ({fewest} and {width}): the FID is far too high. Take more images.");
        if (output is not null)
            MetricFiles.Write(
                output,
                new JsonObject
                {
                    ["fid"] = distance,
                    ["precision"] = overlap.Precision,
                    ["recall"] = overlap.Recall,
                    ["features"] = features,
                    ["real"] = real.shape[0],
                    ["generated"] = generated.shape[0],
                    ["neighbors"] = neighbors,
                }
            );
    }
}
