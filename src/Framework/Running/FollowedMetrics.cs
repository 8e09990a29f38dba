using Microsoft.Extensions.Logging;
using Tessera.Framework.Data;
using Tessera.Framework.Hooks;
using Tessera.Framework.Messages;
using Tessera.Framework.Metrics;
using Tessera.Framework.Optimization;

namespace Tessera.Framework.Running;

/// <summary>The hooks and schedules of a run that act on a metric (save_best, EarlyStoppingHook, ReduceOnPlateau).</summary>
public sealed class FollowedMetrics
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly (string Path, IMetricFollower Follower)[] _followers;

    /// <param name="hooks">By their keys in the config.</param>
    /// <param name="schedule">The phases, in order.</param>
    public FollowedMetrics(IReadOnlyDictionary<string, Hook> hooks, IReadOnlyList<Schedule> schedule) =>
        _followers = [
            .. hooks
                .Select(hook => ($"hooks.{hook.Key}", Part: (object)hook.Value))
                .Concat(schedule.Select((phase, i) => ($"schedule.{i}", Part: (object)phase)))
                .Where(entry => entry.Part is IMetricFollower { Followed: not null })
                .Select(entry => (entry.Item1, (IMetricFollower)entry.Part)),
        ];

    /// <summary>Before the run: tells each follower whether more or less of its metric is better, by its own rule, otherwise as the metric
    /// declares. Without this, a wrong name would be known only after the first evaluation.</summary>
    /// <param name="metrics">What evaluation measures; they are reset.</param>
    /// <param name="data">What is evaluated; null where nothing is.</param>
    /// <exception cref="UserErrorException">Nothing is evaluated, no metric gives such a value, or nothing says which is
    /// better.</exception>
    public void Tell(IEnumerable<Metric> metrics, DataInfo? data)
    {
        if (_followers.Length == 0)
            return;
        if (data is null)
            throw new UserErrorException(
                $"{_followers[0].Path} follows the metric \"{_followers[0].Follower.Followed}\", but nothing is evaluated: the config has "
                    + "no val, or train.validate_every is 0."
            );
        Metric[] evaluated = [.. metrics];
        foreach (var metric in evaluated)
            metric.Reset(data);
        foreach (var (path, follower) in _followers)
        {
            var metric =
                MetricLookup.Giving(evaluated, follower.Followed!)
                ?? throw MetricLookup.Unknown(path, follower.Followed!, evaluated.SelectMany(other => other.Compute().Keys));
            follower.Follow(Rule(path, follower, metric.RuleOf(follower.Followed!)));
        }
    }

    private static MetricRule Rule(string path, IMetricFollower follower, MetricRule? declared)
    {
        if (follower.Rule is not { } stated)
            return declared
                ?? throw new UserErrorException(
                    $"{path} follows the metric \"{follower.Followed}\", which does not say whether more or less of it is better. "
                        + "Set rule to \"greater\" or \"less\" beside metric, or override RuleOf in the metric's class."
                );
        if (declared is { } other && other != stated)
            s_log.LogWarning(
                "{0} takes {1} of \"{2}\" for better, as its rule says; by the metric {3} is better. Without the rule, the metric decides.",
                path,
                Word(stated),
                follower.Followed,
                Word(other)
            );
        return stated;
    }

    private static string Word(MetricRule rule) => rule == MetricRule.Greater ? "more" : "less";
}
