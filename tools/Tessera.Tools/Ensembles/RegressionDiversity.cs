using Tessera.Ensembles;
using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Tools.Ensembles;

/// <summary>How differently regressions err: their errors' correlations, and the ambiguity of their mean.</summary>
internal sealed class RegressionDiversity(int targets, double[] weights)
{
    private readonly Ambiguity _ambiguity = new(weights);
    private readonly List<double[]> _errors = []; // of each sample and target, each member's

    /// <summary>Of all targets together.</summary>
    public Ambiguity Ambiguity => _ambiguity;

    /// <summary>The correlation of two members' errors; with several targets, the mean over them.</summary>
    public double Correlation(int first, int second) =>
        Enumerable.Range(0, targets).Select(t => Correlation(first, second, t)).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average();

    public void Add(Sample sample, IReadOnlyList<MemberOutput> members)
    {
        var truth = sample.Truth.Targets!;
        for (var t = 0; t < truth.Length; t++)
        {
            var predicted = members.Select(member => (double)((RegressionPrediction)member.Prediction).Values[t]).ToArray();
            _ambiguity.Add(predicted, truth[t]);
            _errors.Add(Array.ConvertAll(predicted, value => value - truth[t]));
        }
    }

    private double Correlation(int first, int second, int target)
    {
        var (count, a, b, aa, bb, ab) = (0, 0.0, 0.0, 0.0, 0.0, 0.0);
        for (var i = target; i < _errors.Count; i += targets)
        {
            // Welford's step, for errors far from 0
            count++;
            var (x, y) = (_errors[i][first], _errors[i][second]);
            var (dx, dy) = (x - a, y - b);
            (a, b) = (a + (dx / count), b + (dy / count));
            (aa, bb, ab) = (aa + (dx * (x - a)), bb + (dy * (y - b)), ab + (dx * (y - b)));
        }
        return ab / Math.Sqrt(aa * bb);
    }
}
