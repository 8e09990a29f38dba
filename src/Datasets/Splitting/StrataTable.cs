namespace Tessera.Datasets.Splitting;

/// <summary>Labels as they are gathered: the classes, then what lies below them.</summary>
internal sealed class StrataTable
{
    private readonly int _classes;
    private readonly List<string> _names;
    private readonly int[] _samples; // of each class
    private readonly List<int>[] _labels;

    public StrataTable(IReadOnlyList<string> classes, IReadOnlyList<int>[] labels)
    {
        (_classes, _names, _samples) = (classes.Count, [.. classes], new int[classes.Count]);
        _labels = Array.ConvertAll(labels, of => of.ToList());
        foreach (var label in labels.SelectMany(of => of))
            _samples[label]++;
        var empty = _labels.Where(of => of.Count == 0).ToArray();
        if (empty.Length == 0)
            return;
        foreach (var of in empty)
            of.Add(_names.Count);
        _names.Add("(none of them)");
    }

    /// <summary>Adds labels below the classes, by name. One that is the whole class adds nothing and is left out.</summary>
    /// <param name="below">Of each sample, pairs of a class and what it is there, each once.</param>
    public void Refine(Func<int, IEnumerable<(int Label, string Name)>> below)
    {
        var found = new SortedDictionary<(int Label, string Name), List<int>>(
            Comparer<(int Label, string Name)>.Create(
                (a, b) => a.Label != b.Label ? a.Label.CompareTo(b.Label) : string.CompareOrdinal(a.Name, b.Name)
            )
        );
        for (var i = 0; i < _labels.Length; i++)
            foreach (var pair in below(i))
            {
                if (!found.TryGetValue(pair, out var samples))
                    found.Add(pair, samples = []);
                samples.Add(i);
            }
        foreach (var ((label, name), samples) in found)
        {
            if (samples.Count == _samples[label])
                continue;
            foreach (var sample in samples)
                _labels[sample].Add(_names.Count);
            _names.Add($"{_names[label]}, {name}");
        }
    }

    public Strata ToStrata() => new(_names, _classes, _labels);
}
