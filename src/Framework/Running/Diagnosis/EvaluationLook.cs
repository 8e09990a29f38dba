using System.Diagnostics;
using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Processes;
using static TorchSharp.torch;

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

    public required IBatchLoader Loader { get; init; }

    public required IReadOnlyDictionary<string, Metric> Metrics { get; init; }

    public required Device Device { get; init; }

    public required PrecisionChoice Precision { get; init; }

    public required bool ChannelsLast { get; init; }

    /// <summary>Whether to read all that the time allows, or the first batch alone.</summary>
    public bool ReadsAll { get; init; } = true;

    /// <summary>Looks. The model is back in its former mode afterwards.</summary>
    /// <param name="path">Of the data set in the config, for messages.</param>
    /// <returns>What is worth saying; null where all was read.</returns>
    /// <exception cref="UserErrorException">The evaluation could not be done.</exception>
    public string? Run(VisionModel model, string path)
    {
        var watch = Stopwatch.StartNew();
        var (batches, samples) = (0, 0);
        try
        {
            foreach (var loaded in Loader.Epoch(0))
            {
                using var batch = loaded;
                samples += batch.Count;
                if (batches++ == 0)
                    Evaluate(model, batch);
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
                $"{path}: none of its {Loader.Dataset.Count} samples can be read, so there is nothing to "
                    + $"evaluate{(Loader.Skipped.Count > 0 ? $". The first: {Loader.Skipped[0].Reason}" : ".")}"
            );
        Loader.TakeWaitTimes(); // it isn't the run's
        if (!ReadsAll || batches >= Loader.BatchesPerEpoch)
            return null;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{path}: {samples:N0} of {Loader.Dataset.Count:N0} samples were read in {s_limit.TotalSeconds:0} s before the run, "
                + $"without a fault; the others are first read in the evaluation."
        );
    }

    private void Evaluate(VisionModel model, Batch batch)
    {
        var training = model.training;
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        model.eval();
        try
        {
            batch.To(Device);
            if (ChannelsLast)
                batch.ToChannelsLast();
            IReadOnlyList<Prediction> predictions;
            using (Precision.Enter(Device.type))
                predictions = ShapeMistake.Guard(model, batch, () => model.Predict(batch));
            foreach (var metric in Metrics.Values)
            {
                metric.Reset(Loader.Dataset.Info);
                metric.Process(predictions, batch.Samples);
            }
            Evaluator.Values(Metrics);
            foreach (var metric in Metrics.Values)
                metric.Reset(Loader.Dataset.Info);
        }
        finally
        {
            model.train(training);
        }
    }
}
