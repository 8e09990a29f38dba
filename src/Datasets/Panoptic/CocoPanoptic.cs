using Tessera.Datasets.Segmentation;
using Tessera.Datasets.Storage;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Panoptic;

/// <param name="Path">The photographs' folder, or a .zip archive of them.</param>
/// <param name="Annotations">The JSON file.</param>
/// <param name="Maps">The folder, or .zip archive, of the PNGs that the file names; by default the one beside it that has its name without
/// ".json".</param>
/// <param name="List">A text file that names the photographs to take, one a line.</param>
public sealed record CocoPanopticOptions(string Path, string Annotations, string? Maps = null, string? List = null);

/// <summary>Photographs with segments in COCO's panoptic format: a JSON file, and a PNG for each image, whose colours are ids of segments.
/// Labels are the categories by rising id, without gaps. Crowds are not learned from.</summary>
/// <remarks>Kirillov et al., "Panoptic Segmentation", CVPR 2019, arXiv:1801.00868. LoadPanoptic reads the PNGs.</remarks>
[Component("CocoPanoptic")]
public sealed class CocoPanoptic : Dataset
{
    private readonly FileStore _photos,
        _maps;
    private readonly PanopticFiles _files;
    private readonly IReadOnlyList<PanopticEntry> _entries;
    private readonly Lock _gate = new();
    private LabelStatistics[]? _statistics;

    public CocoPanoptic(CocoPanopticOptions options)
    {
        var read = CocoPanopticFile.Read(options.Annotations);
        Info = read.Info;
        _photos = FileStore.Open(options.Path);
        _maps = FileStore.Open(options.Maps ?? System.IO.Path.ChangeExtension(options.Annotations, null));
        _files = new PanopticFiles(options.Annotations, read, _photos, _maps);
        _entries = options.List is { } list
            ? [.. SampleList.Read(_photos, list, [.. _files.Entries.Select(entry => entry.Photo)]).Select(i => _files.Entries[i])]
            : _files.Entries;
    }

    public override int Count => _entries.Count;

    public override DataInfo Info { get; }

    public override string? SyntheticSource => SyntheticMarker.Above(_photos, _entries.Select(entry => entry.Photo));

    public override Sample Get(int index)
    {
        var entry = _entries[index];
        return new Sample
        {
            Index = index,
            Name = _photos.Describe(entry.Photo),
            ImageId = entry.Id,
            ReadFile = () => _photos.Read(entry.Photo),
            PanopticFile = new PanopticFile(_maps.Describe(entry.Map), () => _maps.Read(entry.Map), entry.Segments),
        };
    }

    public override string? ListNameOf(int index) => _entries[index].Photo;

    public override IReadOnlyList<int>? LabelsOf(int index) =>
        [.. _entries[index].Segments.Where(segment => !segment.Crowd).Select(segment => segment.Label).Distinct().Order()];

    public override int? ObjectsOf(int index) => _entries[index].Segments.Count(segment => !segment.Crowd);

    public override IReadOnlyList<LeftOut> LeftOut => _files.LeftOut;

    public override IReadOnlyList<string> Check(Action<int, int>? advance = null) =>
        [
            .. _files.Notes,
            .. Pipeline.Any(step => step is LoadPanoptic)
                ? (IEnumerable<string>)[.. PanopticCheck.Run(this, Scan(advance), LoadImage.TurnsIn(Pipeline)), .. PixelDepth.Notes(this)]
                : [],
        ];

    private LabelStatistics[] Scan(Action<int, int>? advance)
    {
        if (Volatile.Read(ref _statistics) is { } known)
            return known;
        lock (_gate)
            return _statistics ??= new LabelScan(_photos, byColor: true, _maps)
                .Run([.. _entries.Select(entry => new LabelledFile(entry.Photo, entry.Map, entry.Map))], advance)
                .OfType<LabelStatistics>() // every one has a map
                .ToArray();
    }
}
