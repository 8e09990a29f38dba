using System.ComponentModel.DataAnnotations;
using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics;

/// <summary>How values of single classes become one.</summary>
public enum Averaging
{
    Macro,
    Micro,
}

/// <param name="Average">"macro": the mean over classes. "micro": from the counts of all classes together. Default: both.</param>
/// <param name="PerClass">Also give the values of every class ("f1/class/cat").</param>
/// <param name="Threshold">For multi-label data: a class is predicted if its probability is above this.</param>
public sealed record PrecisionRecallF1Options(
    [property: MinLength(1)] Averaging[]? Average = null,
    bool PerClass = false,
    [property: Range(0.0, 1.0)] double Threshold = 0.5
);

/// <summary>
/// Precision, recall and F1: "precision/macro", "recall/micro", "f1/class/cat" … Single-label data counts the most
/// probable class; multi-label data every class above the threshold. As scikit-learn has them: a class that is never
/// predicted has precision 0, one that is predicted but never there recall 0; one that is neither is absent: its values are
/// NaN, and the macro averages leave it out (for multi-label data scikit-learn counts it as 0 unless zero_division is NaN).
/// </summary>
[Component("PrecisionRecallF1")]
public sealed class PrecisionRecallF1Metric(PrecisionRecallF1Options options) : Metric
{
    private readonly Averaging[] _average = options.Average ?? [Averaging.Macro, Averaging.Micro];
    private IReadOnlyList<string> _names = [];
    private bool _multiLabel;
    private long[] _truePositives = [],
        _predicted = [],
        _actual = [];

    public override void Reset(DataInfo info)
    {
        Truth.Require(info, "PrecisionRecallF1", DataTask.Classification, DataTask.MultiLabel);
        _names = info.Classes;
        _multiLabel = info.Task == DataTask.MultiLabel;
        _truePositives = new long[_names.Count];
        _predicted = new long[_names.Count];
        _actual = new long[_names.Count];
    }

    public override void Process(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
    {
        var present = new bool[_names.Count];
        for (var i = 0; i < samples.Count; i++)
        {
            var prediction = Truth.Classes(predictions[i], samples[i], _names.Count);
            if (_multiLabel)
                Truth.MultiHot(samples[i], present);
            else
            {
                Array.Clear(present);
                present[Truth.Label(samples[i], _names.Count)] = true;
            }
            for (var c = 0; c < present.Length; c++)
            {
                var predicted = _multiLabel ? prediction.Scores[c] > options.Threshold : c == prediction.Label;
                if (predicted)
                    _predicted[c]++;
                if (present[c])
                    _actual[c]++;
                if (predicted && present[c])
                    _truePositives[c]++;
            }
        }
    }

    public override MetricRule? RuleOf(string name) => MetricRule.Greater;

    public override IReadOnlyDictionary<string, double> Compute()
    {
        var values = new Dictionary<string, double>();
        var classes = Enumerable.Range(0, _names.Count).Select(c => Of(_truePositives[c], _predicted[c], _actual[c])).ToArray();
        foreach (var average in _average)
        {
            var (precision, recall, f1) =
                average == Averaging.Micro
                    ? Of(_truePositives.Sum(), _predicted.Sum(), _actual.Sum())
                    : (
                        classes.Select(c => c.Precision).MeanOfDefined(),
                        classes.Select(c => c.Recall).MeanOfDefined(),
                        classes.Select(c => c.F1).MeanOfDefined()
                    );
            var name = average == Averaging.Micro ? "micro" : "macro";
            (values[$"precision/{name}"], values[$"recall/{name}"], values[$"f1/{name}"]) = (precision, recall, f1);
        }
        if (options.PerClass)
        {
            for (var c = 0; c < classes.Length; c++)
            {
                values[$"precision/class/{_names[c]}"] = classes[c].Precision;
                values[$"recall/class/{_names[c]}"] = classes[c].Recall;
                values[$"f1/class/{_names[c]}"] = classes[c].F1;
            }
        }
        return values;
    }

    public override byte[] Save() =>
        MetricState.Write(writer =>
        {
            foreach (var counts in new[] { _truePositives, _predicted, _actual })
            foreach (var count in counts)
                writer.Write(count);
        });

    public override void Merge(ReadOnlySpan<byte> saved) =>
        MetricState.Read(
            saved,
            reader =>
            {
                foreach (var counts in new[] { _truePositives, _predicted, _actual })
                    for (var c = 0; c < counts.Length; c++)
                        counts[c] += reader.ReadInt64();
            }
        );

    public override MetricReport Report()
    {
        var absent = _names.Where((_, c) => IsAbsent(c)).ToArray();
        return new MetricReport
        {
            Tables = options.PerClass ? [Table()] : [],
            InTables = options.PerClass
                ? _names.SelectMany(name => new[] { $"precision/class/{name}", $"recall/class/{name}", $"f1/class/{name}" }).ToHashSet()
                : new HashSet<string>(),
            Notes =
                _actual.Sum() == 0 || absent.Length == 0
                    ? []
                    : [$"Neither in the truth nor predicted, so left out of the macro averages: {string.Join(", ", absent)}."],
        };
    }

    private MetricTable Table()
    {
        var rows = _names.Select(
            (name, c) =>
            {
                if (IsAbsent(c))
                    return [name, "absent", "absent", "absent", "0"];
                var (precision, recall, f1) = Of(_truePositives[c], _predicted[c], _actual[c]);
                return (IReadOnlyList<string>)
                    [name, Cells.Percent(precision), Cells.Percent(recall), Cells.Percent(f1), Cells.Count(_actual[c])];
            }
        );
        return new MetricTable("Per class", ["class", "precision %", "recall %", "F1 %", "samples"], [.. rows]);
    }

    private bool IsAbsent(int label) => _predicted[label] + _actual[label] == 0;

    /// <summary>NaN where the class is neither there nor predicted.</summary>
    private static (double Precision, double Recall, double F1) Of(long truePositives, long predicted, long actual) =>
        predicted + actual == 0
            ? (double.NaN, double.NaN, double.NaN)
            : (Ratio(truePositives, predicted), Ratio(truePositives, actual), Ratio(2 * truePositives, predicted + actual));

    private static double Ratio(long part, long whole) => whole == 0 ? 0 : (double)part / whole;
}
