using System.ComponentModel.DataAnnotations;
using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics.Detection;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics;

/// <param name="ScoreThr">Boxes that score less are left out.</param>
/// <param name="IouThr">The least overlap of a box with the object that it stands for.</param>
public sealed record ConfusionMatrixOptions(
    [property: Range(0.0, 1.0)] double ScoreThr = 0.3,
    [property: Range(0.01, 1.0)] double IouThr = 0.5
);

/// <summary>
/// How often each true class (row) was taken for each class (column): images, pixels of segmentation maps, or objects. Boxes and
/// objects are paired one to one, the greatest overlap first, whatever their classes; a box without an object is of row
/// "background", an object without a box of column "background". The counts go into the details file; the console shows the
/// matrix of up to 20 classes, otherwise the 20 commonest confusions.
/// </summary>
[Component("ConfusionMatrix")]
public sealed class ConfusionMatrixMetric(ConfusionMatrixOptions options) : Metric
{
    private const int Shown = 20;
    private const string Background = "background";

    private readonly MapHistogram _histogram = new();
    private IReadOnlyList<string> _names = []; // with boxes, the last is the background
    private int _classes;
    private DataTask _task;
    private long[,] _counts = new long[0, 0];

    /// <summary>[true class, predicted class].</summary>
    public long[,] Counts => (long[,])_counts.Clone();

    /// <summary>Of rows and columns.</summary>
    public IReadOnlyList<string> Names => _names;

    public override void Reset(DataInfo info)
    {
        Truth.Require(info, "ConfusionMatrix", DataTask.Classification, DataTask.Segmentation, DataTask.Detection);
        (_task, _classes) = (info.Task, info.Classes.Count);
        _names =
            _task == DataTask.Detection ? [.. info.Classes, info.Classes.Contains(Background) ? "(background)" : Background] : info.Classes;
        _counts = new long[_names.Count, _names.Count];
    }

    public override void Process(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
    {
        for (var i = 0; i < samples.Count; i++)
        {
            switch (_task)
            {
                case DataTask.Segmentation:
                    foreach (var (truth, predicted, pixels) in _histogram.Count(predictions[i], samples[i], _classes))
                        _counts[truth, predicted] += pixels;
                    break;
                case DataTask.Detection:
                    var (boxes, scores, labels) = Truth.Detections(predictions[i], samples[i], _classes);
                    foreach (
                        var (truth, predicted) in BoxPairing.Of(
                            boxes,
                            scores,
                            labels,
                            Truth.Objects(samples[i], _classes),
                            options.ScoreThr,
                            options.IouThr
                        )
                    )
                        _counts[truth ?? _classes, predicted ?? _classes]++;
                    break;
                default:
                    _counts[Truth.Label(samples[i], _classes), Truth.Classes(predictions[i], samples[i], _classes).Label]++;
                    break;
            }
        }
    }

    public override IReadOnlyDictionary<string, double> Compute() => new Dictionary<string, double>();

    public override JsonNode? Details() =>
        new JsonObject
        {
            ["classes"] = new JsonArray([.. _names.Select(name => (JsonNode?)name)]),
            ["counts"] = new JsonArray([
                .. Enumerable.Range(0, _names.Count).Select(t => (JsonNode?)new JsonArray([.. Row(t).Select(n => (JsonNode?)n)])),
            ]),
        };

    public override byte[] Save() =>
        MetricState.Write(writer =>
        {
            foreach (var count in _counts)
                writer.Write(count);
        });

    public override void Merge(ReadOnlySpan<byte> saved) =>
        MetricState.Read(
            saved,
            reader =>
            {
                for (var t = 0; t < _names.Count; t++)
                for (var p = 0; p < _names.Count; p++)
                    _counts[t, p] += reader.ReadInt64();
            }
        );

    public override MetricReport Report() => new() { Tables = [_names.Count <= Shown ? Matrix() : Commonest()] };

    private MetricTable Matrix()
    {
        var rows = _names.Select((name, t) => (IReadOnlyList<string>)[name, .. Row(t).Select(Cells.Count)]);
        return new MetricTable("Confusion matrix (row: true class, column: prediction)", ["", .. _names], [.. rows]);
    }

    private MetricTable Commonest()
    {
        var confusions =
            from t in Enumerable.Range(0, _names.Count)
            from p in Enumerable.Range(0, _names.Count)
            where t != p && _counts[t, p] > 0
            orderby _counts[t, p] descending, t, p
            select (IReadOnlyList<string>)[_names[t], _names[p], Cells.Count(_counts[t, p])];
        var counted = _task switch
        {
            DataTask.Segmentation => "pixels",
            DataTask.Detection => "objects",
            _ => "samples",
        };
        return new MetricTable("Commonest confusions", ["true class", "taken for", counted], [.. confusions.Take(Shown)]);
    }

    private IEnumerable<long> Row(int t) => Enumerable.Range(0, _names.Count).Select(p => _counts[t, p]);
}
