using SkiaSharp;
using Tessera.Framework.Data;
using Tessera.Framework.Visualization;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>Pixels out of Skia's decoders, as they are stored: no colour profile is applied, no colour is multiplied by its alpha, nothing
/// is turned.</summary>
internal static unsafe class SkiaCodec
{
    // So many rows of RGBA stay in a core's cache until they are RGB.
    private const int StripBytes = 64 << 10;

    /// <summary>Decodes row by row, at the image's size (which may be 1/2, 1/4 or 1/8 of the header's).</summary>
    /// <param name="format">What messages call the format.</param>
    /// <param name="image">Receives the pixels: 8 bits, 1 channel (only if the file has one) or 3.</param>
    public static void DecodeRows(ReadOnlySpan<byte> data, string name, string format, ImageHeader header, Image image)
    {
        SkiaLibrary.Require();
        fixed (
            byte* bytes = data,
                target = image.Bytes
        )
        {
            using var file = SKData.Create((nint)bytes, data.Length);
            using var codec = Open(file, name, format, header);
            var gray = image.Channels == 1;
            var info = new SKImageInfo(image.Width, image.Height, gray ? SKColorType.Gray8 : SKColorType.Rgba8888, SKAlphaType.Opaque);
            Check(codec.StartScanlineDecode(info), name, format);
            if (gray)
                CheckRows(codec.GetScanlines((nint)target, image.Height, image.Width), image.Height, name, format);
            else
                DecodeColors(codec, name, format, image);
        }
    }

    private static void DecodeColors(SKCodec codec, string name, string format, Image image)
    {
        var rows = Math.Clamp(StripBytes / (image.Width * 4), 1, image.Height);
        var strip = PixelBuffers.Rent(rows * image.Width * 4);
        fixed (byte* pixels = strip)
        {
            for (var y = 0; y < image.Height; y += rows)
            {
                var count = Math.Min(rows, image.Height - y);
                CheckRows(codec.GetScanlines((nint)pixels, count, image.Width * 4), count, name, format);
                PixelPacking.DropAlpha(strip.AsSpan(0, count * image.Width * 4), image.Bytes.AsSpan(y * image.Width * 3));
            }
        }
        PixelBuffers.Return(strip);
    }

    /// <summary>Decodes the whole picture at once.</summary>
    /// <param name="rgba">Receives red, green, blue and alpha of each pixel.</param>
    public static void DecodeWhole(ReadOnlySpan<byte> data, string name, string format, ImageHeader header, Span<byte> rgba)
    {
        SkiaLibrary.Require();
        ArgumentOutOfRangeException.ThrowIfNotEqual(rgba.Length, checked(header.Height * header.Width * 4), nameof(rgba));
        fixed (
            byte* bytes = data,
                target = rgba
        )
        {
            using var file = SKData.Create((nint)bytes, data.Length);
            using var codec = Open(file, name, format, header);
            Check(
                codec.GetPixels(new SKImageInfo(header.Width, header.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul), (nint)target),
                name,
                format
            );
        }
    }

    private static SKCodec Open(SKData file, string name, string format, ImageHeader header)
    {
        var codec = SKCodec.Create(file) ?? throw ImageErrors.Damaged(name, format, "its headers can't be read");
        if ((codec.Info.Width, codec.Info.Height) == (header.Width, header.Height))
            return codec;
        codec.Dispose();
        throw ImageErrors.Damaged(name, format, "two headers that disagree");
    }

    private static void Check(SKCodecResult result, string name, string format)
    {
        if (result == SKCodecResult.IncompleteInput)
            throw ImageErrors.Truncated(name, format, "its data ends too early");
        if (result != SKCodecResult.Success)
            throw ImageErrors.Damaged(name, format, "its data can't be decoded");
    }

    private static void CheckRows(int decoded, int expected, string name, string format)
    {
        if (decoded != expected)
            throw ImageErrors.Truncated(name, format, "its data ends too early");
    }
}
