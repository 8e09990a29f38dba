using System.Globalization;

namespace Tessera.Framework.Data;

/// <summary>What is counted as left out.</summary>
public enum LeftOutKind
{
    /// <summary>A file that is no sample.</summary>
    File,

    /// <summary>A whole sample: figures cover one image less.</summary>
    Image,

    /// <summary>An object or a label of a sample that stays.</summary>
    Box,

    /// <summary>A class or a category, or what belongs to one that isn't wanted.</summary>
    Class,
}

/// <summary>Something that a data set passed over, counted by its reason.</summary>
/// <param name="Kind">What was passed over.</param>
/// <param name="Reason">A phrase in the plural that a count may follow: "files that are no images (.txt)".</param>
/// <param name="Count">How many.</param>
/// <param name="First">The first few, each as a person finds it.</param>
public sealed record LeftOut(LeftOutKind Kind, string Reason, long Count, IReadOnlyList<string> First)
{
    /// <summary>"left out: REASON: COUNT. The first: …".</summary>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"left out: {Reason}: {Count:N0}.{(First.Count == 0 ? "" : $" The first: {First[0]}")}"
        );
}

/// <summary>Counts what is left out, by reason, in the order in which the reasons first came.</summary>
public sealed class LeftOutCounter
{
    private const int Shown = 6;

    private readonly List<(LeftOutKind Kind, string Reason, List<string> First)> _reasons = [];
    private readonly Dictionary<(LeftOutKind, string), (int At, long Count)> _counts = [];

    public IReadOnlyList<LeftOut> Counted =>
        [.. _reasons.Select(entry => new LeftOut(entry.Kind, entry.Reason, _counts[(entry.Kind, entry.Reason)].Count, entry.First))];

    /// <summary>Counts one; of the first few the name is kept.</summary>
    /// <param name="what">As a person finds it.</param>
    public void Add(LeftOutKind kind, string reason, string what)
    {
        if (!_counts.TryGetValue((kind, reason), out var known))
        {
            known = (_reasons.Count, 0);
            _reasons.Add((kind, reason, []));
        }
        if (known.Count < Shown)
            _reasons[known.At].First.Add(what);
        _counts[(kind, reason)] = (known.At, known.Count + 1);
    }
}
