using Tessera.Framework.Data;
using Tessera.Framework.Metrics;

namespace Tessera.Framework.Hooks;

/// <summary>Something that does what it does by the course of a metric.</summary>
internal interface IMetricFollower
{
    /// <summary>The metric's name, as evaluation gives it; null where none is followed.</summary>
    string? Followed { get; }
}

internal static class MetricLookup
{
    /// <exception cref="UserErrorException">Evaluation gives no such metric.</exception>
    public static double Find(IReadOnlyDictionary<string, double> metrics, string name, string who) =>
        metrics.TryGetValue(name, out var value) ? value : throw Unknown(who, name, metrics.Keys);

    /// <summary>Before the run: whoever follows a metric would otherwise say only after the first evaluation that there is none such.</summary>
    /// <param name="followers">By their config paths.</param>
    /// <param name="metrics">null where nothing is evaluated.</param>
    public static void Require(IEnumerable<(string Path, IMetricFollower Follower)> followers, IEnumerable<Metric>? metrics, DataInfo data)
    {
        var followed = followers.Where(entry => entry.Follower.Followed is not null).ToArray();
        if (followed.Length == 0) return;
        if (metrics is null)
            throw new UserErrorException($"{followed[0].Path} follows the metric \"{followed[0].Follower.Followed}\", but nothing is evaluated: the config has no val, or train.validate_every is 0.");
        var names = new List<string>();
        foreach (var metric in metrics)
        {
            metric.Reset(data);
            names.AddRange(metric.Compute().Keys);
        }
        foreach (var (path, follower) in followed)
            if (!names.Contains(follower.Followed!)) throw Unknown(path, follower.Followed!, names);
    }

    private static UserErrorException Unknown(string who, string name, IEnumerable<string> known) => new(
        $"{who} follows the metric \"{name}\", which evaluation does not give.{NearestName.Suggest(name, known)} It gives: {string.Join(", ", known)}.");
}
