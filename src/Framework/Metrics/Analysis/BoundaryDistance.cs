using System.Numerics;
using Tessera.Framework.Data;

namespace Tessera.Framework.Metrics.Analysis;

/// <summary>How far each pixel of a label map is from another class.</summary>
internal static class BoundaryDistance
{
    /// <summary>Not a class: neither of a pixel's own nor another.</summary>
    private const ushort None = ushort.MaxValue;

    /// <summary>Distances in rows or columns, whichever are more (Chebyshev's), to the nearest pixel of another class. Ignored pixels are
    /// no class: a border of them between two objects does not hide that these meet.</summary>
    /// <param name="labels">[height * width]; null: ignored.</param>
    /// <param name="most">Greater distances, and those of ignored pixels, are told as most + 1.</param>
    public static int[] Of(ReadOnlySpan<int?> labels, int height, int width, int most)
    {
        var stride = width + 2; // a frame of pixels without a class
        var (own, low, high) = (new ushort[(height + 2) * stride], new ushort[(height + 2) * stride], new ushort[(height + 2) * stride]);
        Array.Fill(own, None);
        for (var y = 0; y < height; y++)
        for (var x = 0; x < width; x++)
            if (labels[(y * width) + x] is { } label)
                own[((y + 1) * stride) + x + 1] = (ushort)(label + 1);
        for (var i = 0; i < own.Length; i++)
            (low[i], high[i]) = (own[i], own[i] == None ? (ushort)0 : own[i]);
        var distances = new int[height * width];
        Array.Fill(distances, most + 1);
        var (other, room) = (new ushort[own.Length], new ushort[own.Length]);
        for (var distance = 1; distance <= most; distance++)
        {
            (low, other) = (Spread(low, other, room, height, stride, Vector.Min), low);
            (high, other) = (Spread(high, other, room, height, stride, Vector.Max), high);
            for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                var at = ((y + 1) * stride) + x + 1;
                if (distances[(y * width) + x] > most && own[at] != None && (low[at] != own[at] || high[at] != own[at]))
                    distances[(y * width) + x] = distance;
            }
        }
        return distances;
    }

    /// <summary>The least, or the greatest, of a pixel and its eight neighbours. The frame stays as it is.</summary>
    private static ushort[] Spread(
        ushort[] from,
        ushort[] to,
        ushort[] room,
        int height,
        int stride,
        Func<Vector<ushort>, Vector<ushort>, Vector<ushort>> of
    )
    {
        Array.Copy(from, to, from.Length);
        Array.Copy(from, room, from.Length);
        Neighbours(from, room, 1, stride, from.Length - stride, of);
        Neighbours(room, to, stride, stride, from.Length - stride, of);
        for (var y = 0; y < height + 2; y++)
            (to[y * stride], to[((y + 1) * stride) - 1]) = (from[y * stride], from[((y + 1) * stride) - 1]);
        return to;
    }

    private static void Neighbours(
        ushort[] from,
        ushort[] to,
        int step,
        int start,
        int end,
        Func<Vector<ushort>, Vector<ushort>, Vector<ushort>> of
    )
    {
        var i = start;
        for (; i <= end - Vector<ushort>.Count; i += Vector<ushort>.Count)
            of(of(new Vector<ushort>(from, i - step), new Vector<ushort>(from, i)), new Vector<ushort>(from, i + step)).CopyTo(to, i);
        for (; i < end; i++)
            to[i] = of(of(new Vector<ushort>(from[i - step]), new Vector<ushort>(from[i])), new Vector<ushort>(from[i + step]))[0];
    }

    /// <summary>A map's classes; null where the truth says nothing.</summary>
    public static int?[] Labels(Image map, int classes)
    {
        var labels = new int?[map.Height * map.Width];
        for (var i = 0; i < labels.Length; i++)
        {
            var value = map.Type == PixelType.UInt8 ? map.Bytes[i] : map.Pixels<ushort>()[i];
            labels[i] = value < classes ? value : null;
        }
        return labels;
    }
}
