namespace Tessera.Framework.Metrics;

/// <summary>A metric that can measure images drawn anew without gathering them again: quicker than by its saved state, where ranking them
/// takes long.</summary>
public interface IRedrawsImages
{
    /// <summary>What measures a value of the images seen so far: given how often each was drawn, in the order of their ids.</summary>
    /// <param name="name">As in <see cref="Metric.ComputePoints"/>.</param>
    /// <returns>null: not this value. What is returned holds until the metric sees another image, and is not for several threads.</returns>
    Func<int[], double>? Redraws(string name);
}
