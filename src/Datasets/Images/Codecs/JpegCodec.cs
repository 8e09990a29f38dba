using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Tessera.Datasets.Images.Native;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>JPEG by libjpeg-turbo.</summary>
internal static unsafe class JpegCodec
{
    public static ImageHeader ReadHeader(ReadOnlySpan<byte> data, string name)
    {
        var orientation = 1;
        for (var at = 2; at + 4 <= data.Length;)
        {
            if (data[at] != 0xFF)
                throw ImageErrors.Damaged(name, "JPEG", $"no marker at byte {at}");
            var marker = data[at + 1];
            if (marker is 0xFF or 0x01 or (>= 0xD0 and <= 0xD8))
            {
                at += marker == 0xFF ? 1 : 2; // fill bytes and markers without content
                continue;
            }
            var length = BinaryPrimitives.ReadUInt16BigEndian(data[(at + 2)..]);
            if (length < 2)
                throw ImageErrors.Damaged(name, "JPEG", $"marker of length {length} at byte {at}");
            if (at + 2 + length > data.Length)
                throw ImageErrors.Truncated(name, "JPEG");
            var content = data.Slice(at + 4, length - 2);
            if (marker == 0xE1 && content.StartsWith("Exif\0\0"u8))
                orientation = ExifOrientation.Read(content[6..]);
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
                return FrameHeader(content, marker, orientation, name);
            if (marker is 0xD9 or 0xDA)
                break;
            at += 2 + length;
        }
        throw ImageErrors.Truncated(name, "JPEG", "no picture in it");
    }

    private static ImageHeader FrameHeader(ReadOnlySpan<byte> frame, byte marker, int orientation, string name)
    {
        if (frame.Length < 6)
            throw ImageErrors.Damaged(name, "JPEG", "frame header too short");
        var (precision, height, width, components) = (frame[0],
            BinaryPrimitives.ReadUInt16BigEndian(frame[1..]), BinaryPrimitives.ReadUInt16BigEndian(frame[3..]), frame[5]);
        if (height == 0 || width == 0)
            throw ImageErrors.Damaged(name, "JPEG", $"{width} x {height} pixels");
        if (precision != 8 || marker is not (0xC0 or 0xC1 or 0xC2 or 0xC9 or 0xCA))
            throw ImageErrors.Unsupported(name, $"a JPEG of {precision} bits, coding {marker:X2}", "Only 8-bit baseline, extended and progressive ones are read; convert it.");
        return components switch
        {
            1 or 3 => new ImageHeader(height, width, components, orientation),
            4 => throw ImageErrors.Unsupported(name, "the JPEG is CMYK", "Gray and RGB were expected; convert it to RGB with its colour profile."),
            _ => throw ImageErrors.Unsupported(name, $"a JPEG of {components} components", "1 or 3 were expected."),
        };
    }

    /// <returns>Pixels of 8 bits at 1 / <paramref name="denominator"/> of the size, rounded up; not yet oriented.</returns>
    public static Image Decode(ReadOnlySpan<byte> data, string name, ImageHeader header, ColorType colorType, int denominator)
    {
        if (colorType == ColorType.Index)
            throw ImageErrors.Unsupported(name, "a label map stored as JPEG", "JPEG changes the values; PNG or BMP was expected.");
        var gray = colorType == ColorType.Grayscale || (colorType == ColorType.Unchanged && header.Channels == 1);
        // A decompressor keeps tables from one picture to the next, so that a damaged one would spoil its successors. A
        // fresh one costs a few microseconds.
        var handle = TurboJpegNative.tjInitDecompress();
        if (handle == 0)
            throw new OutOfMemoryException("libjpeg-turbo could not be started.");
        try
        {
            fixed (byte* bytes = data)
                return Decode(handle, bytes, data, name, header, gray, denominator);
        }
        finally
        {
            _ = TurboJpegNative.tjDestroy(handle);
        }
    }

    private static Image Decode(nint handle, byte* bytes, ReadOnlySpan<byte> data, string name, ImageHeader header, bool gray, int denominator)
    {
        if (TurboJpegNative.tjDecompressHeader3(handle, bytes, (nuint)data.Length, out var realWidth, out var realHeight, out _, out var colorspace) < 0)
            Judge(handle, data, name);
        // Two frame headers that disagree would make the decoder write past the buffer's end.
        if (realWidth != header.Width || realHeight != header.Height || colorspace >= TurboJpegNative.ColorspaceCmyk)
            throw ImageErrors.Damaged(name, "JPEG", "two headers that disagree");
        var (height, width) = ((header.Height + denominator - 1) / denominator, (header.Width + denominator - 1) / denominator);
        var image = PixelLayout.Create(height, width, gray ? 1 : 3, PixelType.UInt8);
        fixed (byte* target = image.Bytes)
        {
            if (TurboJpegNative.tjDecompress2(handle, bytes, (nuint)data.Length, target, width, 0, height,
                gray ? TurboJpegNative.PixelGray : TurboJpegNative.PixelRgb, TurboJpegNative.FlagLimitScans) < 0)
                Judge(handle, data, name);
        }
        return image;
    }

    /// <summary>Lets pass what leaves a whole picture (stray bytes between segments), as Pillow does. A file without an end marker is truncated.</summary>
    private static void Judge(nint handle, ReadOnlySpan<byte> data, string name)
    {
        var message = LastError(handle);
        if (message.Contains("remature end", StringComparison.Ordinal) || data.LastIndexOf((ReadOnlySpan<byte>)[0xFF, 0xD9]) < data.Length / 2)
            throw ImageErrors.Truncated(name, "JPEG", message);
        if (TurboJpegNative.tjGetErrorCode(handle) != TurboJpegNative.ErrorWarning)
            throw ImageErrors.Damaged(name, "JPEG", message);
    }

    private static string LastError(nint handle) =>
        Marshal.PtrToStringUTF8(TurboJpegNative.tjGetErrorStr2(handle)) ?? "unknown error";

    /// <param name="image">8-bit, 1 or 3 channels.</param>
    /// <param name="quality">1 to 100; from 90 on colours keep their full resolution.</param>
    public static byte[] Encode(Image image, int quality)
    {
        var handle = TurboJpegNative.tjInitCompress();
        byte* jpeg = null;
        nuint size = 0;
        try
        {
            fixed (byte* pixels = image.Bytes)
            {
                var (format, subsampling) = image.Channels == 1
                    ? (TurboJpegNative.PixelGray, TurboJpegNative.SubsamplingGray)
                    : (TurboJpegNative.PixelRgb, quality >= 90 ? TurboJpegNative.Subsampling444 : TurboJpegNative.Subsampling420);
                if (TurboJpegNative.tjCompress2(handle, pixels, image.Width, 0, image.Height, format, ref jpeg, ref size, subsampling, quality, 0) < 0)
                    throw new InvalidOperationException($"JPEG encoding failed: {LastError(handle)}");
            }
            return new ReadOnlySpan<byte>(jpeg, checked((int)size)).ToArray();
        }
        finally
        {
            if (jpeg != null)
                TurboJpegNative.tjFree(jpeg);
            _ = TurboJpegNative.tjDestroy(handle);
        }
    }
}
