using Tessera.Framework.Data;

namespace Tessera.Datasets;

/// <summary>Several data sets of the same classes as one: VOC 2007 and 2012, or a set and its additions. The pipeline stands here, not in
/// its parts.</summary>
[Component("ConcatDataset")]
public sealed class ConcatDataset : Dataset
{
    private readonly IReadOnlyList<Dataset> _parts;
    private readonly int[] _starts;

    /// <param name="datasets">The parts, in order.</param>
    public ConcatDataset(IReadOnlyList<Dataset> datasets)
    {
        if (datasets.Count == 0)
            throw new UserErrorException("ConcatDataset: datasets is empty.");
        var first = datasets[0].Info;
        for (var i = 1; i < datasets.Count; i++)
        {
            if (datasets[i].Info.Task != first.Task)
                throw new UserErrorException(
                    $"ConcatDataset: datasets.0 is for {TaskNames.Of(first.Task)}, datasets.{i} for {TaskNames.Of(datasets[i].Info.Task)}."
                );
            if (!datasets[i].Info.Classes.SequenceEqual(first.Classes))
                throw new UserErrorException(
                    $"ConcatDataset: datasets.{i} has the classes {string.Join(", ", datasets[i].Info.Classes)}; datasets.0 has "
                        + $"{string.Join(", ", first.Classes)}. Give both the same classes, in one order."
                );
        }
        if (datasets.Any(part => part.Pipeline.Count > 0))
            throw new UserErrorException("ConcatDataset: the pipeline belongs to it, not to its parts.");
        _parts = datasets;
        _starts = new int[datasets.Count];
        for (var i = 0; i < datasets.Count; i++)
        {
            _starts[i] = Count;
            Count = checked(Count + datasets[i].Count);
        }
    }

    public override int Count { get; }

    public override DataInfo Info => _parts[0].Info;

    /// <summary>Ids of images hold within one part only, so the sample has none.</summary>
    public override Sample Get(int index)
    {
        var (part, at) = Find(index);
        var sample = part.Get(at);
        (sample.Index, sample.ImageId) = (index, null);
        return sample;
    }

    public override int? LabelOf(int index)
    {
        var (part, at) = Find(index);
        return part.LabelOf(at);
    }

    public override IReadOnlyList<int>? LabelsOf(int index)
    {
        var (part, at) = Find(index);
        return part.LabelsOf(at);
    }

    public override int? ObjectsOf(int index)
    {
        var (part, at) = Find(index);
        return part.ObjectsOf(at);
    }

    public override (Dataset Dataset, int Index) OriginOf(int index)
    {
        var (part, at) = Find(index);
        return part.OriginOf(at);
    }

    public override string? SyntheticSource => _parts.Select(part => part.SyntheticSource).FirstOrDefault(source => source is not null);

    public override IReadOnlyList<LeftOut> LeftOut =>
        [.. _parts.SelectMany((part, i) => part.LeftOut.Select(entry => entry with { Reason = $"{entry.Reason} (datasets.{i})" }))];

    /// <summary>Each part is looked at for the whole's pipeline.</summary>
    public override IReadOnlyList<string> Check(Action<int, int>? advance = null)
    {
        var notes = new List<string>();
        for (var i = 0; i < _parts.Count; i++)
        {
            _parts[i].Pipeline = Pipeline;
            notes.AddRange(_parts[i].Check(advance).Select(note => $"datasets.{i}: {note}"));
        }
        return notes;
    }

    /// <summary>The part that a sample comes from, and its place there.</summary>
    public (Dataset Part, int Index) Find(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        var found = Array.BinarySearch(_starts, index);
        var part = found >= 0 ? found : ~found - 1;
        return (_parts[part], index - _starts[part]);
    }
}
