using Tessera.Framework.Data;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
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

    /// <summary>Set where the model was trained on the same classes in another order.</summary>
    public ClassOrder? Order { get; init; }

    /// <summary>Sees every batch's predictions, for files of predictions and pictures. On this process's samples only.</summary>
    public Action<IReadOnlyList<Prediction>, IReadOnlyList<Sample>>? Observe { get; init; }

    /// <summary>After each batch: batches done, batches in all.</summary>
    public Action<int, int>? Advance { get; init; }

    /// <summary>The metrics' values over all processes' samples. The model is back in its former mode afterwards.</summary>
    /// <exception cref="UserErrorException">Two metrics give a value of the same name.</exception>
    public IReadOnlyDictionary<string, double> Run(VisionModel model)
    {
        var training = model.training;
        model.eval();
        try
        {
            foreach (var metric in Metrics.Values) metric.Reset(Loader.Dataset.Info);
            Predict(model);
            Merge();
            return Values(Metrics);
        }
        finally
        {
            model.train(training);
        }
    }

    private void Predict(VisionModel model)
    {
        var done = 0;
        using var mode = no_grad();
        foreach (var loaded in Loader.Epoch(0))
        {
            using var batch = loaded;
            using var scope = NewDisposeScope();
            batch.To(Device);
            if (ChannelsLast) batch.ToChannelsLast();
            IReadOnlyList<Prediction> predictions;
            using (Precision.Enter(Device.type)) predictions = ShapeMistake.Guard(model, batch, () => model.Predict(batch));
            if (Order is not null) predictions = [.. predictions.Select(Order.Translate)];
            foreach (var metric in Metrics.Values) metric.Process(predictions, batch.Samples);
            Observe?.Invoke(predictions, batch.Samples);
            Advance?.Invoke(++done, Loader.BatchesPerEpoch);
        }
    }

    private void Merge()
    {
        if (Group.WorldSize == 1) return;
        foreach (var metric in Metrics.Values)
        {
            var parts = Group.AllGather(metric.Save());
            metric.Reset(Loader.Dataset.Info);
            foreach (var part in parts) metric.Merge(part); // by rank, so that every process computes the same
        }
    }

    /// <summary>What metrics have gathered, by the values' names.</summary>
    /// <param name="metrics">By the config's names.</param>
    /// <exception cref="UserErrorException">Two of them give a value of the same name.</exception>
    public static IReadOnlyDictionary<string, double> Values(IReadOnlyDictionary<string, Metric> metrics)
    {
        var values = new Dictionary<string, double>();
        foreach (var (key, metric) in metrics)
        {
            foreach (var (name, value) in metric.Compute())
            {
                if (!values.TryAdd(name, value))
                    throw new UserErrorException($"metrics.{key}: another metric gives \"{name}\" already. Leave one of the two out.");
            }
        }
        return values;
    }
}
