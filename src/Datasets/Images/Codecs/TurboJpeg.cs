using System.Buffers.Binary;
using SkiaSharp;
using Tessera.Datasets.Images.Native;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>libjpeg-turbo of the system, used only if it gives the very pixels that Skia's decoder gives.</summary>
internal static unsafe class TurboJpeg
{
    // 4:4:4, 4:2:2, 4:2:0, gray, 4:4:0 and 4:1:1: what the trial below covers. Others are left to Skia.
    private const int KnownSubsamplings = 6;

    private static readonly Lazy<string?> s_problem = new(Try);

    /// <summary>null if it can be used, otherwise why not.</summary>
    public static string? Problem => s_problem.Value;

    /// <summary>Name under which the library was found.</summary>
    public static string? LibraryName => TurboJpegNative.LibraryName;

    /// <returns>false where it didn't decode the picture, or had something to say about it.</returns>
    /// <param name="image">Receives the pixels: 8 bits, 1 or 3 channels, at 1, 1/2, 1/4 or 1/8 of the header's size.</param>
    public static bool TryDecode(ReadOnlySpan<byte> data, ImageHeader header, Image image)
    {
        if (header.Channels != image.Channels)
            return false; // CMYK
        // A decompressor keeps tables from one picture to the next, so that a damaged one would spoil its successors. A
        // fresh one costs a few microseconds.
        var handle = TurboJpegNative.InitDecompress();
        if (handle == 0)
            return false;
        try
        {
            fixed (
                byte* bytes = data,
                    target = image.Bytes
            )
            {
                // Two frame headers that disagree would make the decoder write past the buffer's end.
                return TurboJpegNative.DecompressHeader(handle, bytes, data.Length, out var width, out var height, out var subsampling) == 0
                    && (width, height) == (header.Width, header.Height)
                    && subsampling is >= 0 and < KnownSubsamplings
                    && TurboJpegNative.Decompress(handle, bytes, data.Length, target, image.Width, image.Height, image.Channels == 1) == 0;
            }
        }
        finally
        {
            TurboJpegNative.Destroy(handle);
        }
    }

    private static string? Try()
    {
        if (!TurboJpegNative.IsLoaded)
            return "libturbojpeg is not installed";
        foreach (var (file, header) in Trials())
        {
            foreach (var denominator in (int[])[1, 2, 4, 8])
            {
                var (height, width) = ((header.Height + denominator - 1) / denominator, (header.Width + denominator - 1) / denominator);
                var (ours, theirs) = (new Image(height, width, header.Channels), new Image(height, width, header.Channels));
                SkiaCodec.DecodeRows(file, "trial", "JPEG", header, ours);
                if (!TryDecode(file, header, theirs) || !ours.Bytes.AsSpan().SequenceEqual(theirs.Bytes))
                    return $"{LibraryName} gives other pixels than Skia's decoder";
            }
        }
        return null;
    }

    /// <summary>A small picture in each way of storing colours.</summary>
    private static IEnumerable<(byte[] File, ImageHeader Header)> Trials()
    {
        foreach (var channels in (int[])[1, 3])
        {
            var image = new Image(64, 96, channels);
            for (var i = 0; i < image.Bytes.Length; i++)
                image.Bytes[i] = (byte)(i * 37 / 11 ^ i / 96 * (i % channels + 5));
            var full = JpegCodec.Encode(image, 80, SKJpegEncoderDownsample.Downsample444);
            yield return (full, JpegFile.ReadHeader(full, "trial"));
            if (channels == 1)
                continue;
            // Skia writes 4:2:2 and 4:2:0. Their blocks, arranged otherwise, are a picture in 4:4:0 and 4:1:1 with as many units.
            var half = JpegCodec.Encode(image, 80, SKJpegEncoderDownsample.Downsample422);
            yield return (half, JpegFile.ReadHeader(half, "trial"));
            yield return Rearranged(half, 128, 48, 0x12);
            var quarter = JpegCodec.Encode(image, 80, SKJpegEncoderDownsample.Downsample420);
            yield return (quarter, JpegFile.ReadHeader(quarter, "trial"));
            yield return Rearranged(quarter, 32, 192, 0x41);
        }
    }

    /// <param name="sampling">Luma's blocks per unit, horizontally in the upper four bits and vertically in the lower.</param>
    private static (byte[] File, ImageHeader Header) Rearranged(byte[] file, int height, int width, byte sampling)
    {
        var result = (byte[])file.Clone();
        var frame = result.AsSpan(result.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0, 0, 17]));
        BinaryPrimitives.WriteUInt16BigEndian(frame[5..], (ushort)height);
        BinaryPrimitives.WriteUInt16BigEndian(frame[7..], (ushort)width);
        frame[11] = sampling;
        return (result, JpegFile.ReadHeader(result, "trial"));
    }
}
