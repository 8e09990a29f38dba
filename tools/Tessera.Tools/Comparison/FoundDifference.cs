using Tessera.Framework.Metrics;

namespace Tessera.Tools.Comparison;

/// <summary>What a comparison of two runs found, before it is judged.</summary>
internal sealed record FoundDifference
{
    public required string First { get; init; }

    public required string Second { get; init; }

    public required string Metric { get; init; }

    public required MetricRule Rule { get; init; }

    /// <summary>The values: of all images, or the mean over runs.</summary>
    public required (double First, double Second) Values { get; init; }

    /// <summary>The 95 % interval of second less first; null where there are too few runs for one.</summary>
    public required (double Low, double High)? Interval { get; init; }

    /// <summary>How the p value is found, in words.</summary>
    public required string Test { get; init; }

    /// <summary>What was paired, in words: "20 images".</summary>
    public required string Pairs { get; init; }

    /// <summary>The two-sided p value against a true difference (second less first); NaN where there are too few runs.</summary>
    public required Func<double, double> PValue { get; init; }

    /// <summary>Further figures, by name.</summary>
    public IReadOnlyList<(string Name, double Value)> Further { get; init; } = [];

    /// <summary>Second less first.</summary>
    public double Difference => Values.Second - Values.First;

    /// <summary>The difference in the direction that is better.</summary>
    public double Gain => Sign * Difference;

    /// <summary>1 where more of the metric is better, otherwise -1.</summary>
    public int Sign => Rule == MetricRule.Greater ? 1 : -1;
}

/// <summary>The answer.</summary>
internal enum Verdict
{
    Better,
    NotShown,
    Worse,
}

/// <summary>A comparison, and what it comes to among the others made with it.</summary>
/// <param name="P">Against no difference, or the smallest gain that was asked for; raised by Holm's method.</param>
internal sealed record JudgedComparison(FoundDifference Found, Verdict Verdict, double P);
