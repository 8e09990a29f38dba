using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Features;

/// <summary>Features and truth of a data set, gathered batch by batch, on the CPU.</summary>
internal sealed class FeatureRows(Dataset dataset, ScalarType type) : IDisposable
{
    private readonly List<string> _names = [];
    private Tensor? _features,
        _truth;

    public int Count => _names.Count;

    public int Width => (int)(_features?.shape[1] ?? 0);

    /// <param name="features">[B, D], on any device.</param>
    /// <exception cref="UserErrorException">A value is not finite in the type that is stored, or the data has no truth.</exception>
    public void Add(Batch batch, Tensor features)
    {
        var truth =
            (
                dataset.Info.Task switch
                {
                    DataTask.Classification => batch.Labels,
                    DataTask.MultiLabel => batch.SoftLabels,
                    _ => batch.Targets,
                }
            ) ?? throw new UserErrorException($"{batch.Samples[0].Name} has no truth for {TaskNames.Of(dataset.Info.Task)}.");
        var stored = features.detach().to(type).cpu();
        if (!stored.isfinite().all().ToBoolean())
            throw new UserErrorException(
                features.isfinite().all().ToBoolean()
                    ? "A feature is too large for float16 (65504 at most). Store them as float32 (fp32)."
                    : $"The network gives a feature that is not finite, in the batch of {batch.Samples[0].Name}."
            );
        _features ??= empty([dataset.Count, stored.shape[1]], type).DetachFromDisposeScope();
        _truth ??= empty([dataset.Count, .. truth.shape[1..]], truth.dtype).DetachFromDisposeScope();
        _features.narrow(0, Count, batch.Count).copy_(stored);
        _truth.narrow(0, Count, batch.Count).copy_(truth);
        _names.AddRange(batch.Samples.Select(sample => sample.Name));
    }

    public void WriteTo(string path, FeatureInfo info) => FeatureFile.Write(path, info, _features!, _truth!, _names);

    public void Dispose()
    {
        _features?.Dispose();
        _truth?.Dispose();
    }
}
