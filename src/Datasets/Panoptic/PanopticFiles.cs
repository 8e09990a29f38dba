using System.Globalization;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Panoptic;

/// <summary>A photograph and its map of segments.</summary>
/// <param name="Id">The image's.</param>
/// <param name="Photo">In the photographs' folder.</param>
/// <param name="Map">In the maps' folder.</param>
internal sealed record PanopticEntry(long Id, string Photo, string Map, IReadOnlyList<PanopticSegment> Segments);

/// <summary>Brings together what a panoptic file says and the files that are there.</summary>
internal sealed class PanopticFiles
{
    private const int Told = 6;

    private readonly Findings _photos = new(_ => BadData.Skip),
        _maps = new(_ => BadData.Skip);

    /// <param name="annotations">The JSON file's path, for messages.</param>
    /// <exception cref="UserErrorException">The file contradicts itself, or names files that aren't there, with all of that.</exception>
    public PanopticFiles(string annotations, PanopticAnnotations read, FileStore photos, FileStore maps)
    {
        var photo = PresentImages.Of(photos, read.Photos, _photos, ownFolder: true).ToLookup(image => image.Id!.Value, image => image.File);
        var map = PresentImages.Of(maps, read.Maps, _maps, ownFolder: false).ToDictionary(image => image.Id!.Value, image => image.File);
        Require(annotations, [.. Some(read.Faults, read.Faults.Count), .. Missing(_photos), .. Missing(_maps)]);
        Entries =
        [
            .. read
                .Photos.Select(image => image.Id!.Value)
                .Select(id => new PanopticEntry(id, photo[id].First(), map[id], read.Segments[id])),
        ];
    }

    /// <summary>In the file's order.</summary>
    public IReadOnlyList<PanopticEntry> Entries { get; }

    /// <summary>Photographs that no annotation names, and those that can't be read.</summary>
    public IReadOnlyList<LeftOut> LeftOut => _photos.LeftOut;

    /// <summary>What is left out, and files whose names differ from the annotations'.</summary>
    public IReadOnlyList<string> Notes => [.. _photos.Report(), .. _maps.Report()];

    private static IEnumerable<string> Missing(Findings findings) =>
        findings.LeftOut.Where(entry => entry.Kind == LeftOutKind.Image).SelectMany(entry => Some(entry.First, entry.Count));

    private static IEnumerable<string> Some(IReadOnlyList<string> first, long count) =>
        count <= Told
            ? first
            : first.Take(Told).Append(string.Create(CultureInfo.InvariantCulture, $"… and {count - Told:N0} more of that kind."));

    private static void Require(string what, string[] faults)
    {
        if (faults.Length > 0)
            throw new UserErrorException(faults is [var one] ? $"{what}: {one}" : string.Join("\n  ", faults.Prepend($"{what}:")));
    }
}
