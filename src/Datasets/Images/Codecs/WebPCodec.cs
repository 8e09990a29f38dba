using System.Buffers.Binary;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>WebP by Skia, still pictures.</summary>
/// <remarks>RFC 9649, "WebP Image Format", 2024.</remarks>
internal static class WebPCodec
{
    private const int ExtendedAnimation = 0x02,
        ExtendedAlpha = 0x10;

    public static ImageHeader ReadHeader(ReadOnlySpan<byte> data, string name)
    {
        if (data.Length < (data.Length >= 16 && data[12..].StartsWith("VP8L"u8) ? 25 : 30))
            throw ImageErrors.Truncated(name, "WebP");
        var content = data[20..];
        if (data[12..].StartsWith("VP8X"u8))
        {
            if ((content[0] & ExtendedAnimation) != 0)
                throw ImageErrors.Unsupported(name, "an animated WebP", "A still picture was expected.");
            return new ImageHeader(
                1 + UInt24(content[7..]),
                1 + UInt24(content[4..]),
                (content[0] & ExtendedAlpha) != 0 ? 4 : 3,
                Orientation(data)
            );
        }
        if (data[12..].StartsWith("VP8L"u8))
        {
            var bits = BinaryPrimitives.ReadUInt32LittleEndian(content[1..]);
            if (content[0] != 0x2F || bits >> 29 != 0)
                throw ImageErrors.Damaged(name, "WebP", "no lossless picture where one was announced");
            return new ImageHeader(1 + (int)((bits >> 14) & 0x3FFF), 1 + (int)(bits & 0x3FFF), (bits & 1 << 28) != 0 ? 4 : 3, 1);
        }
        if (!data[12..].StartsWith("VP8 "u8))
            throw ImageErrors.Damaged(name, "WebP", "no picture at its beginning");
        if ((content[0] & 1) != 0 || !content[3..].StartsWith((ReadOnlySpan<byte>)[0x9D, 0x01, 0x2A]))
            throw ImageErrors.Damaged(name, "WebP", "no key frame");
        // The upper two bits of each size ask for a magnification, which no decoder does.
        var (width, height) = (
            BinaryPrimitives.ReadUInt16LittleEndian(content[6..]) & 0x3FFF,
            BinaryPrimitives.ReadUInt16LittleEndian(content[8..]) & 0x3FFF
        );
        return width > 0 && height > 0
            ? new ImageHeader(height, width, 3, 1)
            : throw ImageErrors.Damaged(name, "WebP", $"{width} x {height} pixels");
    }

    public static Image Decode(ReadOnlySpan<byte> data, string name, ImageHeader header, ColorType colorType)
    {
        if (colorType == ColorType.Index)
            throw ImageErrors.Unsupported(
                name,
                "a label map stored as WebP",
                "One channel was expected, as in PNG or BMP: tools/convert-masks makes index PNGs of it."
            );
        if (8L + BinaryPrimitives.ReadUInt32LittleEndian(data[4..]) > data.Length)
            throw ImageErrors.Truncated(name, "WebP");
        var image = PixelLayout.Create(header.Height, header.Width, 4, PixelType.UInt8);
        SkiaCodec.DecodeWhole(data, name, "WebP", header, image.Bytes);
        if (colorType == ColorType.Unchanged && header.Channels == 4)
            return image;
        var colors = PixelLayout.Create(header.Height, header.Width, 3, PixelType.UInt8);
        PixelPacking.DropAlpha(image.Bytes, colors.Bytes);
        PixelBuffers.Return(image.Bytes);
        return colors;
    }

    private static int UInt24(ReadOnlySpan<byte> data) => data[0] | data[1] << 8 | data[2] << 16;

    private static int Orientation(ReadOnlySpan<byte> data)
    {
        // RIFF: "RIFF", length, "WEBP", then chunks of name, length and content padded to an even length.
        for (var at = 12L; at + 8 <= data.Length; )
        {
            var chunk = data[(int)at..];
            var length = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
            if (length > chunk.Length - 8)
                return 1;
            if (chunk.StartsWith("EXIF"u8))
            {
                var exif = chunk.Slice(8, (int)length);
                return ExifOrientation.Read(exif.StartsWith("Exif\0\0"u8) ? exif[6..] : exif);
            }
            at += 8L + length + (length & 1);
        }
        return 1;
    }
}
