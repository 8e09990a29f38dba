using System.Text.Json.Nodes;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;

namespace Tessera.Framework.Metrics;

/// <summary>
/// Compares predictions with the truth over a whole evaluation. Counts are integers (or doubles) inside; what was
/// gathered can be merged across processes.
/// </summary>
[ComponentKind("metric")]
public abstract class Metric
{
    /// <summary>Called before an evaluation.</summary>
    /// <param name="info">The data's classes.</param>
    public abstract void Reset(DataInfo info);

    /// <param name="predictions">One for each sample, in order.</param>
    public abstract void Process(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples);

    /// <summary>Values by name ("accuracy/top1"), fractions in [0, 1] where they are fractions; NaN where undefined.</summary>
    public abstract IReadOnlyDictionary<string, double> Compute();

    /// <summary>The values alone, without intervals that <see cref="Compute"/> draws for some of them: what a comparison of runs asks for
    /// thousands of times.</summary>
    public virtual IReadOnlyDictionary<string, double> ComputePoints() => Compute();

    /// <summary>
    /// Whether more or less of a value is better, which save_best, EarlyStoppingHook and ReduceOnPlateau go by where the config
    /// has no rule. null: not declared; then they ask for a rule.
    /// </summary>
    /// <param name="name">As in <see cref="Compute"/>.</param>
    public virtual MetricRule? RuleOf(string name) => null;

    /// <summary>What was gathered, to be sent to another process.</summary>
    public abstract byte[] Save();

    /// <summary>Adds what another process gathered.</summary>
    public abstract void Merge(ReadOnlySpan<byte> saved);

    /// <summary>What people are shown of it besides the values. Empty where the values say it all.</summary>
    public virtual MetricReport Report() => MetricReport.Empty;

    /// <summary>What does not fit a flat list of values (a confusion matrix), for the details file; null where there is nothing.</summary>
    public virtual JsonNode? Details() => null;
}
