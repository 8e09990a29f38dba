using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics;

/// <summary>
/// Mean absolute error, root mean squared error and the coefficient of determination: "mae", "rmse", "r2", means over
/// the targets, and "mae/target/…" for each where there are several. In the targets' units, so not fractions. Of a target
/// that is the same in all samples r2 is undefined, and left out of the mean.
/// </summary>
[Component("RegressionErrors")]
public sealed class RegressionMetric : Metric
{
    private IReadOnlyList<string> _names = [];
    private long _count;
    private double[] _absolute = [],
        _squared = [],
        _mean = [],
        _spread = [];

    public override void Reset(DataInfo info)
    {
        Truth.Require(info, "RegressionErrors", DataTask.Regression);
        _names = info.Classes;
        _count = 0;
        _absolute = new double[_names.Count];
        _squared = new double[_names.Count];
        _mean = new double[_names.Count];
        _spread = new double[_names.Count];
    }

    public override void Process(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
    {
        for (var i = 0; i < samples.Count; i++)
        {
            if (predictions[i] is not RegressionPrediction { Values: var values })
                throw new UserErrorException($"The model predicts no numbers for {samples[i].Name}; RegressionErrors compares numbers.");
            if (samples[i].Truth.Targets is not { } targets)
                throw new UserErrorException($"{samples[i].Name} has no regression targets.");
            if (targets.Length != _names.Count || values.Length != _names.Count)
                throw new UserErrorException(
                    $"{samples[i].Name} has {targets.Length} targets and {values.Length} predictions; the data has {_names.Count} "
                        + $"({string.Join(", ", _names)})."
                );
            _count++;
            for (var t = 0; t < targets.Length; t++)
            {
                var error = (double)values[t] - targets[t];
                _absolute[t] += Math.Abs(error);
                _squared[t] += error * error;
                var step = targets[t] - _mean[t]; // Welford: the squares' sum would cancel for targets far from 0
                _mean[t] += step / _count;
                _spread[t] += step * (targets[t] - _mean[t]);
            }
        }
    }

    /// <summary>More of "r2", less of the errors.</summary>
    public override MetricRule? RuleOf(string name) =>
        name == "r2" || name.StartsWith("r2/", StringComparison.Ordinal) ? MetricRule.Greater : MetricRule.Less;

    public override IReadOnlyDictionary<string, double> Compute()
    {
        var mae = _absolute.Select(sum => sum / _count).ToArray();
        var rmse = _squared.Select(sum => Math.Sqrt(sum / _count)).ToArray();
        var r2 = _squared.Select((sum, t) => _spread[t] > 0 ? 1 - sum / _spread[t] : double.NaN).ToArray();
        if (_names.Count == 0)
            return new Dictionary<string, double>
            {
                ["mae"] = double.NaN,
                ["rmse"] = double.NaN,
                ["r2"] = double.NaN,
            };
        var values = new Dictionary<string, double>
        {
            ["mae"] = mae.Average(),
            ["rmse"] = rmse.Average(),
            ["r2"] = MeanOfVarying(r2),
        };
        for (var t = 0; t < _names.Count && _names.Count > 1; t++)
            (values[$"mae/target/{_names[t]}"], values[$"rmse/target/{_names[t]}"], values[$"r2/target/{_names[t]}"]) = (
                mae[t],
                rmse[t],
                r2[t]
            );
        return values;
    }

    public override MetricReport Report()
    {
        var constant = _names.Where((_, t) => !(_spread[t] > 0)).ToArray();
        if (_count < 2 || constant.Length == 0)
            return MetricReport.Empty;
        return new MetricReport
        {
            Notes =
            [
                $"Of the same value in all samples, so r2 is undefined (NaN) and left out of the mean: {string.Join(", ", constant)}.",
            ],
        };
    }

    /// <summary>The mean over the targets that are not the same in all samples; what is NaN for another reason stays so.</summary>
    private double MeanOfVarying(double[] r2) => r2.Where((_, t) => _spread[t] > 0).DefaultIfEmpty(double.NaN).Average();

    public override byte[] Save() =>
        MetricState.Write(writer =>
        {
            writer.Write(_count);
            foreach (var sums in new[] { _absolute, _squared, _mean, _spread })
            foreach (var sum in sums)
                writer.Write(sum);
        });

    public override void Merge(ReadOnlySpan<byte> saved) =>
        MetricState.Read(
            saved,
            reader =>
            {
                var count = reader.ReadInt64();
                var other = Enumerable.Range(0, 4).Select(_ => _names.Select(_ => reader.ReadDouble()).ToArray()).ToArray();
                if (count == 0)
                    return;
                for (var t = 0; t < _names.Count; t++)
                {
                    _absolute[t] += other[0][t];
                    _squared[t] += other[1][t];
                    // Chan et al., "Updating formulae and a pairwise algorithm for computing sample variances", 1979
                    var apart = other[2][t] - _mean[t];
                    _spread[t] += other[3][t] + apart * apart * _count * count / (_count + count);
                    _mean[t] += apart * count / (_count + count);
                }
                _count += count;
            }
        );
}
