using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Heads;

/// <summary>How the last feature map becomes a vector.</summary>
public enum FeaturePooling
{
    /// <summary>The mean over the map; a vector stays as it is.</summary>
    Average,

    /// <summary>The largest value over the map; a vector stays as it is.</summary>
    Max,

    /// <summary>All values of the map, one after the other: only for images of one size.</summary>
    None,
}

internal static class FeaturePoolingExtensions
{
    /// <param name="features">[B, C, H, W] or [B, C].</param>
    /// <returns>[B, C]; without pooling [B, C · H · W].</returns>
    public static Tensor Pool(this FeaturePooling pooling, Tensor features) =>
        features.dim() == 2
            ? features
            : pooling switch
            {
                FeaturePooling.Average => features.mean([2, 3]),
                FeaturePooling.Max => features.amax([2, 3]),
                _ => features.flatten(1),
            };

    /// <summary>Width of the pooled vector.</summary>
    /// <param name="mapSize">H · W of the last map, where it is not pooled.</param>
    public static int Width(this FeaturePooling pooling, IFeatureSource source, int? mapSize, string head)
    {
        var (channels, isMap) = (source.OutChannels[^1], source.OutStrides[^1] > 0);
        if (pooling != FeaturePooling.None || !isMap)
            return mapSize is null ? channels : throw new UserErrorException($"{head}: map_size belongs to pooling \"none\".");
        return mapSize is { } size
            ? channels * size
            : throw new UserErrorException(
                $"{head}: pooling \"none\" needs map_size, the number of positions (H · W) of the last feature map."
            );
    }
}
