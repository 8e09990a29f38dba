using NLog;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Torch;

namespace Tessera.Framework.Running.Diagnosis;

/// <summary>A loss was NaN or infinite.</summary>
internal sealed class NonFiniteLossException : Exception
{
    private static readonly Logger s_log = LogManager.GetLogger("Tessera.Run");

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
    public NonFiniteLossException Explain(VisionModel model, Batch batch, OptimizerSet optimizers, string workDir, bool writes)
    {
        if (FoundLate) return this;
        var replay = new NonFiniteReplay(optimizers.Autocast);
        var found = replay.Look(model, batch, Progress, _random);
        var lines = new List<string> { Heading(Progress), $"  {found.Describe()}", $"  Files of the batch: {Listed([.. batch.Samples.Select(sample => sample.Name)])}" };
        if (writes)
        {
            try
            {
                var path = Path.Combine(workDir, $"nonfinite_iter_{Progress.Iteration}.safetensors");
                NonFiniteReplay.Save(path, model, batch, Progress, _random, found);
                lines.Add($"  Batch and weights are saved in {path}.");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or UserErrorException)
            {
                s_log.Warn("The batch could not be saved: {0}", e.Message);
            }
        }
        return new NonFiniteLossException(Progress, string.Join('\n', lines));
    }

    private static string Heading(Progress progress) =>
        $"The loss is not finite at iteration {progress.Iteration} (epoch {progress.Epoch}). The run stops; the checkpoints before it are good.";

    private static string Listed(IReadOnlyList<string> files) =>
        files.Count <= 8 ? string.Join(", ", files) : $"{string.Join(", ", files.Take(8))} and {files.Count - 8} more";
}
