namespace Tessera.Tools.Statistics;

/// <summary>Pairs of images that show the same, told apart by where they lie.</summary>
internal sealed class DuplicateStatistics
{
    private readonly IReadOnlyList<(PartStatistics Part, SampleFacts Sample)> _samples;
    private readonly IReadOnlyList<DuplicatePair> _pairs;

    public DuplicateStatistics(IReadOnlyList<PartStatistics> parts)
    {
        _samples = [.. parts.SelectMany(part => part.Samples.Select(sample => (part, sample)))];
        _pairs = Duplicates.Find([.. _samples.Select(entry => entry.Sample.Print)]);
    }

    /// <summary>There are more pairs than were kept.</summary>
    public bool CutOff => _pairs.Count >= Duplicates.MostPairs;

    public IReadOnlyList<DuplicatePair> Within(PartStatistics part) =>
        [.. _pairs.Where(pair => _samples[pair.First].Part == part && _samples[pair.Second].Part == part)];

    public IReadOnlyList<DuplicatePair> Between(PartStatistics first, PartStatistics second) =>
        [.. _pairs.Where(pair => _samples[pair.First].Part == first && _samples[pair.Second].Part == second)];

    public string Name(int sample) => _samples[sample].Sample.Name;

    /// <summary>The same image under different labels: one of the two is wrong.</summary>
    public IEnumerable<DuplicatePair> Contradicting(IEnumerable<DuplicatePair> pairs) =>
        pairs.Where(pair =>
            _samples[pair.First].Sample.Labels is { } first
            && _samples[pair.Second].Sample.Labels is { } second
            && !first.Order().SequenceEqual(second.Order())
        );
}
