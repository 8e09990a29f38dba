using System.Buffers.Binary;
using Tessera.Datasets.Images.Native;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>WebP by libwebp, still pictures.</summary>
internal static unsafe class WebPCodec
{
    private const int StatusNotEnoughData = 7;

    public static ImageHeader ReadHeader(ReadOnlySpan<byte> data, string name)
    {
        fixed (byte* bytes = data)
        {
            var status = WebPNative.WebPGetFeaturesInternal(bytes, (nuint)data.Length, out var features, WebPNative.DecoderAbiVersion);
            if (status == StatusNotEnoughData)
                throw ImageErrors.Truncated(name, "WebP");
            if (status != 0 || features.Width <= 0 || features.Height <= 0)
                throw ImageErrors.Damaged(name, "WebP", $"status {status}");
            if (features.HasAnimation != 0)
                throw ImageErrors.Unsupported(name, "an animated WebP", "A still picture was expected.");
            return new ImageHeader(features.Height, features.Width, features.HasAlpha != 0 ? 4 : 3, Orientation(data));
        }
    }

    public static Image Decode(ReadOnlySpan<byte> data, string name, ImageHeader header, ColorType colorType)
    {
        if (colorType == ColorType.Index)
            throw ImageErrors.Unsupported(name, "a label map stored as WebP", "One channel was expected, as in PNG or BMP.");
        var channels = colorType == ColorType.Unchanged ? header.Channels : 3;
        var pixels = GC.AllocateUninitializedArray<byte>(header.Height * header.Width * channels);
        fixed (byte* bytes = data, target = pixels)
        {
            var stride = header.Width * channels;
            var done = channels == 4
                ? WebPNative.WebPDecodeRGBAInto(bytes, (nuint)data.Length, target, (nuint)pixels.Length, stride)
                : WebPNative.WebPDecodeRGBInto(bytes, (nuint)data.Length, target, (nuint)pixels.Length, stride);
            if (done == null)
                throw RiffLength(data) > data.Length ? ImageErrors.Truncated(name, "WebP") : ImageErrors.Damaged(name, "WebP", "its data can't be decoded");
        }
        return new Image(header.Height, header.Width, channels, PixelType.UInt8, pixels);
    }

    private static long RiffLength(ReadOnlySpan<byte> data) => 8L + BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);

    private static int Orientation(ReadOnlySpan<byte> data)
    {
        // RIFF: "RIFF", length, "WEBP", then chunks of name, length and content padded to an even length.
        for (var at = 12L; at + 8 <= data.Length;)
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
