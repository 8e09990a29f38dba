using System.Globalization;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;

namespace Tessera.Datasets;

/// <param name="List">A text file that names the samples to take, one a line, from the working folder: by their images' names as the data
/// set's own "list" has them, or, where samples have no files of their own, by their numbers from 0.</param>
public sealed record SubsetOptions([property: MinLength(1)] string List);

/// <summary>Some samples of another data set, for data that has no "list" of its own: drawn in code, several sets as one, or many images in
/// a file. The pipeline stands here, not in the part.</summary>
[Component("Subset")]
public sealed class Subset : Dataset
{
    private readonly Dataset _dataset;
    private readonly int[] _indices;

    /// <param name="dataset">Which the samples are chosen from.</param>
    /// <exception cref="UserErrorException">There is no such list, or it names what isn't there.</exception>
    public Subset(SubsetOptions options, Dataset dataset)
        : this(dataset, SampleList.Read(null, options.List, [.. Enumerable.Range(0, dataset.Count).Select(i => NameOf(dataset, i))]))
    {
        if (dataset.Pipeline.Count > 0)
            throw new UserErrorException("Subset: the pipeline belongs to it, not to its dataset.");
    }

    /// <summary>Chosen by a program; the pipeline is the data set's own.</summary>
    /// <param name="dataset">Which the samples are chosen from.</param>
    /// <param name="indices">The samples, in order.</param>
    /// <exception cref="ArgumentOutOfRangeException">The data set has no such sample.</exception>
    public Subset(Dataset dataset, IReadOnlyList<int> indices)
    {
        foreach (var index in indices)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index, nameof(indices));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, dataset.Count, nameof(indices));
        }
        (_dataset, _indices, Pipeline) = (dataset, [.. indices], dataset.Pipeline);
    }

    public override int Count => _indices.Length;

    public override DataInfo Info => _dataset.Info;

    public override IReadOnlyList<LeftOut> LeftOut => _dataset.LeftOut;

    /// <summary>What lists call a sample of any data set: its file's name, or its number.</summary>
    public static string NameOf(Dataset dataset, int index) => dataset.ListNameOf(index) ?? index.ToString(CultureInfo.InvariantCulture);

    public override Sample Get(int index)
    {
        var sample = _dataset.Get(_indices[index]);
        sample.Index = index;
        return sample;
    }

    public override int? LabelOf(int index) => _dataset.LabelOf(_indices[index]);

    public override IReadOnlyList<int>? LabelsOf(int index) => _dataset.LabelsOf(_indices[index]);

    /// <summary>As the whole data set is listed, so that lists of a subset's samples are of the same kind as its own.</summary>
    public override string? ListNameOf(int index) => NameOf(_dataset, _indices[index]);

    public override (Dataset Dataset, int Index) OriginOf(int index) => _dataset.OriginOf(_indices[index]);

    /// <summary>The whole data set is looked at, for this pipeline.</summary>
    public override IReadOnlyList<string> Check(Action<int, int>? advance = null)
    {
        _dataset.Pipeline = Pipeline;
        return _dataset.Check(advance);
    }
}
