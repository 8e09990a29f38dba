using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>Reads the panoptic map's file, in whose colours segments have their ids.</summary>
/// <remarks>
/// Before the steps that move the image (in training), the map moves along. After them (in evaluation), it keeps the original
/// size, which is what predictions are compared in.
/// </remarks>
[Component("LoadPanoptic")]
public sealed class LoadPanoptic : Transform
{
    public override bool ReadsTruth => true;

    public override bool Loads => true;

    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (sample.PanopticFile is { } file)
        {
            var map = Map(file);
            if (sample.Geometry is { } geometry && (map.Height, map.Width) != (geometry.OriginalHeight, geometry.OriginalWidth))
                throw new UserErrorException(
                    PanopticFaults.OtherSize(
                        file.Name,
                        (map.Height, map.Width),
                        sample.Name,
                        (geometry.OriginalHeight, geometry.OriginalWidth)
                    )
                );
            sample.Truth.Panoptic = map;
        }
        if (sample.Truth.Panoptic is null)
            throw new UserErrorException($"{sample.Name}: the data set has no panoptic map.");
        return sample;
    }

    /// <summary>The file's map.</summary>
    /// <exception cref="UserErrorException">It is no image of colours, or ids in it and in the annotation are not the same.</exception>
    public static PanopticMap Map(PanopticFile file)
    {
        if (file.Segments.Count > PanopticMap.Void)
            throw new UserErrorException($"{file.Name}: {file.Segments.Count} segments; at most {PanopticMap.Void} are read.");
        var stored = ImageCodec.Decode(file.Read(), file.Name, new DecodeOptions(ColorType.Unchanged));
        if (stored.Channels < 3)
            throw new UserErrorException(PanopticFaults.Gray(file.Name));
        var colors = ChannelConversion.Convert(stored, ColorType.Color);
        var places = new Dictionary<int, ushort>(file.Segments.Count);
        foreach (var (place, segment) in file.Segments.Index())
            places[(int)segment.Id!.Value] = (ushort)place;
        var map = new Image(colors.Height, colors.Width, 1, PixelType.UInt16);
        var bytes = colors.Bytes;
        var values = map.Pixels<ushort>();
        var seen = new bool[file.Segments.Count];
        var (last, of) = (0, PanopticMap.Void);
        for (var i = 0; i < values.Length; i++)
        {
            var id = bytes[3 * i] | (bytes[(3 * i) + 1] << 8) | (bytes[(3 * i) + 2] << 16);
            if (id != last)
                (last, of) = (id, id == 0 ? PanopticMap.Void : PlaceOf(id));
            values[i] = of;
            if (of != PanopticMap.Void)
                seen[of] = true;
        }
        if (Array.IndexOf(seen, false) is >= 0 and var absent)
            throw new UserErrorException(PanopticFaults.Absent(file.Name, [file.Segments[absent].Id!.Value]));
        return new PanopticMap(map, file.Segments);

        ushort PlaceOf(int id) =>
            places.TryGetValue(id, out var place)
                ? place
                : throw new UserErrorException(PanopticFaults.Unlisted(file.Name, [id], file.Segments.Count));
    }
}
