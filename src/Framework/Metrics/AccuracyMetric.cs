using System.ComponentModel.DataAnnotations;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;

namespace Tessera.Framework.Metrics;

/// <param name="TopK">A prediction is right if the true class is among the k most probable; one value for each k. Default: 1.</param>
public sealed record AccuracyOptions([property: MinLength(1)] int[]? TopK = null);

/// <summary>Top-k accuracy: "accuracy/top1", "accuracy/top5" … Among equal scores the lower class index counts as more probable.</summary>
[Component("Accuracy")]
public sealed class AccuracyMetric : Metric
{
    private readonly int[] _topK;
    private readonly long[] _right;
    private long _count;
    private int _classes;

    public AccuracyMetric(AccuracyOptions options)
    {
        _topK = options.TopK ?? [1];
        _right = new long[_topK.Length];
        if (_topK.Any(k => k < 1))
            throw new UserErrorException("Accuracy: every k in top_k is at least 1.");
    }

    public override void Reset(DataInfo info)
    {
        Truth.Require(info, "Accuracy", DataTask.Classification);
        _classes = info.Classes.Count;
        if (_topK.Max() > _classes)
            throw new UserErrorException($"Accuracy: top_k asks for the best {_topK.Max()} of {_classes} classes.");
        Array.Clear(_right);
        _count = 0;
    }

    public override void Process(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
    {
        for (var i = 0; i < samples.Count; i++)
        {
            var scores = Truth.Classes(predictions[i], samples[i], _classes).Scores;
            var label = Truth.Label(samples[i], _classes);
            var rank = 0;
            for (var c = 0; c < scores.Length; c++)
                if (scores[c] > scores[label] || (scores[c] == scores[label] && c < label))
                    rank++;
            var scored = !float.IsNaN(scores[label]); // NaN compares as nothing at all; it is never right
            for (var k = 0; k < _topK.Length; k++)
                if (scored && rank < _topK[k])
                    _right[k]++;
            _count++;
        }
    }

    public override MetricRule? RuleOf(string name) => MetricRule.Greater;

    public override IReadOnlyDictionary<string, double> Compute()
    {
        var values = new Dictionary<string, double>();
        for (var k = 0; k < _topK.Length; k++)
            values[$"accuracy/top{_topK[k]}"] = _count == 0 ? double.NaN : (double)_right[k] / _count;
        return values;
    }

    public override byte[] Save() =>
        MetricState.Write(writer =>
        {
            writer.Write(_count);
            foreach (var right in _right)
                writer.Write(right);
        });

    public override void Merge(ReadOnlySpan<byte> saved) =>
        MetricState.Read(
            saved,
            reader =>
            {
                _count += reader.ReadInt64();
                for (var k = 0; k < _right.Length; k++)
                    _right[k] += reader.ReadInt64();
            }
        );
}
