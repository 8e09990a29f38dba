using Tessera.Framework.Data;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using TorchSharp.Modules;

namespace Tessera.Tools.Doctor;

/// <summary>Whether each epoch ends with a batch of one image, or has no others, of which batch norms can take no statistics.</summary>
internal sealed class LastBatch : IDisposable
{
    private const int Named = 4;

    private readonly List<Action> _removals = [];
    private readonly List<string> _single = [];

    /// <summary>Watches a model's norms until it is disposed.</summary>
    public LastBatch(VisionModel model)
    {
        foreach (var (name, module) in model.named_modules())
            if (module is BatchNorm norm)
                _removals.Add(
                    norm.register_forward_pre_hook(
                        (_, input) =>
                        {
                            if (SingleValueNorms.ShowsOne(input) && !_single.Contains(name))
                                _single.Add(name);
                            return null!;
                        }
                    ).remove
                );
    }

    /// <summary>Of the whole batch that has gone through the model.</summary>
    public void JudgeWhole(int batchSize, Report report)
    {
        if (_single.Count > 0)
            report.Warn(
                "training",
                $"a batch of {batchSize} shows {Counted.Of(_single.Count, "batch norm")} a single value for each channel "
                    + $"({string.Join(", ", _single.Take(Named))}{(_single.Count > Named ? ", …" : "")}), of which no variance can be "
                    + "taken: their statistics are never gathered. A larger train.loader.batch_size, or larger images, give them some."
            );
    }

    public void Dispose()
    {
        foreach (var remove in _removals)
            remove();
    }

    public static void Judge(VisionModel model, Dataset data, IBatchLoader loader, TrainOptions train, Report report)
    {
        var options = train.Loader ?? new LoaderOptions();
        if (options.DropLast || options.BatchSize == 1 || model.modules().OfType<BatchNorm>().FirstOrDefault() is null)
            return;
        var rest = data.Count - (loader.BatchesPerEpoch - 1) * options.BatchSize;
        if (loader.BatchesPerEpoch != (data.Count + options.BatchSize - 1) / options.BatchSize)
            return; // a sampler that draws another number
        if (rest != 1)
            return;
        report.Warn(
            "training",
            $"the last batch of each epoch holds a single image ({data.Count} samples in batches of {options.BatchSize}). Its batch "
                + $"norms' statistics are that image's alone, "
                + "and norms that it shows one value for each channel keep to their running ones. train.loader.drop_last=true "
                + "leaves it out."
        );
    }
}
