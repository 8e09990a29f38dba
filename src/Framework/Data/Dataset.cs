using Tessera.Framework.Components;

namespace Tessera.Framework.Data;

/// <summary>What kind of truth a data set carries.</summary>
public enum DataTask
{
    Classification,
    MultiLabel,
    Regression,
    Segmentation,
    Detection,
    Panoptic,
}

/// <summary>What a model must know of the data. Classes, task, palette and things travel in every checkpoint; ids of categories
/// don't.</summary>
/// <param name="Classes">Names in index order; for regression, the targets' names.</param>
/// <param name="Task">What is to be predicted.</param>
public sealed record DataInfo(IReadOnlyList<string> Classes, DataTask Task)
{
    /// <summary>Names in index order, in Unicode's composed form; for regression, the targets' names.</summary>
    public IReadOnlyList<string> Classes { get; init; } = ClassNames.Normalize(Classes);

    /// <summary>A colour for each class, where the data has colours of its own.</summary>
    public IReadOnlyList<Rgb>? Palette { get; init; }

    /// <summary>Whether each class is of things, which are told apart one by one, or of stuff; of data for panoptic segmentation.</summary>
    public IReadOnlyList<bool>? Things { get; init; }

    /// <summary>Each class's id in the annotation file, for files of results; unset: one more than the class's index.</summary>
    public IReadOnlyList<long>? CategoryIds { get; init; }

    /// <summary>How often each class occurs in the training data, where the data says so.</summary>
    public IReadOnlyList<ClassFrequency>? Frequencies { get; init; }

    /// <summary>Of each class the classes that it is a kind of, parents and their parents, without itself; null where the data has no
    /// hierarchy.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Ancestors { get; init; }
}

/// <summary>Examples by index, before any transform. Safe to read from several threads.</summary>
[ComponentKind("dataset")]
public abstract class Dataset
{
    /// <summary>What happens to a sample on its way to the batch, in order.</summary>
    [FromConfig]
    public IReadOnlyList<Transform> Pipeline { get; set; } = [];

    public abstract int Count { get; }

    public abstract DataInfo Info { get; }

    /// <summary>Sample <paramref name="index"/>, its file unread (or its image drawn). Deterministic.</summary>
    public abstract Sample Get(int index);

    /// <summary>The same, ready for a pipeline: the sample knows where it comes from and what it is read for.</summary>
    public Sample Open(int index, bool training)
    {
        var sample = Get(index);
        (sample.Source, sample.Training) = (this, training);
        return sample;
    }

    /// <summary>Everything that the data set passed over, by reason: files, samples, boxes, classes.</summary>
    public virtual IReadOnlyList<LeftOut> LeftOut => [];

    /// <summary>Looks, before a run begins, for what would stop it later: labels without a class, files that don't belong together. What is
    /// known from an earlier look is not read again.</summary>
    /// <param name="advance">Told how many files are done, of how many.</param>
    /// <returns>What is worth saying, though nothing stands in the way: what is left out, to begin with.</returns>
    /// <exception cref="UserErrorException">Everything that does stand in the way, with the files' names.</exception>
    public virtual IReadOnlyList<string> Check(Action<int, int>? advance = null) => [.. LeftOut.Select(entry => entry.ToString())];

    /// <summary>The label alone, without reading an image; null where the data has no single label. For balanced sampling and
    /// statistics.</summary>
    public virtual int? LabelOf(int index) => null;

    /// <summary>Every class that sample <paramref name="index"/> shows, without reading an image; null where that can't be told.</summary>
    public virtual IReadOnlyList<int>? LabelsOf(int index) => LabelOf(index) is { } label ? [label] : null;

    /// <summary>How many objects sample <paramref name="index"/> has to learn from: boxes, with masks where those are read, or segments,
    /// without ignored ones; of a segmentation map, classes. null where that can't be told without reading an image, or the truth is of
    /// another kind.</summary>
    public virtual int? ObjectsOf(int index) => null;

    /// <summary>What files that list samples call sample <paramref name="index"/>: its image's path below the data set's own folder, with
    /// forward slashes. null where samples have no files of their own, or lie in several folders; lists then hold their numbers.</summary>
    public virtual string? ListNameOf(int index) => null;

    /// <summary>The data set that sample <paramref name="index"/> is read by, and its place there: this one, unless it is made of
    /// others.</summary>
    public virtual (Dataset Dataset, int Index) OriginOf(int index) => (this, index);

    /// <summary>The file that says that samples were made by a model (tools/generate), which may be trained on but not measured with; null
    /// where none says so.</summary>
    public virtual string? SyntheticSource => null;
}

/// <summary>In which order an epoch visits the samples.</summary>
[ComponentKind("sampler")]
public abstract class Sampler
{
    /// <summary>The indices of one epoch over all processes; every rank then takes its own.</summary>
    /// <param name="dataset">Count and labels.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="epoch">From 0.</param>
    public abstract IReadOnlyList<int> Order(Dataset dataset, long seed, int epoch);
}
