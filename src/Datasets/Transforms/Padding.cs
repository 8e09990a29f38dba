using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>What is put around an image.</summary>
public enum PaddingMode
{
    /// <summary>A constant value.</summary>
    Constant,

    /// <summary>The border's pixels, repeated.</summary>
    Edge,

    /// <summary>The image mirrored, the border's pixels not repeated.</summary>
    Reflect,
}

/// <summary>Puts pixels around images of any channel count and type.</summary>
internal static class Padding
{
    public static Image Pad(
        Image image,
        int left,
        int top,
        int right,
        int bottom,
        IReadOnlyList<double> fill,
        PaddingMode mode = PaddingMode.Constant
    )
    {
        if (left == 0 && top == 0 && right == 0 && bottom == 0)
            return image;
        var result = PixelLayout.Like(image, image.Height + top + bottom, image.Width + left + right);
        var size = image.PixelSize();
        var pixel = Pixel(image, fill);
        for (var y = 0; y < result.Height; y++)
        {
            var row = result.Bytes.AsSpan(y * result.Width * size, result.Width * size);
            var from = Source(y - top, image.Height, mode);
            if (from < 0)
            {
                FillRow(row, pixel);
                continue;
            }
            var source = image.Bytes.AsSpan(from * image.Width * size, image.Width * size);
            source.CopyTo(row[(left * size)..]);
            for (var x = 0; x < left; x++)
                Place(row, x, source, Source(x - left, image.Width, mode), pixel);
            for (var x = left + image.Width; x < result.Width; x++)
                Place(row, x, source, Source(x - left, image.Width, mode), pixel);
        }
        return result;
    }

    /// <summary>One pixel of the given values (one, or one per channel), as bytes.</summary>
    public static byte[] Pixel(Image image, IReadOnlyList<double> values)
    {
        var one = new Image(1, 1, image.Channels, image.Type);
        for (var c = 0; c < image.Channels; c++)
        {
            var value = values[values.Count == 1 ? 0 : c];
            switch (image.Type)
            {
                case PixelType.UInt8:
                    one.Pixels<byte>()[c] = (byte)Math.Clamp(Math.Round(value), 0, byte.MaxValue);
                    break;
                case PixelType.UInt16:
                    one.Pixels<ushort>()[c] = (ushort)Math.Clamp(Math.Round(value), 0, ushort.MaxValue);
                    break;
                default:
                    one.Pixels<float>()[c] = (float)value;
                    break;
            }
        }
        return one.Bytes;
    }

    public static void FillRow(Span<byte> row, ReadOnlySpan<byte> pixel)
    {
        if (!pixel.ContainsAnyExcept(pixel[0]))
        {
            row.Fill(pixel[0]);
            return;
        }
        for (var at = 0; at < row.Length; at += pixel.Length)
            pixel.CopyTo(row[at..]);
    }

    private static void Place(Span<byte> row, int x, ReadOnlySpan<byte> source, int from, ReadOnlySpan<byte> pixel) =>
        (from < 0 ? pixel : source.Slice(from * pixel.Length, pixel.Length)).CopyTo(row[(x * pixel.Length)..]);

    /// <summary>The source position, or -1 for the fill value.</summary>
    private static int Source(int at, int length, PaddingMode mode)
    {
        if (at >= 0 && at < length)
            return at;
        switch (mode)
        {
            case PaddingMode.Edge:
                return Math.Clamp(at, 0, length - 1);
            case PaddingMode.Reflect when length > 1:
                var period = 2 * (length - 1);
                at = ((at % period) + period) % period;
                return at < length ? at : period - at;
            case PaddingMode.Reflect:
                return 0;
            default:
                return -1;
        }
    }
}
