using System.Runtime.InteropServices;
using SkiaSharp;
using Tessera.Framework.Data;

namespace Tessera.Framework.Visualization;

/// <summary>Skia's pixels (red, green, blue and an unused byte) and ours.</summary>
internal static class Bitmaps
{
    private const int LargestSide = 32767; // Skia rasters areas in fixed point, up to here
    private const long MostPixels = 1L << 28; // 1 GiB

    /// <summary>Length in pixels, for a length in pixels and parts of one.</summary>
    /// <exception cref="UserErrorException">Too long, or not positive.</exception>
    internal static int Side(double length)
    {
        var side = Math.Ceiling(length - 1e-9);
        return side is > 0 and <= LargestSide
            ? (int)side
            : throw new UserErrorException($"A picture has 1 to {LargestSide} pixels along a side; this one would have {length:0}.");
    }

    /// <summary>Pixels whose colours are not set yet.</summary>
    /// <exception cref="UserErrorException">Too many, or there is no memory for them.</exception>
    internal static SKBitmap New(int width, int height)
    {
        if ((long)width * height > MostPixels)
            throw new UserErrorException($"A picture has {MostPixels:#,0} pixels at most; this one would have {width:#,0} x {height:#,0}.");
        var bitmap = new SKBitmap();
        if (bitmap.TryAllocPixels(new SKImageInfo(width, height, SKColorType.Rgb888x, SKAlphaType.Opaque)))
            return bitmap;
        bitmap.Dispose();
        throw new UserErrorException($"There is no memory for a picture of {width:#,0} x {height:#,0} pixels.");
    }

    internal static SKBitmap Of(Image image)
    {
        var bitmap = New(Side(image.Width), Side(image.Height));
        var from = Photograph.Of(image).Bytes.AsSpan();
        var to = MemoryMarshal.Cast<byte, uint>(bitmap.GetPixelSpan()); // rows have no padding
        for (var i = 0; i < to.Length; i++)
            to[i] = 0xFF000000 | (uint)from[3 * i + 2] << 16 | (uint)from[3 * i + 1] << 8 | from[3 * i];
        return bitmap;
    }

    internal static Image ToImage(SKBitmap bitmap)
    {
        var image = new Image(bitmap.Height, bitmap.Width, 3);
        var from = MemoryMarshal.Cast<byte, uint>(bitmap.GetPixelSpan());
        var to = image.Bytes.AsSpan();
        for (var i = 0; i < from.Length; i++)
            (to[3 * i], to[3 * i + 1], to[3 * i + 2]) = ((byte)from[i], (byte)(from[i] >> 8), (byte)(from[i] >> 16));
        return image;
    }

    internal static byte[] EncodePng(SKBitmap bitmap)
    {
        using var pixels = bitmap.PeekPixels();
        using var file = pixels.Encode(new SKPngEncoderOptions(SKPngEncoderFilterFlags.AllFilters, 6));
        return file?.ToArray() ?? throw new InvalidOperationException("The PNG can't be written.");
    }
}
