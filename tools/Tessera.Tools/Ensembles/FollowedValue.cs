using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Running;

namespace Tessera.Tools.Ensembles;

/// <summary>The value by which members, weights and soups are judged.</summary>
/// <param name="Name">Among a part's metrics.</param>
/// <param name="Rule">Whether more or less of it is better.</param>
internal sealed record FollowedValue(string Name, MetricRule Rule)
{
    /// <param name="metrics">Empty ones.</param>
    /// <param name="asked">null: the first value that says which way is better.</param>
    /// <exception cref="UserErrorException">There is no such value, or nothing says which way is better.</exception>
    public static FollowedValue Of(IReadOnlyDictionary<string, Metric> metrics, string part, string? asked)
    {
        var known = metrics
            .Values.SelectMany(metric => metric.Compute().Keys.Select(key => (key, Rule: metric.RuleOf(key))))
            .Where(entry => !entry.key.EndsWith("/low", StringComparison.Ordinal) && !entry.key.EndsWith("/high", StringComparison.Ordinal))
            .ToArray();
        var giving = asked is null ? null : MetricLookup.Giving([.. metrics.Values], asked);
        if (asked is not null && giving is null)
            throw MetricLookup.Unknown("--metric", asked, known.Select(entry => entry.key));
        var found = asked is null ? known.FirstOrDefault(entry => entry.Rule is not null) : (key: asked, Rule: giving!.RuleOf(asked));
        return found.Rule is { } rule
            ? new FollowedValue(found.key, rule)
            : throw new UserErrorException(
                $"{part}.metrics: {(asked is null ? "none of them says" : $"\"{asked}\" doesn't say")} whether more or less is "
                    + $"better, so nothing can be chosen by it. --metric NAME takes another."
            );
    }

    /// <summary>The value, the greater the better; the worst where it is undefined.</summary>
    public double Of(IReadOnlyDictionary<string, double> values)
    {
        var value = MetricLookup.Find(values, Name, "tools/ensemble");
        return double.IsNaN(value) ? double.NegativeInfinity
            : Rule == MetricRule.Greater ? value
            : -value;
    }
}
