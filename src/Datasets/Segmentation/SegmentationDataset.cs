using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Segmentation;

/// <summary>A photograph and its labels, by their names in the store.</summary>
/// <param name="Labels">null where there are none.</param>
/// <param name="Expected">Where the labels lie, or should.</param>
internal readonly record struct LabelledFile(string Image, string? Labels, string Expected);

/// <summary>Photographs with a label image each. The label files' values become classes by a <see cref="LabelTable"/> when LoadSegmentation
/// reads them.</summary>
public abstract class SegmentationDataset : Dataset
{
    private readonly FileStore _files;
    private readonly IReadOnlyList<LabelledFile> _pairs;
    private readonly Lock _gate = new();
    private LabelStatistics?[]? _statistics;

    private protected SegmentationDataset(FileStore files, Pairs pairs, LabelOptions options)
    {
        (_files, LeftOut, Table) = (files, pairs.LeftOut, options.Table());
        _pairs = options.List is { } list
            ? [.. SampleList.Read(files, list, [.. pairs.Files.Select(pair => pair.Image)], pairs.ImageFolder).Select(i => pairs.Files[i])]
            : pairs.Files;
        TableIsImplied = options.IsImplied;
        Info = new DataInfo(Table.Classes, DataTask.Segmentation) { Palette = options.PaletteOf(Table) };
    }

    /// <summary>What the values of the label files mean.</summary>
    public LabelTable Table { get; }

    /// <summary>No table was written and the data set has none of its own: values are the classes' places, and 255 is ignored.</summary>
    internal bool TableIsImplied { get; }

    public sealed override DataInfo Info { get; }

    public override int Count => _pairs.Count;

    public override IReadOnlyList<LeftOut> LeftOut { get; }

    /// <summary>Photographs are turned as their EXIF orientation says: the pipeline's LoadImage tells.</summary>
    internal bool TurnsPhotographs => LoadImage.TurnsIn(Pipeline);

    public override string? SyntheticSource => SyntheticMarker.Above(_files, _pairs.Select(pair => pair.Image));

    public override Sample Get(int index)
    {
        var pair = _pairs[index];
        return new Sample
        {
            Index = index,
            Name = _files.Describe(pair.Image),
            ReadFile = () => _files.Read(pair.Image),
            SegmentationFile = new(
                _files.Describe(pair.Labels ?? pair.Expected),
                pair.Labels is { } labels ? () => _files.Read(labels) : null,
                Table
            ),
        };
    }

    public override string? ListNameOf(int index) => _pairs[index].Image;

    /// <summary>What is known of a sample's labels; null where it has none. The first call reads every label file, unless an earlier run
    /// has.</summary>
    public LabelStatistics? StatisticsOf(int index) => Scan(null)[index];

    public override IReadOnlyList<int>? LabelsOf(int index)
    {
        if (StatisticsOf(index) is not { Problem: null } statistics)
            return []; // Check says so
        var counts = statistics.CountClasses(Table).Classes;
        return [.. Enumerable.Range(0, counts.Length).Where(c => counts[c] > 0)];
    }

    public override int? ObjectsOf(int index) => LabelsOf(index)!.Count;

    public override IReadOnlyList<string> Check(Action<int, int>? advance = null) =>
        [
            .. base.Check(advance),
            .. Pipeline.Any(step => step is LoadSegmentation)
                ? (IEnumerable<string>)[.. LabelCheck.Run(this, Scan(advance)), .. PixelDepth.Notes(this)]
                : [],
        ];

    private LabelStatistics?[] Scan(Action<int, int>? advance)
    {
        if (Volatile.Read(ref _statistics) is { } known)
            return known;
        lock (_gate)
            return _statistics ??= new LabelScan(_files, Table.ByColor).Run(_pairs, advance);
    }
}
