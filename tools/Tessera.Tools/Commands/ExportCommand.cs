using System.CommandLine;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Onnx.Export;
using Tessera.Tools.Exporting;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Writes a checkpoint's model as an ONNX file.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        var checkpoint = new Argument<string>("CHECKPOINT") { Description = "A checkpoint that tools/train wrote." };
        var output = new Argument<string>("OUT.onnx") { Description = "The file; weights beyond 2 GB lie in OUT.onnx.data beside it." };
        var opset = new Option<int>("--opset")
        {
            Description =
                $"Release of ONNX's operations, {OnnxExportOptions.OldestOpset} to {OnnxExportOptions.NewestOpset}. 18 and later resize "
                + "smoothly. Default: 17.",
            HelpName = "N",
            DefaultValueFactory = _ => 17,
        };
        var dynamic = new Option<string?>("--dynamic")
        {
            Description = "What of the input stays open: batch, size, or batch,size. By default one image of one size.",
            HelpName = "SIDES",
        };
        var size = new Option<string?>("--size")
        {
            Description = "The input's size, HEIGHTxWIDTH, where the pipeline makes images of several sizes, or in place of its own.",
            HelpName = "HxW",
        };
        var before = new Option<bool>("--with-preprocessing")
        {
            Description = "The graph takes pixels, uint8 [B, H, W, 3], and resizes and normalises them.",
        };
        var after = new Option<bool>("--with-postprocessing")
        {
            Description = "The graph gives probabilities, classes of pixels, or boxes after suppression.",
        };
        var taps = new Option<string[]>("--taps")
        {
            Description = "Modules whose outputs the file gives, too.",
            HelpName = "NAME,…",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        var verify = new Option<bool>("--verify")
        {
            Description =
                "Run the file by ONNX Runtime beside the model, stage by stage, on real images; exit code 4 where a stage differs by more than "
                + "1e-4 of its largest value.",
        };
        var images = new Option<string?>("--images")
        {
            Description = "With --verify: an image or a folder of them; by default the first images of the config's test or val data.",
            HelpName = "PATH",
        };
        var weights = CommandLine.Weights();
        var plugins = CommandLine.Plugins();
        var command = new Command("export", "Writes a checkpoint's model as an ONNX file.")
        {
            checkpoint,
            output,
            opset,
            dynamic,
            size,
            before,
            after,
            taps,
            verify,
            images,
            weights,
            plugins,
        };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(images) is not null && !parsed.GetValue(verify))
                throw new UserErrorException("--images says on what --verify runs; give both.");
            var options = new OnnxExportOptions
            {
                Opset = parsed.GetValue(opset),
                Open = ExportArguments.Open(parsed.GetValue(dynamic)),
                Size = ExportArguments.Size(parsed.GetValue(size)),
                WithPreprocessing = parsed.GetValue(before),
                WithPostprocessing = parsed.GetValue(after),
                Taps = ExportArguments.Names(parsed.GetRequiredValue(taps)),
            };
            using var session = Session.OfCheckpoint(
                parsed.GetRequiredValue(checkpoint),
                new SessionOptions
                {
                    Device = "cpu",
                    Precision = Framework.Processes.Precision.Fp32,
                    Averaged = parsed.GetValue(weights) == WeightChoice.Averaged,
                    Plugins = parsed.GetRequiredValue(plugins),
                    Note = ToolConsole.Current.Note,
                }
            );
            return new ExportRun(session, options).Run(
                parsed.GetRequiredValue(output),
                parsed.GetValue(verify) ? new VerifiedImages(session, parsed.GetValue(images)) : null
            );
        });
        return command;
    }
}
