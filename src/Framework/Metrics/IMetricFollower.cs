namespace Tessera.Framework.Metrics;

/// <summary>A part of a run that acts on how a metric changes.</summary>
public interface IMetricFollower
{
    /// <summary>The metric's name, as evaluation gives it; null where none is followed.</summary>
    string? Followed { get; }

    /// <summary>Whether more or less is better, by the config; null: as the metric declares.</summary>
    MetricRule? Rule { get; }

    /// <summary>Told before the run, whatever the config says.</summary>
    void Follow(MetricRule rule);
}
