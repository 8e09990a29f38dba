using System.Diagnostics;
using System.Globalization;
using Tessera.Framework.Models;

namespace Tessera.Framework.Running.Diagnosis;

/// <summary>
/// Goes through what will be evaluated before the first epoch: every batch is read as an evaluation reads it, and the first is
/// predicted and measured. A file that can't be read, samples that make no batch, or sizes that the model can't take are
/// then known before an epoch is lost.
/// </summary>
public sealed class EvaluationLook
{
    /// <summary>Large data is read no longer than that; what is left is met in the evaluation.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    /// <summary>What will evaluate.</summary>
    public required Evaluator Evaluator { get; init; }

    /// <summary>Whether to read all that the time allows, or the first batch alone.</summary>
    public bool ReadsAll { get; init; } = true;

    /// <summary>Looks. The model is back in its former mode afterwards.</summary>
    /// <param name="path">Of the data set in the config, for messages.</param>
    /// <returns>What is worth saying; null where all was read.</returns>
    /// <exception cref="UserErrorException">The evaluation could not be done.</exception>
    public string? Run(VisionModel model, string path)
    {
        var loader = Evaluator.Loader;
        var watch = Stopwatch.StartNew();
        var (batches, samples) = (0, 0);
        try
        {
            foreach (var loaded in loader.Epoch(0))
            {
                using var batch = loaded;
                samples += batch.Count;
                if (batches++ == 0)
                    Evaluator.Try(model, batch);
                if (!ReadsAll || watch.Elapsed > s_limit)
                    break;
            }
        }
        catch (UserErrorException error)
        {
            throw new UserErrorException(
                $"{path}\n  {error.Message.ReplaceLineEndings("\n  ")}\n  Found in a look at the evaluation before the run, so that no "
                    + $"epoch is lost.",
                error
            );
        }
        if (batches == 0)
            throw new UserErrorException(
                $"{path}: none of its {loader.Dataset.Count} samples can be read, so there is nothing to "
                    + $"evaluate{(loader.Skipped.Count > 0 ? $". The first: {loader.Skipped[0].Reason}" : ".")}"
            );
        loader.TakeWaitTimes(); // it isn't the run's
        if (!ReadsAll || batches >= loader.BatchesPerEpoch)
            return null;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{path}: {samples:N0} of {loader.Dataset.Count:N0} samples were read in {s_limit.TotalSeconds:0} s before the run, "
                + $"without a fault; the others are first read in the evaluation."
        );
    }
}
