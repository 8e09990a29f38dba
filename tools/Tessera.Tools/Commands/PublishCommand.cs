using System.CommandLine;
using Tessera.Framework.Checkpoints;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Writes a checkpoint's weights alone, in the names of the reference implementation.</summary>
internal static class PublishCommand
{
    public static Command Create()
    {
        var checkpoint = CheckpointArgument.Of("A checkpoint that tools/train wrote.");
        var output = new Argument<string>("OUT")
        {
            Description =
                "A .safetensors file, or .pth or .pt for torch.load; or a folder or a name without extension, to which a content hash "
                + "is added.",
        };
        var names = CommandLine.Option<string?>(
            "--names",
            "MAP",
            "Whose names the tensors get: one of the backbone's key maps, or own. The reference implementation's by default."
        );
        var weights = CommandLine.Weights();
        var command = new Command("publish", "Writes a checkpoint's weights alone, in the names of the reference implementation.")
        {
            checkpoint,
            output,
            names,
            weights,
        };
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(checkpoint),
                parsed.GetRequiredValue(output),
                parsed.GetValue(names),
                parsed.GetValue(weights) == WeightChoice.Averaged
            )
        );
        return command;
    }

    private static int Run(string checkpoint, string output, string? names, bool averaged)
    {
        FileSet.RequireOther("OUT", output, ("CHECKPOINT", checkpoint));
        var published = Publisher.Publish(checkpoint, output, names, averaged);
        ToolConsole.Current.Line(
            $"{published.Path}: {published.Tensors} tensors{(published.Averaged ? ", averaged weights" : "")}, names of "
                + $"{published.Names}, SHA-256 {published.Sha256}"
        );
        if (published.LeftOut.Count > 0)
            ToolConsole.Current.Line($"Left out, since {published.Names} has no name for them: {string.Join(", ", published.LeftOut)}");
        return 0;
    }
}
