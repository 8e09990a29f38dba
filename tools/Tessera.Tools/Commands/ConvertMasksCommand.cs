using System.CommandLine;
using System.Globalization;
using Tessera.Datasets.Storage;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Messages;
using Tessera.Framework.Metrics;
using Tessera.Framework.Running;
using Tessera.Tools.Masks;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Turns colour masks into index PNGs.</summary>
internal static class ConvertMasksCommand
{
    public static Command Create()
    {
        var masks = new Argument<string>("MASKS") { Description = "A folder (or .zip archive) of colour masks: PNG, BMP, WebP or JPEG." };
        var output = new Argument<string>("OUT") { Description = "The folder for the index PNGs and legend.json." };
        var legend = CommandLine.Option<string?>(
            "--legend",
            "FILE",
            "Which colour is which class: .json ({ \"road\": \"#804080\" }) or .csv (name, red, green, blue). \"ignore\" becomes "
                + "255. Default: every colour found is a class."
        );
        var tolerance = CommandLine.Option<int>(
            "--tolerance",
            "N",
            0,
            "Take the nearest colour, each channel at most N off; for masks that were compressed or have soft edges. Default: 0."
        );
        tolerance.Validators.Add(result =>
        {
            if (
                result.Tokens is [var token]
                && (!int.TryParse(token.Value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) || value is < 0 or > 255)
            )
                result.AddError("--tolerance is 0 to 255.");
        });
        var command = new Command(
            "convert-masks",
            "Turns colour masks into index PNGs, with a legend given or found, and the label_map for a config."
        )
        {
            masks,
            output,
            legend,
            tolerance,
        };
        command.SetAction(parsed =>
            Run(parsed.GetRequiredValue(masks), parsed.GetRequiredValue(output), parsed.GetValue(legend), parsed.GetValue(tolerance))
        );
        return command;
    }

    private static int Run(string masks, string output, string? legendPath, int tolerance)
    {
        var files = FileStore.Open(masks, fromConfig: false);
        var (source, target) = (Path.GetFullPath(masks).TrimEnd('/') + "/", Path.GetFullPath(output).TrimEnd('/') + "/");
        if (target.StartsWith(source, StringComparison.Ordinal) || source.StartsWith(target, StringComparison.Ordinal))
            throw new UserErrorException(
                $"{output}: the index PNGs can't lie in the masks' folder, nor the masks in theirs: one would take the other's place."
            );
        var converter = new MaskConverter(files, tolerance, gathers: legendPath is not null || tolerance > 0);
        var leftOut = converter.LeftOut;
        if (converter.Count == 0)
            throw new UserErrorException(
                string.Join("\n  ", leftOut.Select(entry => entry.ToString()).Prepend($"{masks} holds no images."))
            );
        var legend = legendPath is null ? converter.FindLegend() : Legend.Read(legendPath);
        Directory.CreateDirectory(output);
        var pixels = converter.Convert(legend, output);
        AtomicFile.WriteText(Path.Combine(output, "legend.json"), MaskConverter.Describe(legend, pixels));

        var all = Math.Max(pixels.Sum(), 1);
        ToolConsole.Current.Table(
            new Framework.Metrics.MetricTable(
                "colours",
                ["index", "name", "colour", "pixels", "share"],
                [
                    .. legend.Entries.Select(
                        (entry, i) =>
                            (IReadOnlyList<string>)
                                [
                                    $"{entry.Index}",
                                    entry.Name,
                                    entry.Color.ToString(),
                                    pixels[i].ToString("N0", CultureInfo.InvariantCulture),
                                    string.Create(CultureInfo.InvariantCulture, $"{(double)pixels[i] / all:0.0000}"),
                                ]
                    ),
                ]
            )
        );
        foreach (var entry in leftOut)
            ToolConsole.Current.Note(entry.ToString());
        ToolConsole.Current.Line($"{Counted.Of(converter.Count, "mask")} written to {output}. For the config:");
        ToolConsole.Current.Line($"\"palette\": [{string.Join(", ", MaskConverter.Palette(legend).Select(color => $"\"{color}\""))}],");
        var entries = MaskConverter
            .LabelMap(legend)
            .Select(entry => $"\"{entry.Key}\": {System.Text.Json.JsonSerializer.Serialize(entry.Value, Plain)}");
        ToolConsole.Current.Line($"\"label_map\": {{ {string.Join(", ", entries)} }}");
        if (legendPath is null)
            ToolConsole.Current.Note(
                $"Masks of another split may lack a colour: --legend {Path.Combine(output, "legend.json")} gives them the same numbers."
            );
        return 0;
    }

    private static readonly System.Text.Json.JsonSerializerOptions Plain = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
