using System.Globalization;
using Tessera.Framework.Data;

namespace Tessera.Datasets;

/// <param name="Indices">Which samples, counted from 0 in the data set's order: numbers and ranges, rising, such as "0-3,7,9-12".</param>
public sealed record SubsetOptions([property: MinLength(1)] string Indices);

/// <summary>Some samples of another data set: a fold, or what a split has left to train on. The pipeline stands here, not in the
/// part.</summary>
[Component("Subset")]
public sealed class Subset : Dataset
{
    private readonly Dataset _dataset;
    private readonly int[] _indices;

    /// <param name="dataset">The whole.</param>
    /// <exception cref="UserErrorException">The indices can't be read, or the data set is not so large.</exception>
    public Subset(SubsetOptions options, Dataset dataset)
    {
        if (dataset.Pipeline.Count > 0)
            throw new UserErrorException("Subset: the pipeline belongs to it, not to its dataset.");
        _dataset = dataset;
        _indices = Parse(options.Indices, dataset.Count);
    }

    public override int Count => _indices.Length;

    public override DataInfo Info => _dataset.Info;

    public override Sample Get(int index)
    {
        var sample = _dataset.Get(_indices[index]);
        sample.Index = index;
        return sample;
    }

    public override int? LabelOf(int index) => _dataset.LabelOf(_indices[index]);

    public override IReadOnlyList<int>? LabelsOf(int index) => _dataset.LabelsOf(_indices[index]);

    /// <summary>Looks at the whole, for this pipeline.</summary>
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
