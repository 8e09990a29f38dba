using Tessera.Framework.Checkpoints;
using Tessera.Framework.Metrics;
using Tessera.Framework.Running;

namespace Tessera.Framework.Optimization;

/// <summary>How a threshold is measured.</summary>
public enum ThresholdMode
{
    Relative,
    Absolute,
}

/// <param name="Metric">Name of the metric, as evaluation gives it.</param>
/// <param name="Rule">Whether more or less of it is better; by default as the metric declares.</param>
/// <param name="Factor">Times the learning rate, at a plateau.</param>
/// <param name="Patience">Evaluations without progress that are let pass.</param>
/// <param name="Threshold">Smallest change that counts as progress.</param>
/// <param name="ThresholdMode">Whether the threshold is a share of the best value or a difference to it.</param>
/// <param name="Cooldown">Evaluations after a fall that are not counted.</param>
/// <param name="MinLr">It falls no further.</param>
public sealed record ReduceOnPlateauOptions(
    string Metric,
    MetricRule? Rule = null,
    [property: Range(0.0, 1.0)] double Factor = 0.1,
    [property: Range(0, int.MaxValue)] int Patience = 10,
    [property: Range(0.0, 1e6)] double Threshold = 1e-4,
    ThresholdMode ThresholdMode = ThresholdMode.Relative,
    [property: Range(0, int.MaxValue)] int Cooldown = 0,
    [property: Range(0.0, 1e6)] double MinLr = 0
);

/// <summary>Falls by a factor when a metric has stopped getting better. The one schedule with a state, which is saved.</summary>
[Component("ReduceOnPlateau")]
public sealed class ReduceOnPlateau(ReduceOnPlateauOptions options) : Schedule, IMetricFollower
{
    private MetricRule _rule = options.Rule ?? MetricRule.Greater;
    private double? _best;
    private int _falls,
        _bad,
        _cooldown;

    string? IMetricFollower.Followed => options.Metric;

    MetricRule? IMetricFollower.Rule => options.Rule;

    void IMetricFollower.Follow(MetricRule rule) => _rule = rule;

    public override double Rate(double baseRate, PhaseStep at) =>
        Math.Max(Math.Min(options.MinLr, baseRate), baseRate * Math.Pow(options.Factor, _falls));

    public override void Observe(IReadOnlyDictionary<string, double> metrics)
    {
        var value = MetricLookup.Find(metrics, options.Metric, nameof(ReduceOnPlateau));
        if (IsBetter(value))
        {
            _best = value;
            _bad = 0;
        }
        else
        {
            _bad++;
        }
        if (_cooldown > 0)
        {
            _cooldown--;
            _bad = 0;
        }
        if (_bad <= options.Patience)
            return;
        _falls++;
        _cooldown = options.Cooldown;
        _bad = 0;
    }

    public override void Save(StateWriter state)
    {
        state.WriteValue("best", _best);
        state.WriteValue("falls", _falls);
        state.WriteValue("bad", _bad);
        state.WriteValue("cooldown", _cooldown);
    }

    public override void Load(StateReader state)
    {
        _best = (double?)state.Value("best");
        _falls = (int?)state.Value("falls") ?? 0;
        _bad = (int?)state.Value("bad") ?? 0;
        _cooldown = (int?)state.Value("cooldown") ?? 0;
    }

    private bool IsBetter(double value)
    {
        if (!double.IsFinite(value))
            return false;
        if (_best is not { } best)
            return true;
        var sign = _rule == MetricRule.Greater ? 1 : -1;
        var bar = options.ThresholdMode == ThresholdMode.Relative ? best * (1 + sign * options.Threshold) : best + sign * options.Threshold;
        return _rule == MetricRule.Greater ? value > bar : value < bar;
    }
}
