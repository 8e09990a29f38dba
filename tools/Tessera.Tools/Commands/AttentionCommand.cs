using System.CommandLine;
using System.Globalization;
using Tessera.Datasets.Images;
using Tessera.Explaining;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Models;
using Tessera.Models.Explanation.Attention;
using Tessera.Tools.Attention;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Shows where a transformer looks in an image.</summary>
internal static class AttentionCommand
{
    public static Command Create()
    {
        var checkpoint = CheckpointArgument.Of("A checkpoint of tools/train, of a model with attention.");
        var image = new Argument<string>("IMAGE") { Description = "An image file." };
        var asked = new AttentionArguments();
        var truth = CommandLine.Option<string?>(
            "--truth",
            "MASK",
            "The true foreground, for its IoU: an image of the same size, 0 for background, 255 left out where there are other values."
        );
        var folder = CommandLine.OutDir("Where pictures and arrays go. Default: attention-NAME-OF-CHECKPOINT.");
        var device = CommandLine.Device();
        var weights = CommandLine.Weights();
        var plugins = CommandLine.Plugins();
        var command = new Command("attention", "Shows where a transformer looks in an image.") { checkpoint, image };
        asked.AddTo(command);
        foreach (var option in (Option[])[truth, folder, device, weights, plugins])
            command.Add(option);
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(checkpoint),
                parsed.GetRequiredValue(image),
                asked.Read(parsed),
                parsed.GetValue(truth),
                parsed.GetValue(folder),
                new AttentionReaderOptions
                {
                    Device = parsed.GetValue(device) ?? "auto",
                    Averaged = parsed.GetValue(weights) == WeightChoice.Averaged,
                    Plugins = parsed.GetRequiredValue(plugins),
                    Note = ToolConsole.Current.Note,
                }
            )
        );
        return command;
    }

    private static int Run(
        string checkpoint,
        string image,
        AttentionRequest request,
        string? truth,
        string? folder,
        AttentionReaderOptions options
    )
    {
        if (truth is not null && request.Foreground is null)
            throw new UserErrorException("--truth is compared with the foreground of a block: say which by --foreground BLOCK.");
        if (Directory.Exists(image))
            throw new UserErrorException(
                $"{image}: this is a folder; attention is shown of one image. tools/explain --method attention_rollout takes folders."
            );
        if (!File.Exists(image))
            throw new UserErrorException($"{image}: there is no such file.");
        folder ??= $"attention-{Path.GetFileNameWithoutExtension(checkpoint)}";
        if (File.Exists(folder))
            throw new UserErrorException($"{folder}: pictures are written into a folder, but this is a file.");
        using var reader = AttentionReader.Load(checkpoint, options);
        if (!reader.HasAttention)
            throw new UserErrorException(
                $"{checkpoint}: its model, {Backbone(reader.Model)}, has no attention that could be shown."
                    + (reader.Model is IExplainable ? " tools/explain shows which places of an image speak for what it makes of it." : "")
            );
        var view = reader.Look(image, request);
        var mask = truth is null ? null : TruthMask.Load(truth, view.Photograph);
        Tell(image, view, request, reader.Data);
        var cut = view.Foreground is { } inside ? Told(inside, mask, request) : default;
        Write(folder, image, view, request, reader.Data, cut);
        return 0;
    }

    private static void Tell(string image, AttentionView view, AttentionRequest request, DataInfo data)
    {
        var console = ToolConsole.Current;
        console.Line($"{image}  {AttentionWords.Found(view.Prediction, data)}");
        console.Table(
            ["block", "layer", "tokens", "heads", "most looked at (row, column)"],
            view.Blocks.Select(block =>
                (string[])
                    [
                        Text($"{block.Index}"),
                        block.Name,
                        Text($"{block.Grid.Height} x {block.Grid.Width}")
                            + (block.Grid.Leading > 0 ? Text($" + {block.Grid.Leading}") : ""),
                        Text($"{block.Heads}"),
                        AttentionWords.Most(block),
                    ]
            )
        );
        console.Line($"Seen from {view.Query}. {AttentionWords.Synthesis(view, request)}");
        if (view.Synthesis.IsConstant)
            console.Note(
                view.Target is { } target
                    ? Text($"No place speaks for {target}: the relevance is the same everywhere ({view.Synthesis.Greatest:G3}).")
                    : Text(
                        $"The blocks together tell no place from another: their map is the same everywhere ({view.Synthesis.Greatest:G3})."
                    )
            );
        if (view.SeveralGrids)
            console.Note(
                "The network is a pyramid: each block's map is on the grid of its stage. Put together, a token of a later stage stands for "
                    + "the tokens that it was made of, in equal shares; how the network weighs them in merging is not in it."
            );
    }

    private static string Told(bool[] foreground, TruthMask? truth, AttentionRequest request)
    {
        var share = AttentionSheet.Percent(foreground.Count(inside => inside) / (double)foreground.Length);
        var text = $"{share} of the image";
        if (truth is not null)
        {
            var (front, back) = truth.IoU(foreground);
            text += Text($", IoU {front:0.0000}, of the background {back:0.0000}");
        }
        ToolConsole.Current.Line($"Foreground of block {request.Foreground}: {text}");
        return text;
    }

    private static void Write(string folder, string image, AttentionView view, AttentionRequest request, DataInfo data, string? cut)
    {
        var name = Path.GetFileNameWithoutExtension(image);
        var sheet = new AttentionSheet(view, data);
        using (
            var drawing = sheet.Draw(
                (Path.GetFileName(image), AttentionWords.Found(view.Prediction, data)),
                AttentionWords.Title(view, request),
                ($"foreground of block {request.Foreground}", cut ?? "")
            )
        )
            Save($"{name}.png", drawing.EncodePng(), tell: true);
        if (request.Heads is null)
        {
            using var drawing = sheet.DrawHeads();
            Save($"{name}.heads.png", drawing.EncodePng(), tell: true);
        }
        foreach (var block in view.Blocks)
            Save(
                Path.Combine(name, Text($"block_{block.Index:00}.npy")),
                NpyArray.Of([.. block.Maps.SelectMany(map => map.Values)], block.Maps.Count, block.Grid.Height, block.Grid.Width)
            );
        Save(Path.Combine(name, "synthesis.npy"), NpyArray.Of(view.Synthesis.Values, view.Synthesis.Height, view.Synthesis.Width));
        if (view.Foreground is { } mask)
        {
            byte[] pixels = [.. mask.Select(inside => inside ? byte.MaxValue : (byte)0)];
            Save(
                Path.Combine(name, "foreground.png"),
                ImageCodec.EncodePng(new Image(view.Photograph.Height, view.Photograph.Width, 1, PixelType.UInt8, pixels))
            );
        }

        void Save(string file, byte[] content, bool tell = false)
        {
            var path = Path.Combine(folder, file);
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            AtomicFile.Write(path, stream => stream.Write(content));
            if (tell)
                ToolConsole.Current.Note(path);
        }
    }

    private static string Backbone(VisionModel model) =>
        model.Having<Backbone>().Select(entry => $"{model.GetName()} with {entry.Module.GetName()}").FirstOrDefault() ?? model.GetName();

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
