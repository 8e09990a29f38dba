using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Predictions;

/// <summary>What a file has of one image.</summary>
/// <param name="Image">Its path below the data root, or its name; of one that the data has several times, "#2" and so on behind it.</param>
/// <param name="Index">Its position in the data set, from 0.</param>
/// <param name="TruthHash">Of what it was measured against (<see cref="Predictions.TruthHash"/>).</param>
public sealed record StoredPrediction(string Image, long Index, string TruthHash)
{
    /// <summary>Its id in COCO's results; null for tasks other than detection and panoptic
    /// segmentation.</summary>
    public long? ImageId { get; init; }

    /// <summary>What is known of it: label, multi-hot labels or targets. Empty for boxes and maps, which stay with the data.</summary>
    public GroundTruth Truth { get; init; } = new();

    internal Func<Prediction>? Read { get; init; }

    /// <summary>What was predicted. Maps are read from their files each time.</summary>
    /// <exception cref="Framework.Errors.UserErrorException">A map's file is missing or damaged.</exception>
    public Prediction Load() => Read!();
}
