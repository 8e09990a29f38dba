using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using TorchSharp.Modules;

namespace Tessera.Tools.Doctor;

/// <summary>Whether each epoch ends with a batch of one image, of which batch norms can take no statistics.</summary>
internal static class LastBatch
{
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
