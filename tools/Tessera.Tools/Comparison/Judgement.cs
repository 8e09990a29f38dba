using Tessera.Framework.Metrics.Statistics;

namespace Tessera.Tools.Comparison;

/// <summary>What comparisons come to, all of them taken together.</summary>
internal static class Judgement
{
    /// <summary>The chance of a wrong answer that is taken, over all comparisons.</summary>
    public const double Level = 0.05;

    /// <summary>Exit codes; 1 and 3 keep their meaning.</summary>
    public const int Better = 0,
        NotShown = 4,
        Worse = 5;

    /// <param name="minGain">The second is better where it gains more than this, worse where it loses, or gains less than a margin below
    /// 0.</param>
    public static JudgedComparison[] Of(IReadOnlyList<FoundDifference> comparisons, double minGain)
    {
        var margin = Math.Min(0, minGain);
        var above = Holm.Adjust([.. comparisons.Select(found => found.PValue(found.Sign * minGain))]);
        var below = Holm.Adjust([.. comparisons.Select(found => found.PValue(found.Sign * margin))]);
        return [.. comparisons.Select((found, i) => One(found, above[i], below[i]))];

        JudgedComparison One(FoundDifference found, double p, double q) =>
            found.Gain > minGain && p <= Level ? new JudgedComparison(found, Verdict.Better, p)
            : found.Gain < margin && q <= Level ? new JudgedComparison(found, Verdict.Worse, q)
            : new JudgedComparison(found, Verdict.NotShown, p);
    }

    /// <summary>Of several: better where all are, worse where one is.</summary>
    public static int ExitCode(IReadOnlyCollection<JudgedComparison> judged) =>
        judged.Any(one => one.Verdict == Verdict.Worse) ? Worse
        : judged.All(one => one.Verdict == Verdict.Better) ? Better
        : NotShown;
}
