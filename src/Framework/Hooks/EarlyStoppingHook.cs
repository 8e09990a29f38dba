using Tessera.Framework.Checkpoints;
using Tessera.Framework.Metrics;
using Tessera.Framework.Optimization;
using Tessera.Framework.Running;

namespace Tessera.Framework.Hooks;

/// <param name="Metric">Name of the metric, as evaluation gives it.</param>
/// <param name="Rule">Whether more or less of it is better; by default as the metric declares.</param>
/// <param name="Patience">Evaluations without progress that are let pass. One whose value is not finite is without.</param>
/// <param name="MinDelta">Smallest change that counts as progress.</param>
public sealed record EarlyStoppingHookOptions(
    string Metric,
    MetricRule? Rule = null,
    [property: Range(0, int.MaxValue)] int Patience = 5,
    [property: Range(0.0, 1e9)] double MinDelta = 0
);

/// <summary>Ends the run when a metric has stopped getting better.</summary>
[Component("EarlyStoppingHook")]
public sealed class EarlyStoppingHook(EarlyStoppingHookOptions options) : Hook, IMetricFollower
{
    private MetricRule _rule = options.Rule ?? MetricRule.Greater;
    private double? _best;
    private int _without;

    public override int Order => HookOrder.EarlyStopping;

    string? IMetricFollower.Followed => options.Metric;

    MetricRule? IMetricFollower.Rule => options.Rule;

    void IMetricFollower.Follow(MetricRule rule) => _rule = rule;

    public override void AfterEvaluation(RunState run, IReadOnlyDictionary<string, double> metrics)
    {
        var value = MetricLookup.Find(metrics, options.Metric, "EarlyStoppingHook");
        if (
            double.IsFinite(value)
            && (
                _best is not { } before
                || (_rule == MetricRule.Greater ? value > before + options.MinDelta : value < before - options.MinDelta)
            )
        )
        {
            (_best, _without) = (value, 0);
            return;
        }
        if (++_without <= options.Patience)
            return;
        run.Stop(
            _best is { } best
                ? FormattableString.Invariant($"{options.Metric} has not got better than {best:0.####} in {_without} evaluations")
                : FormattableString.Invariant($"{options.Metric} has had no finite value in {_without} evaluations")
        );
    }

    public override void Save(StateWriter state)
    {
        state.WriteValue("best", _best);
        state.WriteValue("without", _without);
    }

    public override void Load(StateReader state)
    {
        _best = (double?)state.Value("best");
        _without = (int?)state.Value("without") ?? 0;
    }
}
