namespace Tessera.Framework.Hooks;

internal static class MetricLookup
{
    /// <exception cref="UserErrorException">Evaluation gives no such metric.</exception>
    public static double Find(IReadOnlyDictionary<string, double> metrics, string name, string who) =>
        metrics.TryGetValue(name, out var value)
            ? value
            : throw new UserErrorException($"{who} follows the metric \"{name}\", which evaluation does not give. It gives: {string.Join(", ", metrics.Keys)}.");
}
