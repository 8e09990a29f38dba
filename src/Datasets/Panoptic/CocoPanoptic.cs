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
    private readonly IReadOnlyList<PanopticEntry> _entries;

    public CocoPanoptic(CocoPanopticOptions options)
    {
        (Info, var entries) = CocoPanopticFile.Read(options.Annotations);
        _photos = FileStore.Open(options.Path);
        _maps = FileStore.Open(options.Maps ?? System.IO.Path.ChangeExtension(options.Annotations, null));
        if (options.List is { } list)
            entries = [.. SampleList.Read(_photos, list, [.. entries.Select(entry => entry.Photo)]).Select(i => entries[i])];
        _entries = entries;
        CocoPanopticFile.Require(
            options.Annotations,
            [
                .. Missing(_photos, entries.Select(entry => entry.Photo), "the photograph"),
                .. Missing(_maps, entries.Select(entry => entry.Map), "the map of segments"),
            ]
        );
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

    public override IReadOnlyList<string> Check(Action<int, int>? advance = null) => [.. base.Check(advance), .. PixelDepth.Notes(this)];

    private static IEnumerable<string> Missing(FileStore files, IEnumerable<string> names, string what) =>
        names.Where(name => !files.Contains(name)).Select(name => $"{what} {files.Describe(name)} doesn't exist.");
}
