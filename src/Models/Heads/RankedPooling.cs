using static TorchSharp.torch;

namespace Tessera.Models.Heads;

/// <summary>Global weighted ranking pooling: a map's values by falling rank, the j-th weighed by decay^j, from 0; decay 1 is the mean,
/// decay 0 the maximum.</summary>
/// <remarks>Kolesnikov and Lampert, "Seed, Expand and Constrain", ECCV 2016, arXiv:1603.06098, section 3.2, equation 5.</remarks>
public static class RankedPooling
{
    /// <param name="map">[B, C, h, w].</param>
    /// <param name="decay">In [0, 1].</param>
    /// <returns>[B, C], float32.</returns>
    public static Tensor Of(Tensor map, double decay)
    {
        using var scope = NewDisposeScope();
        var (values, _) = map.flatten(2).to(ScalarType.Float32).sort(dim: 2, descending: true);
        var count = (int)values.shape[2];
        var weights = new float[count];
        var weight = 1.0;
        for (var i = 0; i < count; i++, weight *= decay)
            weights[i] = (float)weight;
        var ranked = tensor(weights, device: map.device);
        return scope.MoveToOuter((values * ranked).sum(2) / ranked.sum());
    }
}
