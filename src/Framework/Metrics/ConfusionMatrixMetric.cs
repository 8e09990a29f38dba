using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics;

/// <summary>
/// How often each true class (row) was taken for each class (column): images, or pixels of segmentation maps. The counts go into the details file; the console
/// shows the matrix of up to 20 classes, otherwise the 20 commonest confusions.
/// </summary>
[Component("ConfusionMatrix")]
public sealed class ConfusionMatrixMetric : Metric
{
    private const int Shown = 20;
    private readonly MapHistogram _histogram = new();
    private IReadOnlyList<string> _names = [];
    private bool _maps;
    private long[,] _counts = new long[0, 0];

    /// <summary>[true class, predicted class].</summary>
    public long[,] Counts => (long[,])_counts.Clone();

    public override void Reset(DataInfo info)
    {
        Truth.Require(info, "ConfusionMatrix", DataTask.Classification, DataTask.Segmentation);
        _maps = info.Task == DataTask.Segmentation;
        _names = info.Classes;
        _counts = new long[_names.Count, _names.Count];
    }

    public override void Process(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
    {
        for (var i = 0; i < samples.Count; i++)
        {
            if (_maps)
                foreach (var (truth, predicted, pixels) in _histogram.Count(predictions[i], samples[i], _names.Count)) _counts[truth, predicted] += pixels;
            else
                _counts[Truth.Label(samples[i], _names.Count), Truth.Classes(predictions[i], samples[i], _names.Count).Label]++;
        }
    }

    public override IReadOnlyDictionary<string, double> Compute() => new Dictionary<string, double>();

    public override JsonNode? Details() => new JsonObject
    {
        ["classes"] = new JsonArray([.. _names.Select(name => (JsonNode?)name)]),
        ["counts"] = new JsonArray([.. Enumerable.Range(0, _names.Count).Select(t => (JsonNode?)new JsonArray([.. Row(t).Select(n => (JsonNode?)n)]))]),
    };

    public override byte[] Save() => MetricState.Write(writer =>
    {
        foreach (var count in _counts) writer.Write(count);
    });

    public override void Merge(ReadOnlySpan<byte> saved) => MetricState.Read(saved, reader =>
    {
        for (var t = 0; t < _names.Count; t++)
            for (var p = 0; p < _names.Count; p++) _counts[t, p] += reader.ReadInt64();
    });

    public override IReadOnlyList<MetricTable> Tables()
    {
        if (_names.Count <= Shown)
        {
            var rows = _names.Select((name, t) => (IReadOnlyList<string>)[name, .. Row(t).Select(Text)]);
            return [new MetricTable("Confusion matrix (row: true class, column: prediction)", ["", .. _names], rows.ToArray())];
        }
        var confusions =
            from t in Enumerable.Range(0, _names.Count)
            from p in Enumerable.Range(0, _names.Count)
            where t != p && _counts[t, p] > 0
            orderby _counts[t, p] descending, t, p
            select (IReadOnlyList<string>)[_names[t], _names[p], Text(_counts[t, p])];
        return [new MetricTable("Commonest confusions", ["true class", "taken for", _maps ? "pixels" : "samples"], confusions.Take(Shown).ToArray())];
    }

    private IEnumerable<long> Row(int t) => Enumerable.Range(0, _names.Count).Select(p => _counts[t, p]);

    private static string Text(long count) => count.ToString(CultureInfo.InvariantCulture);
}
