using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics;

/// <summary>A metric of how well scores rank what has a class above what has not: keeps every score of every class.</summary>
public abstract class RankingMetric : Metric
{
    private readonly List<float> _scores = []; // [samples * classes]
    private readonly List<bool> _present = []; // likewise
    private IReadOnlyList<string> _names = [];
    private DataTask _task;

    /// <summary>The metric's name in keys ("mAP", "auroc").</summary>
    protected abstract string Key { get; }

    /// <summary>Whether the values of single classes are given too.</summary>
    protected abstract bool PerClass { get; }

    /// <summary>The value over scores sorted from high to low, or NaN where it is undefined.</summary>
    protected abstract double Value(ReadOnlySpan<float> scores, ReadOnlySpan<bool> present);

    /// <summary>Further values of all samples, by their names.</summary>
    /// <param name="scores">[samples * classes].</param>
    /// <param name="present">Likewise.</param>
    private protected virtual IEnumerable<(string Name, double Value)> Further(
        IReadOnlyList<float> scores,
        IReadOnlyList<bool> present,
        int classes
    ) => [];

    /// <summary>Whether the data is multi-label.</summary>
    private protected bool MultiLabel => _task == DataTask.MultiLabel;

    public override void Reset(DataInfo info)
    {
        Truth.Require(info, Key, DataTask.Classification, DataTask.MultiLabel);
        (_names, _task) = (info.Classes, info.Task);
        _scores.Clear();
        _present.Clear();
    }

    public override void Process(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
    {
        var present = new bool[_names.Count];
        for (var i = 0; i < samples.Count; i++)
        {
            Truth.MultiHot(samples[i], present);
            _scores.AddRange(Truth.Classes(predictions[i], samples[i], _names.Count).Scores);
            _present.AddRange(present);
        }
    }

    public override MetricRule? RuleOf(string name) => MetricRule.Greater;

    public override IReadOnlyDictionary<string, double> Compute()
    {
        var classes = ByClass();
        var defined = Counted(classes).ToArray();
        var lacking = _scores.Exists(float.IsNaN); // a mean over the other classes would look like a result
        var values = new Dictionary<string, double> { [Key] = defined.Length == 0 || lacking ? double.NaN : defined.Average() };
        if (_task == DataTask.MultiLabel)
            values[$"{Key}/micro"] = Sorted([.. _scores], [.. _present]);
        foreach (var (name, value) in Further(_scores, _present, _names.Count))
            values[name] = value;
        if (PerClass)
            for (var c = 0; c < classes.Length; c++)
                values[$"{Key}/class/{_names[c]}"] = classes[c];
        return values;
    }

    public override MetricReport Report()
    {
        var classes = ByClass();
        if (!PerClass && !classes.Any(double.IsNaN))
            return MetricReport.Empty;
        var rows =
            from c in Enumerable.Range(0, classes.Length)
            where PerClass || double.IsNaN(classes[c])
            select (IReadOnlyList<string>)[_names[c], double.IsNaN(classes[c]) ? WhyUndefined(c) : Cells.Value(classes[c])];
        return new MetricReport
        {
            Tables = [new MetricTable($"{Key} per class (those without a value are left out of the mean)", ["class", Key], [.. rows])],
            InTables = PerClass ? _names.Select(name => $"{Key}/class/{name}").ToHashSet() : new HashSet<string>(),
        };
    }

    public override byte[] Save() =>
        MetricState.Write(writer =>
        {
            writer.Write(_scores.Count);
            foreach (var score in _scores)
                writer.Write(score);
            foreach (var present in _present)
                writer.Write(present);
        });

    public override void Merge(ReadOnlySpan<byte> saved) =>
        MetricState.Read(
            saved,
            reader =>
            {
                var count = reader.ReadInt32();
                for (var i = 0; i < count; i++)
                    _scores.Add(reader.ReadSingle());
                for (var i = 0; i < count; i++)
                    _present.Add(reader.ReadBoolean());
            }
        );

    /// <summary>The classes whose values enter the mean: all that are defined; of two exclusive classes only the second, the positive
    /// one.</summary>
    private IEnumerable<double> Counted(double[] classes) =>
        (_task != DataTask.MultiLabel && classes.Length == 2 ? classes[1..] : classes).Where(value => !double.IsNaN(value));

    private double[] ByClass()
    {
        var classes = _names.Count;
        var values = new double[classes];
        var samples = classes == 0 ? 0 : _scores.Count / classes;
        for (var c = 0; c < classes; c++)
        {
            var scores = new float[samples];
            var present = new bool[samples];
            for (var i = 0; i < samples; i++)
                (scores[i], present[i]) = (_scores[i * classes + c], _present[i * classes + c]);
            values[c] = Sorted(scores, present);
        }
        return values;
    }

    private string WhyUndefined(int label)
    {
        var (with, samples) = (0, _scores.Count / _names.Count);
        for (var i = label; i < _present.Count; i += _names.Count)
            if (_present[i])
                with++;
        return with == 0 ? "absent"
            : with == samples ? "in every sample"
            : "a score is NaN";
    }

    /// <summary>The value of scores in any order. A NaN ranks nowhere, so that nothing can be said.</summary>
    private protected double Sorted(float[] scores, bool[] present)
    {
        if (Array.Exists(scores, float.IsNaN))
            return double.NaN;
        Array.Sort(scores, present);
        Array.Reverse(scores);
        Array.Reverse(present);
        return Value(scores, present);
    }
}
