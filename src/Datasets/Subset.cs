using System.Globalization;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;

namespace Tessera.Datasets;

/// <param name="Indices">Which samples, counted from 0 in the data set's order: numbers and ranges, rising, such as "0-3,7,9-12".</param>
/// <param name="List">In place of indices: a text file that names the samples to take, one a line, from the working folder: by their
/// images' names as the data set's own "list" has them, or, where samples have no files of their own, by their numbers from 0.</param>
public sealed record SubsetOptions([property: MinLength(1)] string? Indices = null, [property: MinLength(1)] string? List = null);

/// <summary>Some samples of another data set: a fold, or what a split has left to train on, for data that has no "list" of its own: drawn
/// in code, several sets as one, or many images in a file. The pipeline stands here, not in the part.</summary>
[Component("Subset")]
public sealed class Subset : Dataset
{
    private readonly Dataset _dataset;
    private readonly int[] _indices;

    /// <param name="dataset">Which the samples are chosen from.</param>
    /// <exception cref="UserErrorException">Neither indices nor a list is given, or both; there is no such list, or it names what isn't
    /// there; the indices can't be read, or the data set is not so large.</exception>
    public Subset(SubsetOptions options, Dataset dataset)
        : this(dataset, Chosen(options, dataset))
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

    public override int? ObjectsOf(int index) => _dataset.ObjectsOf(_indices[index]);

    /// <summary>As the whole data set is listed, so that lists of a subset's samples are of the same kind as its own.</summary>
    public override string? ListNameOf(int index) => NameOf(_dataset, _indices[index]);

    public override (Dataset Dataset, int Index) OriginOf(int index) => _dataset.OriginOf(_indices[index]);

    /// <summary>Of the samples that it has.</summary>
    public override string? SyntheticSource =>
        _dataset.SyntheticSource is null
            ? null
            : _indices
                .Select(index => _dataset.OriginOf(index).Dataset)
                .Distinct()
                .Select(dataset => dataset.SyntheticSource)
                .FirstOrDefault(source => source is not null);

    /// <summary>The whole data set is looked at, for this pipeline.</summary>
    public override IReadOnlyList<string> Check(Action<int, int>? advance = null)
    {
        _dataset.Pipeline = Pipeline;
        return _dataset.Check(advance);
    }

    /// <summary>Writes indices as <see cref="SubsetOptions.Indices"/> reads them.</summary>
    /// <param name="indices">Rising.</param>
    public static string Write(IReadOnlyList<int> indices)
    {
        var parts = new List<string>();
        for (var i = 0; i < indices.Count; i++)
        {
            var first = indices[i];
            while (i + 1 < indices.Count && indices[i + 1] == indices[i] + 1)
                i++;
            var last = indices[i] == first ? "" : FormattableString.Invariant($"-{indices[i]}");
            parts.Add(FormattableString.Invariant($"{first}{last}"));
        }
        return string.Join(',', parts);
    }

    private static int[] Chosen(SubsetOptions options, Dataset dataset) =>
        options switch
        {
            { Indices: { } indices, List: null } => Parse(indices, dataset.Count),
            { Indices: null, List: { } list } => SampleList.Read(
                null,
                list,
                [.. Enumerable.Range(0, dataset.Count).Select(index => NameOf(dataset, index))]
            ),
            _ => throw new UserErrorException("Subset: it takes either \"indices\" or \"list\"."),
        };

    private static int[] Parse(string text, int count)
    {
        var indices = new List<int>();
        foreach (var part in text.Split(','))
        {
            var ends = part.Trim().Split('-');
            if (
                ends.Length > 2
                || !int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                || !int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var last)
                || last < first
            )
                throw new UserErrorException($"Subset: indices has \"{part.Trim()}\"; a number or a range such as 9-12 was expected.");
            if (last >= count)
                throw new UserErrorException($"Subset: indices has \"{part.Trim()}\"; the data set has {count} samples, numbered from 0.");
            if (indices.Count > 0 && first <= indices[^1])
                throw new UserErrorException($"Subset: indices has \"{part.Trim()}\" after {indices[^1]}; they must rise.");
            indices.AddRange(Enumerable.Range(first, last - first + 1));
        }
        return [.. indices];
    }
}
