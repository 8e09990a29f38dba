using System.Runtime.InteropServices;
using Tessera.Datasets.Images.Native;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>PNG by libspng.</summary>
internal static unsafe class PngCodec
{
    private const int LargestChunk = 64 << 20;

    public static ImageHeader ReadHeader(ReadOnlySpan<byte> data, string name)
    {
        fixed (byte* bytes = data)
        {
            var context = Open(bytes, data.Length, name, out var header);
            try
            {
                var orientation = SpngNative.spng_get_exif(context, out var exif) == 0 && exif.Length <= LargestChunk
                    ? ExifOrientation.Read(new ReadOnlySpan<byte>((byte*)exif.Data, (int)exif.Length))
                    : 1;
                return new ImageHeader((int)header.Height, (int)header.Width, Channels(header), orientation);
            }
            finally
            {
                SpngNative.spng_ctx_free(context);
            }
        }
    }

    public static Image Decode(ReadOnlySpan<byte> data, string name, ColorType colorType)
    {
        fixed (byte* bytes = data)
        {
            var context = Open(bytes, data.Length, name, out var header);
            try
            {
                Check(SpngNative.spng_decoded_image_size(context, SpngNative.FormatPng, out var size), name);
                var stored = GC.AllocateUninitializedArray<byte>(checked((int)size));
                fixed (byte* target = stored)
                    Check(SpngNative.spng_decode_image(context, target, size, SpngNative.FormatPng, 0), name);
                return Unpack(context, header, stored, name, colorType);
            }
            finally
            {
                SpngNative.spng_ctx_free(context);
            }
        }
    }

    private static nint Open(byte* bytes, int length, string name, out SpngNative.Header header)
    {
        var context = SpngNative.spng_ctx_new(0);
        if (context == 0)
            throw new OutOfMemoryException("libspng could not be started.");
        try
        {
            Check(SpngNative.spng_set_chunk_limits(context, LargestChunk, 2 * LargestChunk), name);
            Check(SpngNative.spng_set_png_buffer(context, bytes, (nuint)length), name);
            Check(SpngNative.spng_get_ihdr(context, out header), name);
            return context;
        }
        catch
        {
            SpngNative.spng_ctx_free(context);
            throw;
        }
    }

    private static int Channels(SpngNative.Header header) => header.ColorType switch
    {
        SpngNative.ColorRgb => 3,
        SpngNative.ColorRgba => 4,
        SpngNative.ColorGrayAlpha => 2,
        _ => 1,
    };

    private static Image Unpack(nint context, SpngNative.Header header, byte[] stored, string name, ColorType colorType)
    {
        var (height, width) = ((int)header.Height, (int)header.Width);
        if (header.BitDepth == 16)
            return new Image(height, width, Channels(header), PixelType.UInt16, stored);
        var scale = header.ColorType == SpngNative.ColorGray && colorType != ColorType.Index ? 255 / ((1 << header.BitDepth) - 1) : 1;
        var values = header.BitDepth == 8 ? stored : BitUnpacking.ToBytes(stored, height, width, header.BitDepth, scale);
        if (header.ColorType != SpngNative.ColorIndexed || colorType == ColorType.Index)
            return new Image(height, width, Channels(header), PixelType.UInt8, values);

        Check(SpngNative.spng_get_plte(context, out var palette), name);
        ReadOnlySpan<byte> alpha = [];
        if (colorType == ColorType.Unchanged && SpngNative.spng_get_trns(context, out var transparency) == 0)
            alpha = ((ReadOnlySpan<byte>)transparency.Alpha)[..(int)Math.Min(256, transparency.Count)].ToArray();
        var channels = alpha.IsEmpty ? 3 : 4;
        var pixels = new byte[checked((long)values.Length * channels)];
        ReadOnlySpan<byte> entries = palette.Entries;
        for (var i = 0; i < values.Length; i++)
        {
            int value = values[i];
            if (value >= palette.Count)
                throw ImageErrors.Damaged(name, "PNG", $"palette index {value} of {palette.Count}");
            entries.Slice(value * 4, 3).CopyTo(pixels.AsSpan(i * channels));
            if (channels == 4)
                pixels[i * 4 + 3] = value < alpha.Length ? alpha[value] : (byte)255;
        }
        return new Image(height, width, channels, PixelType.UInt8, pixels);
    }

    /// <param name="image">8 or 16 bits, 1 to 4 channels.</param>
    /// <param name="palette">Red, green, blue of each index, for an image of one 8-bit channel; or empty.</param>
    public static byte[] Encode(Image image, ReadOnlySpan<byte> palette)
    {
        var context = SpngNative.spng_ctx_new(SpngNative.ContextEncoder);
        try
        {
            Expect(SpngNative.spng_set_option(context, SpngNative.OptionEncodeToBuffer, 1));
            Expect(SpngNative.spng_set_option(context, SpngNative.OptionCompressionLevel, 6));
            var header = new SpngNative.Header
            {
                Height = (uint)image.Height,
                Width = (uint)image.Width,
                BitDepth = image.Type == PixelType.UInt16 ? (byte)16 : (byte)8,
                ColorType = (byte)(!palette.IsEmpty ? SpngNative.ColorIndexed : image.Channels switch
                {
                    1 => SpngNative.ColorGray,
                    2 => SpngNative.ColorGrayAlpha,
                    3 => SpngNative.ColorRgb,
                    _ => SpngNative.ColorRgba,
                }),
            };
            Expect(SpngNative.spng_set_ihdr(context, header));
            if (!palette.IsEmpty)
                Expect(SpngNative.spng_set_plte(context, PaletteOf(palette)));
            fixed (byte* pixels = image.Bytes)
                Expect(SpngNative.spng_encode_image(context, pixels, (nuint)image.Bytes.Length, SpngNative.FormatPng, SpngNative.EncodeFinalize));
            var png = SpngNative.spng_get_png_buffer(context, out var size, out var error);
            Expect(error);
            var file = new ReadOnlySpan<byte>(png, checked((int)size)).ToArray();
            NativeMemory.Free(png);
            return file;
        }
        finally
        {
            SpngNative.spng_ctx_free(context);
        }
    }

    private static SpngNative.Palette PaletteOf(ReadOnlySpan<byte> colors)
    {
        var palette = new SpngNative.Palette { Count = (uint)(colors.Length / 3) };
        for (var i = 0; i < colors.Length / 3; i++)
            colors.Slice(i * 3, 3).CopyTo(((Span<byte>)palette.Entries)[(i * 4)..]);
        return palette;
    }

    private static void Check(int error, string name)
    {
        if (error == 0)
            return;
        var message = Message(error);
        throw message.Contains("end of", StringComparison.OrdinalIgnoreCase) || message.Contains("too short", StringComparison.OrdinalIgnoreCase)
            ? ImageErrors.Truncated(name, "PNG", message)
            : ImageErrors.Damaged(name, "PNG", message);
    }

    private static void Expect(int error)
    {
        if (error != 0)
            throw new InvalidOperationException($"PNG encoding failed: {Message(error)}");
    }

    private static string Message(int error) => Marshal.PtrToStringUTF8(SpngNative.spng_strerror(error)) ?? $"error {error}";
}
