using SkiaSharp;
using Tessera.Datasets.Images.Codecs;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images;

/// <summary>Reads and writes image files. The format is told by the first bytes, never by the name.</summary>
public static class ImageCodec
{
    // Four channels of 16 bits fit one array.
    private const long MostPixels = 0x7FFFFFC7 / 8;

    /// <summary>File name extensions of the formats that can be read, lower case, with the point.</summary>
    public static IReadOnlyList<string> Extensions { get; } =
    [".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".jpe", ".jfif", ".dib"];

    /// <summary>Whether a file's name ends as those of images do that can be read, in any case.</summary>
    public static bool HasExtension(string name) => Extensions.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase);

    /// <summary>The format that a file's name stands for, where it is one of images that can't be read ("GIF", "HEIC"); otherwise
    /// null.</summary>
    public static string? UnreadableFormat(string name) => OtherFormats.OfExtension(Path.GetExtension(name));

    /// <summary>
    /// What decodes JPEG files unless <see cref="DecodeOptions.JpegDecoder"/> says otherwise, in words: libjpeg-turbo and the
    /// library's name, or Skia and why.
    /// </summary>
    /// <exception cref="UserErrorException">TESSERA_JPEG_DECODER asks for what isn't there.</exception>
    public static string JpegDecoder => JpegDecoders.Description;

    /// <returns>null where the bytes begin no known format.</returns>
    public static ImageFormat? Detect(ReadOnlySpan<byte> data)
    {
        if (data.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]))
            return ImageFormat.Jpeg;
        if (data.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G']))
            return ImageFormat.Png;
        if (data.Length >= 12 && data.StartsWith("RIFF"u8) && data[8..].StartsWith("WEBP"u8))
            return ImageFormat.WebP;
        if (data.StartsWith("II*\0"u8) || data.StartsWith("MM\0*"u8))
            return ImageFormat.Tiff;
        return data.StartsWith("BM"u8) ? ImageFormat.Bmp : null;
    }

    /// <summary>Reads the header; the pixels wait.</summary>
    /// <param name="data">The whole file. It is kept until the pixels are decoded.</param>
    /// <param name="name">What messages call the file.</param>
    /// <exception cref="UserErrorException">The file is no image, or not one that can be read.</exception>
    public static EncodedImage Open(ReadOnlyMemory<byte> data, string name, DecodeOptions? options = null)
    {
        options ??= new DecodeOptions();
        if (data.IsEmpty)
            throw ImageErrors.Empty(name);
        var format =
            Detect(data.Span)
            ?? throw (
                OtherFormats.Detect(data.Span) is { } other
                    ? ImageErrors.UnreadableFormat(name, other)
                    : ImageErrors.UnknownFormat(name, data.Span)
            );
        var header = format switch
        {
            ImageFormat.Jpeg => JpegFile.ReadHeader(data.Span, name),
            ImageFormat.Png => PngCodec.ReadHeader(data.Span, name),
            ImageFormat.WebP => WebPCodec.ReadHeader(data.Span, name),
            ImageFormat.Tiff => TiffCodec.ReadHeader(data.Span, name),
            _ => BmpCodec.ReadHeader(data.Span, name),
        };
        if ((long)header.Height * header.Width > options.MaxPixels)
            throw ImageErrors.TooLarge(name, header.Width, header.Height, options.MaxPixels);
        if (format != ImageFormat.Png && (long)header.Height * header.Width > MostPixels) // PngCodec knows the bytes of a pixel
            throw ImageErrors.TooLargeForMemory(name, header.Width, header.Height, MostPixels);
        return new EncodedFile(data, name, format, header, options);
    }

    /// <summary>Whether a file's EXIF orientation exchanges its rows and columns.</summary>
    /// <exception cref="UserErrorException">The file is no image, or not one that can be read.</exception>
    public static bool IsTurned(ReadOnlyMemory<byte> data, string name) => ((EncodedFile)Open(data, name)).Turned;

    /// <summary>Decodes at full size.</summary>
    /// <exception cref="UserErrorException">The file is no image, or not one that can be read.</exception>
    public static Image Decode(ReadOnlyMemory<byte> data, string name, DecodeOptions? options = null) => Open(data, name, options).Decode();

    /// <summary>Reads and decodes a file at full size.</summary>
    public static Image Load(string path, DecodeOptions? options = null) => Decode(ReadFile(path), path, options);

    /// <exception cref="UserErrorException">The file can't be read.</exception>
    public static byte[] ReadFile(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path}: the file can't be read: {e.Message}", e);
        }
    }

    /// <summary>A PNG file.</summary>
    /// <param name="image">8 or 16 bits, 1 to 4 channels.</param>
    /// <param name="palette">Red, green, blue of each value, for an image of one 8-bit channel.</param>
    public static byte[] EncodePng(Image image, ReadOnlySpan<byte> palette = default)
    {
        if (image.Type == PixelType.Float32 || image.Channels > 4)
            throw new ArgumentException($"PNG holds 1 to 4 channels of 8 or 16 bits, not {image.Channels} of {image.Type}.", nameof(image));
        if (!palette.IsEmpty && (image.Channels != 1 || image.Type != PixelType.UInt8 || palette.Length % 3 != 0 || palette.Length > 768))
            throw new ArgumentException("A palette has up to 256 colours of 3 bytes and goes with one 8-bit channel.", nameof(palette));
        return PngCodec.Encode(image, palette);
    }

    /// <summary>A JPEG file.</summary>
    /// <param name="image">8 bits, 1 or 3 channels.</param>
    /// <param name="quality">1 to 100; from 90 on colours keep their full resolution.</param>
    public static byte[] EncodeJpeg(Image image, int quality = 90)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(quality, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quality, 100);
        if (image.Type != PixelType.UInt8 || image.Channels is not (1 or 3))
            throw new ArgumentException($"JPEG holds 1 or 3 channels of 8 bits, not {image.Channels} of {image.Type}.", nameof(image));
        return JpegCodec.Encode(
            image,
            quality,
            quality >= 90 ? SKJpegEncoderDownsample.Downsample444 : SKJpegEncoderDownsample.Downsample420
        );
    }

    private sealed class EncodedFile(ReadOnlyMemory<byte> data, string name, ImageFormat format, ImageHeader header, DecodeOptions options)
        : EncodedImage
    {
        public bool Turned => options.ApplyOrientation && header.Orientation >= 5;

        public override int Height => Turned ? header.Width : header.Height;

        public override int Width => Turned ? header.Height : header.Width;

        public override Image Decode(int denominator)
        {
            var image = format switch
            {
                ImageFormat.Jpeg => JpegCodec.Decode(data.Span, name, header, options.ColorType, denominator, options.JpegDecoder),
                ImageFormat.Png => PngCodec.Decode(data.Span, name, options.ColorType),
                ImageFormat.WebP => WebPCodec.Decode(data.Span, name, header, options.ColorType),
                ImageFormat.Tiff => TiffCodec.Decode(data, name, options.ColorType),
                _ => BmpCodec.Decode(data.Span, name, options.ColorType),
            };
            image = ChannelConversion.Convert(image, options.ColorType);
            return options.ApplyOrientation ? PixelLayout.Orient(image, header.Orientation) : image;
        }
    }
}
