using System.Buffers;
using SkiaSharp;
using Tessera.Framework.Data;
using Tessera.Framework.Visualization;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>JPEG by Skia; by libjpeg-turbo where the system has it, which gives the same pixels in about half the time.</summary>
internal static unsafe class JpegCodec
{
    // What a Huffman decoder of 64 bits reads ahead.
    private const int ReadAhead = 8;

    /// <returns>
    /// 8-bit RGB (also of CMYK and YCCK) or, where the file has one component, gray; at 1 / <paramref name="denominator"/> of
    /// the size, rounded up; not yet oriented.
    /// </returns>
    public static Image Decode(
        ReadOnlySpan<byte> data,
        string name,
        ImageHeader header,
        ColorType colorType,
        int denominator,
        JpegDecoder decoder
    )
    {
        if (colorType == ColorType.Index)
            throw ImageErrors.Unsupported(
                name,
                "a label map stored as JPEG",
                "JPEG changes the values; PNG or BMP was expected: tools/convert-masks with --tolerance (or --legend and --tolerance) "
                    + "makes index PNGs of it."
            );
        var accelerated = JpegDecoders.UsesTurboJpeg(decoder);
        var file = JpegFile.Read(data, name);
        var (height, width) = ((header.Height + denominator - 1) / denominator, (header.Width + denominator - 1) / denominator);
        var image = PixelLayout.Create(height, width, header.Channels == 1 ? 1 : 3, PixelType.UInt8);
        // What libjpeg-turbo complains of is left to Skia to judge, so that which files are damaged doesn't depend on the
        // libraries that are installed.
        if (!accelerated || !TurboJpeg.TryDecode(data[..Math.Min(data.Length, file.End + 2)], header, image))
            DecodeBySkia(data, file, name, header, image);
        return image;
    }

    private static void DecodeBySkia(ReadOnlySpan<byte> data, JpegFile file, string name, ImageHeader header, Image image)
    {
        if (!file.OneHuffmanScan)
        {
            SkiaCodec.DecodeRows(data, name, "JPEG", header, image);
            return;
        }
        // Where the data of a picture ends too early, libjpeg fills the rest with gray when it meets the end marker; when
        // it meets the end of the data instead, it stops, and the picture is known to be incomplete.
        var endless = ArrayPool<byte>.Shared.Rent(file.End + ReadAhead);
        try
        {
            data[..file.End].CopyTo(endless);
            endless.AsSpan(file.End, ReadAhead).Clear();
            SkiaCodec.DecodeRows(endless.AsSpan(0, file.End + ReadAhead), name, "JPEG", header, image);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(endless);
        }
    }

    /// <param name="image">8-bit, 1 or 3 channels.</param>
    /// <param name="quality">1 to 100.</param>
    /// <param name="downsample">Resolution of the colours.</param>
    public static byte[] Encode(Image image, int quality, SKJpegEncoderDownsample downsample)
    {
        SkiaLibrary.Require();
        var gray = image.Channels == 1;
        var info = new SKImageInfo(image.Width, image.Height, gray ? SKColorType.Gray8 : SKColorType.Rgba8888, SKAlphaType.Opaque);
        var pixels = gray ? image.Bytes : PixelLayout.Create(image.Height, image.Width, 4, PixelType.UInt8).Bytes;
        if (!gray)
            PixelPacking.AddAlpha(image.Bytes, pixels);
        try
        {
            fixed (byte* source = pixels)
            {
                using var map = new SKPixmap(info, (nint)source, info.RowBytes);
                using var file =
                    map.Encode(new SKJpegEncoderOptions(quality, downsample, SKJpegEncoderAlphaOption.Ignore))
                    ?? throw new InvalidOperationException(
                        $"JPEG encoding failed for {image.Width} x {image.Height} pixels; each side may have 65,500."
                    );
                return file.ToArray();
            }
        }
        finally
        {
            if (!gray)
                PixelBuffers.Return(pixels);
        }
    }
}
