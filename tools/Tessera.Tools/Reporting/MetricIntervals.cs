using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Metrics.Statistics;
using Tessera.Framework.Models;
using Tessera.Predictions;
using Tessera.Tools.Logs;
using Tessera.Tools.Output;

namespace Tessera.Tools.Reporting;

/// <summary>How much an evaluation's values would differ on other images of the same kind. An accuracy has Wilson's interval; a value whose
/// metric draws one has that; any other is measured over images drawn anew.</summary>
internal sealed class MetricIntervals
{
    private const long Seed = 0;

    private readonly PredictionFile _file;
    private readonly int _repetitions;
    private readonly Dictionary<string, MeasuredImages> _drawn = [];
    private readonly HashSet<string> _shares = [];

    private MetricIntervals(PredictionFile file, int repetitions) => (_file, _repetitions) = (file, repetitions);

    /// <param name="first">An image: some metrics know the names of their values only once they have seen one.</param>
    /// <param name="repetitions">0: only what the evaluation has.</param>
    public static MetricIntervals Of(
        ReportedRun run,
        PredictionFile file,
        (Sample Sample, StoredPrediction Image) first,
        DataPart part,
        int repetitions
    )
    {
        var intervals = new MetricIntervals(file, repetitions);
        if (repetitions > 0 && run.Session is { } session && session.Data.Has(part))
            intervals.Choose(session, part, first.Image.Load(), first.Sample);
        return intervals;
    }

    private void Choose(Session session, DataPart part, Prediction prediction, Sample sample)
    {
        var names = _file.Metrics.Keys.ToHashSet();
        var metrics = session.Data.CreateMetrics(part, _file.Data);
        foreach (var (key, metric) in metrics)
        {
            metric.Reset(_file.Data);
            metric.Process([prediction], [sample]);
            if (metric is AccuracyMetric)
                _shares.UnionWith(metric.ComputePoints().Keys.Where(names.Contains));
            else if (_file.Data.Task is DataTask.Classification or DataTask.MultiLabel or DataTask.Regression)
                foreach (var name in metric.ComputePoints().Keys.Where(name => names.Contains(name) && !DetailKeys.IsDetail(name, names)))
                    _drawn[name] = new MeasuredImages(session.Data.CreateMetrics(part, _file.Data)[key], _file.Data, name);
        }
    }

    /// <summary>The intervals that an evaluation drew itself.</summary>
    /// <param name="values">The evaluation's.</param>
    public static Dictionary<string, (double Low, double High)> OfEvaluation(IReadOnlyDictionary<string, double> values) =>
        values
            .Keys.Where(name => values.ContainsKey($"{name}/low") && values.ContainsKey($"{name}/high"))
            .ToDictionary(name => name, name => (values[$"{name}/low"], values[$"{name}/high"]));

    public void Add(Prediction prediction, Sample sample)
    {
        foreach (var one in _drawn.Values)
            one.Add(prediction, sample);
    }

    public IReadOnlyDictionary<string, (double Low, double High)> Draw()
    {
        var found = OfEvaluation(_file.Metrics);
        foreach (var (name, value) in _file.Metrics)
            if (_shares.Contains(name) && double.IsFinite(value))
                found[name] = Wilson.Interval((long)Math.Round(value * _file.Images.Count), _file.Images.Count);
        var advance = new Advance("drawing images anew");
        var (done, all) = (0, _drawn.Count * _repetitions);
        foreach (var (name, images) in _drawn)
            if (images.Count > 0)
                found[name] = Bootstrap.Intervals(
                    images.Count,
                    _repetitions,
                    Seed,
                    1,
                    (drawn, values) =>
                    {
                        values[0] = images.Of(drawn);
                        advance.Report(++done, all);
                    }
                )[0];
        return found;
    }
}
