namespace Tessera.Datasets.Splitting;

/// <summary>What a split keeps in balance: for each sample, the labels it has. Labels are the classes, and what lies below them (the
/// sub-folders of a class, its small boxes).</summary>
public sealed class Strata
{
    /// <param name="names">Names of the labels, the classes first.</param>
    /// <param name="classes">How many of them are classes.</param>
    /// <param name="labels">Of each sample, indices into <paramref name="names"/>, each once; none where it has no label.</param>
    /// <exception cref="ArgumentException">An index is out of range or comes twice.</exception>
    public Strata(IReadOnlyList<string> names, int classes, IReadOnlyList<IReadOnlyList<int>> labels)
    {
        if (classes < 0 || classes > names.Count)
            throw new ArgumentException($"{classes} classes of {names.Count} labels.", nameof(classes));
        for (var i = 0; i < labels.Count; i++)
        {
            if (labels[i].Any(label => label < 0 || label >= names.Count) || labels[i].Distinct().Count() < labels[i].Count)
                throw new ArgumentException($"Sample {i} has the labels {string.Join(", ", labels[i])} of {names.Count}.", nameof(labels));
        }
        (Names, Classes, Labels) = (names, classes, labels);
    }

    /// <summary>The classes alone.</summary>
    /// <param name="names">Names of the classes.</param>
    /// <param name="labels">Of each sample, the classes it shows.</param>
    public Strata(IReadOnlyList<string> names, IReadOnlyList<IReadOnlyList<int>> labels)
        : this(names, names.Count, labels) { }

    /// <summary>Names of the labels, the classes first.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>How many of the labels are classes.</summary>
    public int Classes { get; }

    /// <summary>Of each sample, the labels it has.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Labels { get; }

    /// <summary>Samples.</summary>
    public int Count => Labels.Count;

    /// <summary>One label for each sample, and nothing below the classes.</summary>
    internal bool IsSingle => Classes == Names.Count && Labels.All(labels => labels.Count == 1);
}
