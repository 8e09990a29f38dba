namespace Tessera.Ensembles;

/// <summary>Why a (weighted) mean of regressions is better than its members: its squared error is exactly their mean squared error less
/// their mean ambiguity, the squared distance of the members from the mean.</summary>
/// <remarks>Krogh and Vedelsby, "Neural network ensembles, cross validation, and active learning", NIPS 1994.</remarks>
public sealed class Ambiguity(IReadOnlyList<double> weights)
{
    private double _errors,
        _ambiguities,
        _whole;
    private long _count;

    /// <summary>The weighted mean of the members' mean squared errors.</summary>
    public double MeanError => _errors / _count;

    /// <summary>How far the members lie from their mean, squared.</summary>
    public double MeanAmbiguity => _ambiguities / _count;

    /// <summary>The mean squared error of their weighted mean, computed by itself.</summary>
    public double EnsembleError => _whole / _count;

    /// <summary>Adds a value that was to be predicted.</summary>
    /// <param name="predicted">By each member.</param>
    public void Add(ReadOnlySpan<double> predicted, double truth)
    {
        double mean = 0;
        for (var m = 0; m < predicted.Length; m++)
            mean += weights[m] * predicted[m];
        for (var m = 0; m < predicted.Length; m++)
        {
            _errors += weights[m] * (predicted[m] - truth) * (predicted[m] - truth);
            _ambiguities += weights[m] * (predicted[m] - mean) * (predicted[m] - mean);
        }
        _whole += (mean - truth) * (mean - truth);
        _count++;
    }
}
