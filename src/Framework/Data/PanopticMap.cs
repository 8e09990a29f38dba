namespace Tessera.Framework.Data;

/// <summary>A segment: one object of a class of things, or all of a class of stuff in an image.</summary>
/// <param name="Label">Index into the class names.</param>
/// <param name="Crowd">Many objects that were not told apart: neither asked for nor a mistake.</param>
public sealed record PanopticSegment(int Label, bool Crowd = false)
{
    /// <summary>In the annotation's file; null where there is none.</summary>
    public long? Id { get; init; }

    /// <summary>How sure the model is of its class, in [0, 1]; null in a truth.</summary>
    public float? Score { get; init; }
}

/// <summary>Which segment every pixel of an image belongs to: one or none.</summary>
/// <remarks>Kirillov et al., "Panoptic Segmentation", CVPR 2019, arXiv:1801.00868.</remarks>
public sealed class PanopticMap
{
    /// <summary>The value of pixels that belong to no segment.</summary>
    public const ushort Void = ushort.MaxValue;

    /// <param name="map">H x W x 1, <see cref="PixelType.UInt16"/>: places in <paramref name="segments"/>, or <see cref="Void"/>.</param>
    /// <param name="segments">At most 65,535; one of which nothing is left may be among them.</param>
    /// <exception cref="ArgumentException">The map has another form, or a value that stands for no segment.</exception>
    public PanopticMap(Image map, IReadOnlyList<PanopticSegment> segments)
    {
        if (map.Channels != 1 || map.Type != PixelType.UInt16)
            throw new ArgumentException($"A panoptic map is H x W x 1 of UInt16, not {map.Channels} channels of {map.Type}.", nameof(map));
        if (segments.Count > Void)
            throw new ArgumentException($"{segments.Count} segments; a map holds at most {Void}.", nameof(segments));
        foreach (var value in map.Pixels<ushort>())
            if (value != Void && value >= segments.Count)
                throw new ArgumentException($"The map has the value {value}, but there are {segments.Count} segments.", nameof(map));
        (Map, Segments) = (map, segments);
    }

    /// <summary>H x W x 1, <see cref="PixelType.UInt16"/>: places in <see cref="Segments"/>, or <see cref="Void"/>.</summary>
    public Image Map { get; }

    public IReadOnlyList<PanopticSegment> Segments { get; }

    public int Height => Map.Height;

    public int Width => Map.Width;

    /// <summary>[Segments.Count], the pixels of each.</summary>
    public long[] Areas()
    {
        var areas = new long[Segments.Count];
        foreach (var value in Map.Pixels<ushort>())
            if (value != Void)
                areas[value]++;
        return areas;
    }

    /// <summary>The class of every pixel: H x W x 1, UInt8 (255: none), or UInt16 (65535: none) above 255 classes.</summary>
    /// <param name="classes">How many there are.</param>
    public Image Classes(int classes)
    {
        var wide = classes > byte.MaxValue;
        var result = new Image(Height, Width, 1, wide ? PixelType.UInt16 : PixelType.UInt8);
        var values = Map.Pixels<ushort>();
        for (var i = 0; i < values.Length; i++)
        {
            var label = values[i] == Void ? ushort.MaxValue : Segments[values[i]].Label;
            if (wide)
                result.Pixels<ushort>()[i] = (ushort)label;
            else
                result.Bytes[i] = (byte)Math.Min(label, byte.MaxValue);
        }
        return result;
    }

    /// <summary>The smallest upright box around each segment: x, y, width and height in pixels, corners at whole numbers; all 0 where
    /// nothing is left of it.</summary>
    public (int X, int Y, int Width, int Height)[] Boxes()
    {
        var boxes = new (int X, int Y, int Width, int Height)[Segments.Count];
        var values = Map.Pixels<ushort>();
        for (var (y, i) = (0, 0); y < Height; y++)
        for (var x = 0; x < Width; x++, i++)
        {
            if (values[i] == Void)
                continue;
            ref var box = ref boxes[values[i]];
            if (box.Width == 0)
            {
                box = (x, y, 1, 1);
                continue;
            }
            var left = Math.Min(box.X, x);
            box = (left, box.Y, Math.Max(box.X + box.Width, x + 1) - left, y - box.Y + 1);
        }
        return boxes;
    }

    /// <summary>The same segments on another map, to which the image was moved.</summary>
    public PanopticMap On(Image map) => new(map, Segments);
}
