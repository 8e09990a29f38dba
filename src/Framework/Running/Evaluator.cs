using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Processes;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>Runs a model over a data set and measures its predictions.</summary>
public sealed class Evaluator
{
    public required IBatchLoader Loader { get; init; }

    /// <summary>By the config's names.</summary>
    public required IReadOnlyDictionary<string, Metric> Metrics { get; init; }

    public required Device Device { get; init; }

    public IProcessGroup Group { get; init; } = new SingleProcess();

    /// <summary>What predictions are computed in; training evaluates in the run's own precision.</summary>
    public PrecisionChoice Precision { get; init; } = PrecisionChoice.Full;

    public bool ChannelsLast { get; init; }

    /// <summary>Metrics give no intervals, which may take long to draw.</summary>
    public bool PointsOnly { get; init; }

    /// <summary>Set where the model was trained on the same classes in another order.</summary>
    public ClassOrder? Order { get; init; }

    /// <summary>Sees every batch's predictions, for files of predictions and pictures. On this process's samples only.</summary>
    public Action<IReadOnlyList<Prediction>, IReadOnlyList<Sample>>? Observe { get; init; }

    /// <summary>After each batch: batches done, batches in all.</summary>
    public Action<int, int>? Advance { get; init; }

    /// <summary>The values beside the metrics' own where not all samples were measured: how many were, and how many were left
    /// out.</summary>
    public const string MeasuredKey = "images/measured",
        LeftOutKey = "images/left_out";

    /// <summary>Images of the last run, of all processes, for which the network gave no finite numbers.</summary>
    public NonFinitePredictions NonFinite { get; private set; } = new();

    /// <summary>
    /// The metrics' values over all processes' samples; NaN, all of them, where the network's output was not finite; where some samples
    /// were left out, also <see cref="MeasuredKey"/> and <see cref="LeftOutKey"/>. The model is back in its former mode afterwards.
    /// </summary>
    /// <exception cref="UserErrorException">Two metrics give a value of the same name, or no sample could be read.</exception>
    public IReadOnlyDictionary<string, double> Run(VisionModel model)
    {
        using var mode = new EvaluationMode(model);
        Reset();
        NonFinite = new NonFinitePredictions();
        var measured = Everywhere(Predict(model));
        if (measured == 0)
            throw NothingMeasured();
        Merge();
        return WithCoverage(NonFinite.Judge(Values(Metrics, PointsOnly)), measured, Loader.Dataset);
    }

    /// <summary>Predicts and measures one batch, to see whether that can be done. The model is back in its former mode afterwards, the
    /// metrics are empty.</summary>
    /// <exception cref="UserErrorException">The model can't take the images, or the metrics can't measure the predictions.</exception>
    public void Try(VisionModel model, Batch batch)
    {
        using var mode = new EvaluationMode(model);
        using var scope = NewDisposeScope();
        Reset();
        Process(model, batch);
        Values(Metrics);
        Reset();
    }

    private void Reset()
    {
        foreach (var metric in Metrics.Values)
            metric.Reset(Loader.Dataset.Info);
    }

    /// <summary>The sentence that goes with figures over a part of the samples; null where they cover all.</summary>
    public static string? Coverage(IReadOnlyDictionary<string, double> values) =>
        values.TryGetValue(MeasuredKey, out var measured) && values.TryGetValue(LeftOutKey, out var leftOut)
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"The figures cover {measured:N0} of {measured + leftOut:N0} images: {leftOut:N0} {(leftOut == 1 ? "was" : "were")} "
                    + $"left out."
            )
            : null;

    private UserErrorException NothingMeasured() =>
        new(
            $"None of the {Loader.Dataset.Count} samples could be "
                + "measured."
                + (
                    Loader.Skipped is [var (name, reason), ..]
                        ? $" The first: {(reason.Contains(name, StringComparison.Ordinal) ? reason : $"{name}: {reason}")}"
                        : ""
                )
        );

    private long Everywhere(long own) =>
        Group.WorldSize == 1 ? own : Group.AllGather(BitConverter.GetBytes(own)).Sum(bytes => BitConverter.ToInt64(bytes));

    /// <summary>An evaluation's values, with <see cref="MeasuredKey"/> and <see cref="LeftOutKey"/> where some samples were left
    /// out.</summary>
    /// <param name="measured">How many samples were measured.</param>
    public static IReadOnlyDictionary<string, double> WithCoverage(
        IReadOnlyDictionary<string, double> values,
        long measured,
        Dataset dataset
    )
    {
        var left =
            Math.Max(0, dataset.Count - measured)
            + dataset.LeftOut.Where(entry => entry.Kind == LeftOutKind.Image).Sum(entry => entry.Count);
        return left == 0 ? values : new Dictionary<string, double>(values) { [MeasuredKey] = measured, [LeftOutKey] = left };
    }

    /// <returns>How many samples this process has measured.</returns>
    private long Predict(VisionModel model)
    {
        var (done, samples) = (0, 0L);
        foreach (var loaded in Loader.Epoch(0))
        {
            using var batch = loaded;
            using var scope = NewDisposeScope();
            var predictions = Process(model, batch);
            NonFinite.See(predictions, batch.Samples);
            Observe?.Invoke(predictions, batch.Samples);
            samples += batch.Samples.Count;
            Advance?.Invoke(++done, Loader.BatchesPerEpoch);
        }
        return samples;
    }

    /// <summary>One batch: predicted, and seen by the metrics.</summary>
    private IReadOnlyList<Prediction> Process(VisionModel model, Batch batch)
    {
        batch.Place(Device, ChannelsLast);
        IReadOnlyList<Prediction> predictions;
        using (Precision.Enter(Device.type))
            predictions = ShapeMistake.Guard(model, batch, () => model.Predict(batch));
        if (Order is not null)
            predictions = [.. predictions.Select(Order.Translate)];
        foreach (var metric in Metrics.Values)
            metric.Process(predictions, batch.Samples);
        return predictions;
    }

    private void Merge()
    {
        if (Group.WorldSize == 1)
            return;
        foreach (var metric in Metrics.Values)
        {
            var parts = Group.AllGather(metric.Save());
            metric.Reset(Loader.Dataset.Info);
            foreach (var part in parts)
                metric.Merge(part); // by rank, so that every process computes the same
        }
        var (count, images) = NonFinite.Counts;
        var counts = Group.AllGather([.. BitConverter.GetBytes(count), .. BitConverter.GetBytes(images)]);
        for (var rank = 0; rank < counts.Count; rank++)
            if (rank != Group.Rank)
                NonFinite.Merge(BitConverter.ToInt64(counts[rank], 0), BitConverter.ToInt64(counts[rank], sizeof(long)));
    }

    /// <summary>What metrics have gathered, by the values' names.</summary>
    /// <param name="metrics">By the config's names.</param>
    /// <exception cref="UserErrorException">Two of them give a value of the same name.</exception>
    public static IReadOnlyDictionary<string, double> Values(IReadOnlyDictionary<string, Metric> metrics) =>
        Values(metrics, pointsOnly: false);

    private static Dictionary<string, double> Values(IReadOnlyDictionary<string, Metric> metrics, bool pointsOnly)
    {
        var values = new Dictionary<string, double>();
        foreach (var (key, metric) in metrics)
        {
            foreach (var (name, value) in pointsOnly ? metric.ComputePoints() : metric.Compute())
            {
                if (!values.TryAdd(name, value))
                    throw new UserErrorException($"metrics.{key}: another metric gives \"{name}\" already. Leave one of the two out.");
            }
        }
        return values;
    }

    /// <summary>A model in evaluation mode and without gradients, until disposed; then it is in its former mode.</summary>
    private sealed class EvaluationMode : IDisposable
    {
        private readonly IDisposable _noGradients = no_grad();
        private readonly VisionModel _model;
        private readonly bool _training;

        public EvaluationMode(VisionModel model)
        {
            (_model, _training) = (model, model.training);
            model.eval();
        }

        public void Dispose()
        {
            _model.train(_training);
            _noGradients.Dispose();
        }
    }
}
