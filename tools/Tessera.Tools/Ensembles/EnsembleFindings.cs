using Tessera.Ensembles;

namespace Tessera.Tools.Ensembles;

/// <summary>What <c>tools/ensemble</c> found out.</summary>
internal sealed record EnsembleFindings
{
    public required EnsembleArguments Arguments { get; init; }

    /// <summary>val or test.</summary>
    public required string Part { get; init; }

    public required int Samples { get; init; }

    public required IReadOnlyList<RowMetrics> Members { get; init; }

    public required RowMetrics Whole { get; init; }

    /// <summary>null: there is none.</summary>
    public RowMetrics? Soup { get; init; }

    public string? SoupPath { get; init; }

    /// <summary>Where the predictions of all together are; null where they are not stored.</summary>
    public string? PredictionsPath { get; init; }

    /// <summary>Numbers of the members that the soup is made of.</summary>
    public IReadOnlyList<int> SoupOf { get; init; } = [];

    public required double[] Weights { get; init; }

    /// <summary>What the weights were chosen on and by which rule; null: they are equal.</summary>
    public string? WeightsFrom { get; init; }

    /// <summary>The whole's followed value less the best member's, and its interval over images drawn anew; null: none.</summary>
    public (string Best, double Value, double Low, double High)? Gain { get; init; }

    public required FollowedValue? Followed { get; init; }

    /// <summary>null: a regression.</summary>
    public MemberRights? Rights { get; init; }

    /// <summary>null: no regression.</summary>
    public RegressionDiversity? Regression { get; init; }

    /// <summary>Figures that were chosen on what they are measured on.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Of the pairs' correlations, the mean over those that are defined.</summary>
    public double MeanCorrelation => Pairs().Select(pair => pair.Correlation).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average();

    /// <summary>The members by number, and how alike they err.</summary>
    public IEnumerable<(int First, int Second, PairCounts? Counts, double Correlation)> Pairs()
    {
        for (var first = 0; first < Members.Count; first++)
        for (var second = first + 1; second < Members.Count; second++)
            yield return Rights is { } rights
                ? (first, second, rights.Pair(first, second), rights.Pair(first, second).Correlation)
                : (first, second, null, Regression!.Correlation(first, second));
    }
}
