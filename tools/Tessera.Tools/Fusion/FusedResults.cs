using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Detection;

namespace Tessera.Tools.Fusion;

/// <summary>What several detectors found, image by image, fused.</summary>
internal sealed class FusedResults(IReadOnlyList<double> weights, ResultFusionOptions options)
{
    private readonly Dictionary<long, DetectionPrediction?[]> _images = [];
    private readonly bool[] _withoutMasks = new bool[weights.Count];

    /// <summary>Whether any of the results has masks.</summary>
    private bool HasMasks { get; set; }

    /// <param name="member">Which of the detectors.</param>
    public void Add(int member, Sample sample, Prediction prediction)
    {
        if (!_images.TryGetValue(sample.Index, out var found))
            _images[sample.Index] = found = new DetectionPrediction?[weights.Count];
        var detected = (DetectionPrediction)prediction;
        found[member] = detected;
        HasMasks |= detected.Masks is not null;
        _withoutMasks[member] |= !FusedBoxes.HaveMasks([detected]);
    }

    /// <returns>null where no detector has the image.</returns>
    /// <exception cref="UserErrorException">Some have it, others not.</exception>
    public DetectionPrediction? Of(Sample sample)
    {
        if (!_images.TryGetValue(sample.Index, out var found))
            return null;
        if (Array.IndexOf(found, null) is >= 0 and var missing)
            throw new UserErrorException(
                $"{sample.Name}: the {Ordinal(missing + 1)} of the results have no prediction for it, others have."
            );
        var masks = MissingMasks is null && HasMasks;
        if (
            masks
            && found.SelectMany(member => member!.Masks ?? []).Select(mask => (mask.Width, mask.Height)).Distinct().ToArray()
                is [var one, var other, ..]
        )
            throw new UserErrorException(
                $"{sample.Name}: masks of {one.Width} x {one.Height} pixels and of {other.Width} x {other.Height} can't be "
                    + $"joined: they are of other images."
            );
        var fused = ResultFusion.Fuse([.. found.Select(member => FusedBoxes.Of(member!, masks))], weights, options);
        return FusedBoxes.Prediction(fused, found!, masks);
    }

    /// <summary>Where some of the results have masks and others boxes alone, so that the fused ones have none: the first of the others,
    /// from 1.</summary>
    public int? MissingMasks => HasMasks && Array.FindIndex(_withoutMasks, without => without) is >= 0 and var member ? member + 1 : null;

    private static string Ordinal(int number) =>
        number switch
        {
            1 => "first",
            2 => "second",
            3 => "third",
            _ => $"{number}th",
        };
}
