using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Data;
using Tessera.Framework.Hooks;
using Tessera.Framework.Messages;

namespace Tessera.Framework.Running.Diagnosis;

/// <summary>What a run tells of a batch whose loss was not finite.</summary>
internal static class NonFiniteReport
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    /// <summary>Runs the batch again to see where it went wrong, and saves it with the weights.</summary>
    /// <returns>The same error, with what was seen; as it is where the weights have changed since.</returns>
    public static NonFiniteLossException Explain(
        NonFiniteLossException found,
        Batch batch,
        RunState run,
        TrainStep step,
        TrainerParts parts
    )
    {
        if (found.FoundLate)
            return found;
        var lines = new List<string>();
        if (Look(found, batch, step) is { } finding)
        {
            lines.Add(finding.Describe());
            lines.Add(Files(batch));
            if (run.Group.Rank == 0)
                Save(found, batch, run, parts, finding, lines);
        }
        else
        {
            lines.Add(Files(batch));
        }
        return new NonFiniteLossException(found, lines);
    }

    private static string Files(Batch batch) =>
        $"Files of the batch: {NonFiniteLossException.Listed([.. batch.Samples.Select(sample => sample.Name)])}";

    private static NonFiniteFinding? Look(NonFiniteLossException found, Batch batch, TrainStep step)
    {
        try
        {
            var forward = new ForwardOptimizers(step.Optimizers.Autocast, step.Optimizers.AddPenalties);
            return NonFiniteReplay.Look(step.Model, batch, found.Progress, found.Random, forward);
        }
        catch (Exception error) when (error is InvalidOperationException or NotSupportedException or ExternalException)
        {
            s_log.LogWarning("The batch could not be run again: {0}", error.Message); // a model's own TrainStep may do anything
            return null;
        }
    }

    private static void Save(
        NonFiniteLossException found,
        Batch batch,
        RunState run,
        TrainerParts parts,
        NonFiniteFinding finding,
        List<string> lines
    )
    {
        try
        {
            var path = Path.Combine(run.WorkDir, $"nonfinite_iter_{found.Progress.Iteration}.safetensors");
            NonFiniteFile.Save(path, run.Model, batch, found.Progress, found.Random, finding, parts, run.Describe());
            lines.Add($"Batch and weights are saved: tools/replay-nonfinite {path} runs them again.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or UserErrorException)
        {
            s_log.LogWarning("The batch could not be saved: {0}", e.Message);
        }
    }
}
