using NLog;
using Tessera.Framework.Metrics;
using Tessera.Framework.Optimization;
using Tessera.Framework.Running;

namespace Tessera.Framework.Hooks;

/// <summary>A part of a run that acts on how a metric changes.</summary>
internal interface IMetricFollower
{
    /// <summary>The metric's name, as evaluation gives it; null where none is followed.</summary>
    string? Followed { get; }

    /// <summary>Whether more or less is better, by the config; null: as the metric declares.</summary>
    MetricRule? Rule { get; }

    /// <summary>Told before the run, whatever the config says.</summary>
    void Follow(MetricRule rule);
}

internal static class MetricLookup
{
    private static readonly Logger s_log = LogManager.GetLogger("Tessera.Run");

    /// <exception cref="UserErrorException">Evaluation gives no such metric.</exception>
    public static double Find(IReadOnlyDictionary<string, double> metrics, string name, string who) =>
        metrics.TryGetValue(name, out var value) ? value : throw Unknown(who, name, metrics.Keys);

    /// <summary>Before the run: whoever follows a metric would otherwise say only after the first evaluation that there is none
    /// such.</summary>
    /// <param name="parts">Hooks and schedules.</param>
    /// <exception cref="UserErrorException">A follower's metric is not given by evaluation, or nothing is evaluated.</exception>
    public static void Require(TrainerParts parts)
    {
        var followed = Followers(parts);
        if (followed.Length == 0)
            return;
        if (parts.ValLoader is null)
            throw new UserErrorException(
                $"{followed[0].Path} follows the metric \"{followed[0].Follower.Followed}\", but nothing is evaluated: the config has "
                    + $"no val, or train.validate_every is 0."
            );
        var known = Known(parts);
        foreach (var (path, follower) in followed)
            if (!known.ContainsKey(follower.Followed!))
                throw Unknown(path, follower.Followed!, known.Keys);
    }

    /// <summary>Tells each follower whether more or less of its metric is better: by its own rule, otherwise as the metric
    /// declares.</summary>
    /// <exception cref="UserErrorException">Neither says it.</exception>
    public static void TellRules(TrainerParts parts)
    {
        var followed = Followers(parts);
        if (followed.Length == 0 || parts.ValLoader is null)
            return;
        var known = Known(parts);
        foreach (var (path, follower) in followed)
            if (known.TryGetValue(follower.Followed!, out var metric))
                follower.Follow(Rule(path, follower, metric.RuleOf(follower.Followed!)));
    }

    /// <summary>The metrics by the names of the values that they give.</summary>
    private static Dictionary<string, Metric> Known(TrainerParts parts)
    {
        var known = new Dictionary<string, Metric>();
        foreach (var metric in parts.Metrics.Values)
        {
            metric.Reset(parts.ValLoader!.Dataset.Info);
            foreach (var name in metric.Compute().Keys)
                known[name] = metric;
        }
        return known;
    }

    /// <summary>What follows a metric, with its place in the config.</summary>
    private static (string Path, IMetricFollower Follower)[] Followers(TrainerParts parts) =>
        [
            .. parts
                .Hooks.Select(hook => ($"hooks.{hook.Key}", Part: (object)hook.Value))
                .Concat(parts.Schedule.Select((phase, i) => ($"schedule.{i}", Part: (object)phase)))
                .Where(entry => entry.Part is IMetricFollower { Followed: not null })
                .Select(entry => (entry.Item1, (IMetricFollower)entry.Part)),
        ];

    private static MetricRule Rule(string path, IMetricFollower follower, MetricRule? declared)
    {
        if (follower.Rule is not { } stated)
            return declared
                ?? throw new UserErrorException(
                    $"{path} follows the metric \"{follower.Followed}\", which does not say whether more or less of it is better. "
                        + "Set rule to \"greater\" or \"less\" beside metric, or override RuleOf in the metric's class."
                );
        if (declared is { } other && other != stated)
            s_log.Warn(
                "{0} takes {1} of \"{2}\" for better, as its rule says; by the metric {3} is better. Without the rule, the metric decides.",
                path,
                Word(stated),
                follower.Followed,
                Word(other)
            );
        return stated;
    }

    private static string Word(MetricRule rule) => rule == MetricRule.Greater ? "more" : "less";

    private static UserErrorException Unknown(string who, string name, IEnumerable<string> known) =>
        new(
            $"{who} follows the metric \"{name}\", which evaluation does not give.{NearestName.Suggest(name, known)} It gives: "
                + $"{string.Join(", ", known)}."
        );
}
