namespace Tessera.Framework.Metrics;

/// <summary>Finds what a hook or a schedule follows among the values that evaluation gives.</summary>
public static class MetricLookup
{
    private static readonly Dictionary<string, string> s_renamed = new() { ["mAP/samples"] = "per_image_AP" };

    /// <param name="who">The part that asks, for the message.</param>
    /// <exception cref="UserErrorException">Evaluation gives no such metric.</exception>
    public static double Find(IReadOnlyDictionary<string, double> metrics, string name, string who) =>
        metrics.TryGetValue(name, out var value) ? value : throw Unknown(who, name, metrics.Keys);

    /// <summary>The metric that gives a value of that name: of several the last. A metric that gives none before it has seen an image (mean
    /// scores, named by the model) may give any.</summary>
    /// <param name="metrics">Reset for the data.</param>
    public static Metric? Giving(IReadOnlyCollection<Metric> metrics, string name) =>
        metrics.LastOrDefault(metric => metric.Compute().ContainsKey(name))
        ?? metrics.FirstOrDefault(metric => metric.Compute().Count == 0);

    /// <param name="who">The part that asks, or its place in the config.</param>
    public static UserErrorException Unknown(string who, string name, IEnumerable<string> known) =>
        new(
            $"{who} follows the metric \"{name}\", which evaluation does not give.{Near(name, known)} It gives: {string.Join(", ", known)}."
        );

    private static string Near(string name, IEnumerable<string> known) =>
        s_renamed.TryGetValue(name, out var now) ? $" It is called \"{now}\" now." : NearestName.Suggest(name, known);
}
