using System.CommandLine;
using System.Globalization;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Works what parameter-efficient methods have learned into the weights of their base.</summary>
internal static class MergeAdapterCommand
{
    private const string Ending = ".safetensors";

    public static Command Create()
    {
        var checkpoint = CheckpointArgument.Of(
            "A checkpoint of tools/train whose config has model.peft. The weights it was trained on are found by model's init."
        );
        var output = new Argument<string>(CommandLine.Output)
        {
            Description = "The .safetensors file to write: a checkpoint that needs nothing else.",
        };
        var weights = CommandLine.Weights();
        var plugins = CommandLine.Plugins();
        var command = new Command("merge-adapter", "Works what parameter-efficient methods have learned into the weights of their base.")
        {
            checkpoint,
            output,
            weights,
            plugins,
        };
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(checkpoint),
                parsed.GetRequiredValue(output),
                parsed.GetValue(weights) == WeightChoice.Averaged,
                parsed.GetRequiredValue(plugins)
            )
        );
        return command;
    }

    private static int Run(string path, string output, bool averaged, string[] plugins)
    {
        if (Path.GetExtension(output) != Ending)
            throw new UserErrorException($"OUT is {output}; a name that ends in {Ending} was expected.");
        FileSet.RequireOther("OUT", output, ("CHECKPOINT", path));
        var checkpoint = Checkpoint.Open(path);
        var (info, hasAverage) = (checkpoint.Info, checkpoint.HasAveraged);
        using var session = Session.OfCheckpoint(
            checkpoint,
            new SessionOptions
            {
                Device = "cpu",
                Averaged = averaged,
                Plugins = plugins,
                Note = ToolConsole.Current.Note,
            }
        );
        if (session.Model.Adaptation is not { } adaptation)
            throw new UserErrorException($"{path}\n  Its config has no model.peft, so there is nothing to merge.");
        adaptation.Merge();
        Checkpoint.WriteModel(output, session.Model, info with { Config = info.Config.Without("model", "peft"), Base = null });
        ToolConsole.Current.Line(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{output}: {adaptation.Base.Count} tensors of the base, {string.Join(", ", session.Model.Peft!.Keys)} merged into them"
                    + $"{(averaged && hasAverage ? "; averaged weights" : "")}"
            )
        );
        return 0;
    }
}
