namespace Tessera.Framework.Metrics;

/// <summary>Whether more or less of a metric is better.</summary>
public enum MetricRule
{
    Greater,
    Less,
}
