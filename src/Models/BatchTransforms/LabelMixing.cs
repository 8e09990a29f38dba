using Tessera.Framework.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.BatchTransforms;

/// <summary>Mixes the targets of a batch as its images were mixed.</summary>
internal static class LabelMixing
{
    /// <summary>Each sample's targets become <paramref name="share"/> of its own and the rest of its partner's.</summary>
    /// <param name="partner">[B], int64.</param>
    /// <param name="transform">For messages.</param>
    public static void Mix(Batch batch, DataInfo info, Tensor partner, double share, string transform)
    {
        if (batch.SegmentationMaps is not null || batch.ExtraMaps.Count > 0 || batch.Samples.Any(sample => sample.Truth.Boxes is not null))
            throw new UserErrorException($"{transform} mixes labels of whole images; it can't mix maps or boxes.");
        if (batch.SoftLabels is null && batch.Labels is null && batch.Targets is null)
            throw new UserErrorException($"{transform} needs labels or regression targets, which the data does not give.");

        using var scope = NewDisposeScope();
        if (batch.SoftLabels is null && batch.Labels is not null)
            batch.SoftLabels = nn.functional.one_hot(batch.Labels, info.Classes.Count).to(ScalarType.Float32).DetachFromDisposeScope();
        batch.SoftLabels = Mixed(batch.SoftLabels);
        batch.Targets = Mixed(batch.Targets);

        Tensor? Mixed(Tensor? values)
        {
            if (values is null)
                return null;
            var mixed = (values * share).add_(values.index_select(0, partner).mul_(1 - share)).DetachFromDisposeScope();
            values.Dispose();
            return mixed;
        }
    }
}
