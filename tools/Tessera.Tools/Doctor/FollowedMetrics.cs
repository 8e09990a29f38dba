using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;

namespace Tessera.Tools.Doctor;

/// <summary>Whether what waits for a metric (save_best, EarlyStoppingHook, ReduceOnPlateau) will get it; a run says so before its first
/// step, too.</summary>
internal static class FollowedMetrics
{
    /// <param name="hooks">The names of the config's hooks.</param>
    /// <param name="phases">How many phases the schedule has.</param>
    /// <param name="metrics">Reset, so that their values have names.</param>
    /// <exception cref="UserErrorException">No metric gives the value, or nothing says whether more or less of it is better.</exception>
    public static void Require(ConfigDocument document, IEnumerable<string> hooks, int phases, IEnumerable<Metric> metrics)
    {
        var known = new Dictionary<string, Metric>();
        foreach (var metric in metrics)
        foreach (var name in metric.Compute().Keys)
            known[name] = metric;
        var places = hooks
            .SelectMany(name => new[] { $"hooks.{name}.save_best", $"hooks.{name}" })
            .Concat(Enumerable.Range(0, phases).Select(i => $"schedule.{i}"));
        foreach (var place in places)
        {
            if (document.Find($"{place}.metric") is not ConfigValue { Kind: ConfigValueKind.String, Text: var wanted } node)
                continue;
            if (!known.TryGetValue(wanted, out var metric))
                throw new UserErrorException(
                    $"{node.Source}  {place}.metric\n  No metric gives \"{wanted}\".{NearestName.Suggest(wanted, known.Keys)} There "
                        + $"are: {string.Join(", ", known.Keys)}."
                );
            if (metric.RuleOf(wanted) is null && document.Find($"{place}.rule") is not ConfigValue { Kind: ConfigValueKind.String })
                throw new UserErrorException(
                    $"{node.Source}  {place}.metric\n  \"{wanted}\" does not say whether more or less of it is better. Set rule to "
                        + $"\"greater\" or \"less\" beside metric."
                );
        }
    }
}
