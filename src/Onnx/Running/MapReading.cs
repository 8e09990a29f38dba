using System.Numerics;
using Tessera.Framework.Data;

namespace Tessera.Onnx.Running;

/// <summary>Classes of the original image's pixels from a network's map.</summary>
internal static class MapReading
{
    /// <summary>The class with the largest logit at every pixel, the logits taken between the map's pixels (bilinear).</summary>
    /// <param name="logits">[classes, rows, columns].</param>
    /// <param name="size">Of the network's input, which the map covers.</param>
    /// <param name="alignCorners">Corner pixels lie on corner pixels, instead of edges on edges.</param>
    public static Image Classes(
        ReadOnlySpan<float> logits,
        (int Classes, int Rows, int Columns) shape,
        (int Height, int Width) size,
        Geometry geometry,
        bool alignCorners
    )
    {
        var (classes, rows, columns) = shape;
        var plane = rows * columns;
        var map = Empty(geometry, classes);
        for (var y = 0; y < map.Height; y++)
        for (var x = 0; x < map.Width; x++)
        {
            var at = Vector2.Transform(new Vector2(x + 0.5f, y + 0.5f), geometry.Transform);
            var (left, right, across) = Between(at.X, size.Width, columns, alignCorners);
            var (top, bottom, down) = Between(at.Y, size.Height, rows, alignCorners);
            var (best, most) = (0, float.NegativeInfinity);
            for (var c = 0; c < classes; c++)
            {
                var of = logits.Slice(c * plane, plane);
                var above = (of[(top * columns) + left] * (1 - across)) + (of[(top * columns) + right] * across);
                var below = (of[(bottom * columns) + left] * (1 - across)) + (of[(bottom * columns) + right] * across);
                var value = (above * (1 - down)) + (below * down);
                if (value > most)
                    (best, most) = (c, value);
            }
            Set(map, (y * map.Width) + x, best);
        }
        return map;
    }

    /// <summary>The class of the nearest pixel.</summary>
    /// <param name="found">[height, width], of the network's input.</param>
    public static Image Nearest(ReadOnlySpan<int> found, (int Height, int Width) size, Geometry geometry, int classes)
    {
        var map = Empty(geometry, classes);
        for (var y = 0; y < map.Height; y++)
        for (var x = 0; x < map.Width; x++)
        {
            var at = Vector2.Transform(new Vector2(x + 0.5f, y + 0.5f), geometry.Transform);
            var (row, column) = (Math.Clamp((int)at.Y, 0, size.Height - 1), Math.Clamp((int)at.X, 0, size.Width - 1));
            Set(map, (y * map.Width) + x, found[(row * size.Width) + column]);
        }
        return map;
    }

    private static (int First, int Second, float Share) Between(float place, int length, int cells, bool alignCorners)
    {
        var at = alignCorners ? (place - 0.5) * (cells - 1) / Math.Max(length - 1, 1) : (place * cells / length) - 0.5;
        at = Math.Clamp(at, 0, cells - 1);
        var first = (int)at;
        return (first, Math.Min(first + 1, cells - 1), (float)(at - first));
    }

    private static Image Empty(Geometry geometry, int classes) =>
        new(geometry.OriginalHeight, geometry.OriginalWidth, 1, classes > 255 ? PixelType.UInt16 : PixelType.UInt8);

    private static void Set(Image map, int place, int value)
    {
        if (map.Type == PixelType.UInt8)
            map.Bytes[place] = (byte)value;
        else
            map.Pixels<ushort>()[place] = (ushort)value;
    }
}
