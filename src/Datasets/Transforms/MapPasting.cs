using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>Takes pixels of another sample where a mask says so.</summary>
internal static class MapPasting
{
    /// <param name="covered">As large as <paramref name="image"/>; 0 keeps it.</param>
    /// <returns>A new image.</returns>
    public static Image Over(Image image, Image other, Image covered)
    {
        var result = image.Clone();
        var size = image.PixelSize();
        for (var y = 0; y < Math.Min(image.Height, other.Height); y++)
        {
            var mask = covered.Bytes.AsSpan(y * image.Width, Math.Min(image.Width, other.Width));
            for (var x = 0; x < mask.Length; x++)
                if (mask[x] != 0)
                    other.Bytes.AsSpan(((y * other.Width) + x) * size, size).CopyTo(result.Bytes.AsSpan(((y * image.Width) + x) * size));
        }
        return result;
    }

    /// <summary>The same with all maps of a sample.</summary>
    /// <exception cref="UserErrorException">The other sample lacks a map, or has it in another form.</exception>
    public static void Maps(Sample sample, Sample other, Image covered)
    {
        var (truth, theirs) = (sample.Truth, other.Truth);
        if (truth.SegmentationMap is { } map)
            truth.SegmentationMap = Over(map, Alike(sample, map, theirs.SegmentationMap, "segmentation map"), covered);
        if (truth.Panoptic is { } panoptic)
            truth.Panoptic = Over(sample, panoptic, theirs.Panoptic, covered);
        foreach (var name in truth.ExtraMaps.Keys.ToArray())
        {
            var extra = truth.ExtraMaps[name];
            truth.ExtraMaps[name] = Over(extra, Alike(sample, extra, theirs.ExtraMaps.GetValueOrDefault(name), $"map \"{name}\""), covered);
        }
    }

    private static PanopticMap Over(Sample sample, PanopticMap panoptic, PanopticMap? other, Image covered)
    {
        var segments = (Alike(sample, panoptic.Map, other?.Map, "panoptic map")).Clone();
        if (panoptic.Segments.Count + other!.Segments.Count > PanopticMap.Void)
            throw new UserErrorException($"{sample.Name} and what is pasted have more than {PanopticMap.Void} segments.");
        foreach (ref var value in segments.Pixels<ushort>())
            if (value != PanopticMap.Void)
                value += (ushort)panoptic.Segments.Count;
        return new PanopticMap(Over(panoptic.Map, segments, covered), [.. panoptic.Segments, .. other.Segments]);
    }

    private static Image Alike(Sample sample, Image map, Image? other, string what) =>
        other is not null && other.Type == map.Type && other.Channels == map.Channels
            ? other
            : throw new UserErrorException(
                $"{sample.Name} has a {what} and the image whose objects are pasted has none of its kind. Load it in the step's "
                    + "\"load\", too."
            );
}
