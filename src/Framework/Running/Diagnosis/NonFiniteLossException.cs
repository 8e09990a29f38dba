using Microsoft.Extensions.Logging;
using Tessera.Framework.Data;
using Tessera.Framework.Hooks;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;

namespace Tessera.Framework.Running.Diagnosis;

/// <summary>A loss was NaN or infinite.</summary>
internal sealed class NonFiniteLossException : Exception
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly byte[] _random = [];

    /// <summary>Found before the step: the model is as it was when the batch came.</summary>
    public NonFiniteLossException(Progress progress, byte[] random)
        : base(Heading(progress)) => (Progress, _random) = (progress, random);

    /// <summary>Found some steps later.</summary>
    public NonFiniteLossException(Progress progress, IReadOnlyList<string> files)
        : base($"{Heading(progress)}\n  Files of the batch: {Listed(files)}") => (Progress, FoundLate) = (progress, true);

    private NonFiniteLossException(Progress progress, string message)
        : base(message) => Progress = progress;

    public Progress Progress { get; }

    /// <summary>Whether the weights have changed since.</summary>
    public bool FoundLate { get; }

    /// <summary>Runs the batch again to see where it went wrong, and saves it with the weights.</summary>
    public NonFiniteLossException Explain(RunState run, Batch batch, TrainerParts parts, bool writes)
    {
        if (FoundLate)
            return this;
        var replay = new NonFiniteReplay(run.Optimizers.Autocast);
        var found = replay.Look(run.Model, batch, Progress, _random);
        var lines = new List<string>
        {
            Heading(Progress),
            $"  {found.Describe()}",
            $"  Files of the batch: {Listed([.. batch.Samples.Select(sample => sample.Name)])}",
        };
        if (writes)
        {
            try
            {
                var path = Path.Combine(run.WorkDir, $"nonfinite_iter_{Progress.Iteration}.safetensors");
                NonFiniteFile.Save(path, run.Model, batch, Progress, _random, found, parts, run.Describe());
                lines.Add($"  Batch and weights are saved: tools/replay-nonfinite {path} runs them again.");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or UserErrorException)
            {
                s_log.LogWarning("The batch could not be saved: {0}", e.Message);
            }
        }
        return new NonFiniteLossException(Progress, string.Join('\n', lines));
    }

    private static string Heading(Progress progress) =>
        $"The loss is not finite at iteration {progress.Iteration} (epoch {progress.Epoch}). The run stops; the checkpoints before it "
        + $"are good.";

    private static string Listed(IReadOnlyList<string> files) =>
        files.Count <= 8 ? string.Join(", ", files) : $"{string.Join(", ", files.Take(8))} and {files.Count - 8} more";
}
