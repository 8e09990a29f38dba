using System.Buffers.Binary;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>The markers of a JPEG file, read without decoding anything.</summary>
/// <param name="End">Where the end marker (EOI) begins; the fill bytes before it are left out.</param>
/// <param name="OneHuffmanScan">A sequential, Huffman-coded picture in a single scan, as cameras write it.</param>
/// <remarks>ITU-T T.81, "Digital compression and coding of continuous-tone still images", 1992, annex B.</remarks>
internal readonly record struct JpegFile(int End, bool OneHuffmanScan)
{
    /// <summary>
    /// Each scan of a progressive picture is a pass over all of it, so that a small file could keep a decoder busy for
    /// hours. Encoders write some ten; Skia refuses more than 99.
    /// </summary>
    public const int MostScans = 99;

    private const byte StartOfScan = 0xDA;
    private const byte EndOfImage = 0xD9;
    private const byte Application1 = 0xE1;

    /// <summary>Reads as far as the frame header.</summary>
    public static ImageHeader ReadHeader(ReadOnlySpan<byte> data, string name)
    {
        var orientation = 1;
        for (var at = 2; at + 4 <= data.Length; )
        {
            if (data[at] != 0xFF)
                throw ImageErrors.Damaged(name, "JPEG", $"no marker at byte {at}");
            var marker = data[at + 1];
            if (marker is 0xFF || IsBare(marker))
            {
                at += marker == 0xFF ? 1 : 2; // fill bytes and markers without content
                continue;
            }
            var content = Content(data, at, name);
            if (marker == Application1 && content.StartsWith("Exif\0\0"u8))
                orientation = ExifOrientation.Read(content[6..]);
            if (IsFrame(marker))
                return FrameHeader(content, marker, orientation, name);
            if (marker is EndOfImage or StartOfScan)
                break;
            at += 4 + content.Length;
        }
        throw ImageErrors.Truncated(name, "JPEG", "no picture in it");
    }

    /// <summary>Reads to the end marker: a file without one is cut off. Counts the scans.</summary>
    public static JpegFile Read(ReadOnlySpan<byte> data, string name)
    {
        var (scans, sequential) = (0, false);
        for (var at = 2; ; )
        {
            at = NextMarker(data, at, out var first);
            if (at < 0)
                throw ImageErrors.Truncated(name, "JPEG", "no end marker");
            var marker = data[at];
            if (marker == EndOfImage)
                return scans > 0
                    ? new JpegFile(first, sequential && scans == 1)
                    : throw ImageErrors.Truncated(name, "JPEG", "no picture in it");
            if (IsBare(marker))
            {
                at++;
                continue;
            }
            if (marker == StartOfScan && ++scans > MostScans)
                throw ImageErrors.Damaged(name, "JPEG", $"more than {MostScans} scans");
            if (IsFrame(marker))
                sequential = marker is 0xC0 or 0xC1;
            at += 3 + Content(data, at - 1, name).Length;
        }
    }

    /// <param name="first">Where the marker's first 0xFF stands.</param>
    /// <returns>Where its second byte stands; -1 at the end of the data.</returns>
    private static int NextMarker(ReadOnlySpan<byte> data, int at, out int first)
    {
        first = at;
        while (at < data.Length)
        {
            var skip = data[at..].IndexOf((byte)0xFF);
            if (skip < 0)
                return -1;
            first = at += skip;
            while (at < data.Length && data[at] == 0xFF)
                at++;
            if (at < data.Length && data[at] != 0) // 0xFF 0x00 is a byte of the picture's data
                return at;
        }
        return -1;
    }

    /// <param name="at">Where the marker's 0xFF stands.</param>
    private static ReadOnlySpan<byte> Content(ReadOnlySpan<byte> data, int at, string name)
    {
        if (at + 4 > data.Length)
            throw ImageErrors.Truncated(name, "JPEG");
        var length = BinaryPrimitives.ReadUInt16BigEndian(data[(at + 2)..]);
        if (length < 2)
            throw ImageErrors.Damaged(name, "JPEG", $"marker of length {length} at byte {at}");
        if (at + 2 + length > data.Length)
            throw ImageErrors.Truncated(name, "JPEG");
        return data.Slice(at + 4, length - 2);
    }

    // TEM, RST0 to RST7 and SOI.
    private static bool IsBare(byte marker) => marker is 0x01 or (>= 0xD0 and <= 0xD8);

    // DHT, JPG and DAC lie among the frame markers.
    private static bool IsFrame(byte marker) => marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);

    private static ImageHeader FrameHeader(ReadOnlySpan<byte> frame, byte marker, int orientation, string name)
    {
        if (frame.Length < 6)
            throw ImageErrors.Damaged(name, "JPEG", "frame header too short");
        var (precision, height, width, components) = (
            frame[0],
            BinaryPrimitives.ReadUInt16BigEndian(frame[1..]),
            BinaryPrimitives.ReadUInt16BigEndian(frame[3..]),
            frame[5]
        );
        if (height == 0 || width == 0)
            throw ImageErrors.Damaged(name, "JPEG", $"{width} x {height} pixels");
        if (precision != 8 || marker is not (0xC0 or 0xC1 or 0xC2 or 0xC9 or 0xCA))
            throw ImageErrors.Unsupported(
                name,
                $"a JPEG of {precision} bits, coding {marker:X2}",
                "Only 8-bit baseline, extended and progressive ones are read; convert it."
            );
        if (components is not (1 or 3 or 4))
            throw ImageErrors.Unsupported(name, $"a JPEG of {components} components", "1 (gray), 3 (RGB) or 4 (CMYK) were expected.");
        return new ImageHeader(height, width, components, orientation);
    }
}
