using System.CommandLine;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Processes;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Exporting;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Writes a checkpoint's model as an ONNX file.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        var checkpoint = CheckpointArgument.Of("A checkpoint that tools/train wrote.");
        var output = new Argument<string>("OUT.onnx") { Description = "The file; weights beyond 2 GB lie in OUT.onnx.data beside it." };
        var options = new ExportOptionsOfCommand();
        var weights = CommandLine.Weights();
        var plugins = CommandLine.Plugins();
        var command = new Command("export", "Writes a checkpoint's model as an ONNX file.") { checkpoint, output };
        foreach (var option in options.All)
            command.Add(option);
        command.Add(weights);
        command.Add(plugins);
        command.SetAction(parsed =>
        {
            var (wanted, (verify, images)) = (options.Read(parsed), options.Verification(parsed));
            using var session = Session.OfCheckpoint(
                parsed.GetRequiredValue(checkpoint),
                new SessionOptions
                {
                    Device = "cpu",
                    Precision = Precision.Fp32,
                    Averaged = parsed.GetValue(weights) == WeightChoice.Averaged,
                    Plugins = parsed.GetRequiredValue(plugins),
                    Note = ToolConsole.Current.Note,
                }
            );
            return new ExportRun(session, wanted).Run(parsed.GetRequiredValue(output), verify ? new VerifiedImages(session, images) : null);
        });
        return command;
    }
}
