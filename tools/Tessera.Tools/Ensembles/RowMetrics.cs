using Tessera.Framework.Data;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Running;

namespace Tessera.Tools.Ensembles;

/// <summary>What is measured of one model or of the whole.</summary>
/// <param name="name">As it is shown.</param>
/// <param name="metrics">Its own, empty.</param>
/// <param name="keeps">Whether predictions are kept, so that images can be drawn anew: maps and boxes have intervals of their own.</param>
internal sealed class RowMetrics(string name, IReadOnlyDictionary<string, Metric> metrics, bool keeps)
{
    private readonly List<Prediction> _kept = [];
    private readonly NonFinitePredictions _nonFinite = new();

    public string Name => name;

    /// <summary>A warning; null where every output was finite.</summary>
    public string? NonFinite => _nonFinite.Text;

    /// <summary>By name; after everything was added.</summary>
    public IReadOnlyDictionary<string, double> Values { get; private set; } = new Dictionary<string, double>();

    /// <summary>The 2.5 and 97.5 percentiles by the value's name.</summary>
    public Dictionary<string, (double Low, double High)> Intervals { get; } = [];

    /// <summary>Names of values that are for the first view, without intervals and what tables show.</summary>
    public IEnumerable<string> Listed =>
        MetricReport
            .Of(metrics.Values)
            .Listed(Values)
            .Select(value => value.Key)
            .Where(key => !key.EndsWith("/low", StringComparison.Ordinal) && !key.EndsWith("/high", StringComparison.Ordinal));

    public void Add(Sample sample, Prediction prediction)
    {
        Prediction[] one = [prediction];
        Sample[] of = [sample];
        _nonFinite.See(one, of);
        foreach (var metric in metrics.Values)
            metric.Process(one, of);
        if (keeps)
            _kept.Add(prediction);
    }

    /// <summary>Computes the values; intervals that metrics give themselves are taken from them.</summary>
    public void Compute()
    {
        Values = _nonFinite.Judge(Evaluator.Values(metrics));
        foreach (var (key, value) in Values)
            if (Values.TryGetValue(key + "/low", out var low) && Values.TryGetValue(key + "/high", out var high) && double.IsFinite(value))
                Intervals[key] = (low, high);
    }

    /// <summary>The values over images drawn anew, by the names in order.</summary>
    /// <param name="measure">Metrics for this purpose alone.</param>
    /// <param name="drawn">The images' numbers.</param>
    public void Redraw(
        IReadOnlyDictionary<string, Metric> measure,
        DataInfo data,
        IReadOnlyList<Sample> samples,
        int[] drawn,
        IReadOnlyList<string> names,
        Span<double> into
    )
    {
        Prediction[] predictions = [.. drawn.Select(image => _kept[image])];
        Sample[] truths = [.. drawn.Select(image => samples[image])];
        foreach (var metric in measure.Values)
        {
            metric.Reset(data);
            metric.Process(predictions, truths);
        }
        var values = Evaluator.Values(measure);
        for (var i = 0; i < names.Count; i++)
            into[i] = values.GetValueOrDefault(names[i], double.NaN);
    }
}
