using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Features;

/// <summary>The features and classes of a file as tensors on a device, and how good scores for them are.</summary>
public sealed class FeatureSet : IDisposable
{
    /// <exception cref="UserErrorException">The file is of a regression, which has no classes.</exception>
    public FeatureSet(FeatureFile file, Device device)
    {
        if (file.Info.Task == DataTask.Regression)
            throw new UserErrorException(
                $"{file.Path} is of a regression, which has no classes to tell apart. Train a head by tools/train."
            );
        using var scope = NewDisposeScope();
        File = file;
        Features = file.Features.to(device).alias().DetachFromDisposeScope();
        Truth = (
            file.Labels is { } labels
                ? tensor(labels.ToArray()).to(device)
                : tensor(file.Targets!.ToArray(), [file.Count, file.Info.Classes.Count]).to(device)
        ).DetachFromDisposeScope();
    }

    public FeatureFile File { get; }

    /// <summary>[N, D], float32.</summary>
    public Tensor Features { get; }

    /// <summary>[N] int64, or, of several labels a sample, [N, classes] float32.</summary>
    public Tensor Truth { get; }

    public int Count => File.Count;

    public int Classes => File.Info.Classes.Count;

    public bool IsMultiLabel => File.Info.Task == DataTask.MultiLabel;

    /// <summary>What <see cref="Score"/> measures.</summary>
    public string Measure => IsMultiLabel ? "mAP" : "top-1";

    /// <summary>The share of samples whose highest score is that of their class; of several labels a sample, the mean average
    /// precision.</summary>
    /// <param name="scores">[N, classes]; a sample with a score that is not a number counts as wrong.</param>
    /// <returns>In [0, 1]; NaN where nothing can be measured.</returns>
    public double Score(Tensor scores)
    {
        using var scope = NewDisposeScope();
        if (!IsMultiLabel)
            return (scores.argmax(1).eq(Truth) & scores.isfinite().all(1)).to(ScalarType.Float64).mean().ToDouble();
        var metric = new AveragePrecisionMetric(new());
        metric.Reset(new DataInfo(File.Info.Classes, File.Info.Task));
        var (values, truth) = (
            scores.where(scores.isfinite(), zeros_like(scores)).Values<float>().Chunk(Classes),
            File.Targets!.Chunk(Classes)
        );
        metric.Process(
            [.. values.Select(row => new ClassPrediction(row, Array.IndexOf(row, row.Max())))],
            [
                .. truth.Select(
                    (row, i) =>
                        new Sample
                        {
                            Index = i,
                            Name = File.Names[i],
                            Truth = { MultiLabel = row },
                        }
                ),
            ]
        );
        return metric.Compute().GetValueOrDefault("mAP", double.NaN);
    }

    public void Dispose()
    {
        Features.Dispose();
        Truth.Dispose();
    }
}
