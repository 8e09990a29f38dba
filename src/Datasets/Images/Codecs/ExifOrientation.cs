using System.Buffers.Binary;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>Reads the orientation (1 to 8, tag 0x0112) out of EXIF data, which is a small TIFF file.</summary>
internal static class ExifOrientation
{
    private const ushort OrientationTag = 0x0112;
    private const ushort TypeShort = 3;
    private const ushort TypeLong = 4; // against the standard, but some programs write it

    /// <returns>1, "as it is", where there is none or the data makes no sense.</returns>
    public static int Read(ReadOnlySpan<byte> tiff)
    {
        if (tiff.Length < 8)
            return 1;
        var little = tiff[0] == 'I' && tiff[1] == 'I';
        if (!little && !(tiff[0] == 'M' && tiff[1] == 'M'))
            return 1;
        if (UInt16(tiff[2..], little) != 42)
            return 1;
        var directory = UInt32(tiff[4..], little);
        if (directory > (uint)tiff.Length - 2)
            return 1;
        var entries = tiff[(int)directory..];
        var count = UInt16(entries, little);
        entries = entries[2..];
        for (var i = 0; i < count && entries.Length >= 12; i++, entries = entries[12..])
        {
            if (UInt16(entries, little) != OrientationTag)
                continue;
            var value = UInt16(entries[2..], little) switch
            {
                TypeShort => UInt16(entries[8..], little),
                TypeLong => UInt32(entries[8..], little),
                _ => 1u,
            };
            return value is >= 1 and <= 8 ? (int)value : 1;
        }
        return 1;
    }

    private static ushort UInt16(ReadOnlySpan<byte> data, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(data) : BinaryPrimitives.ReadUInt16BigEndian(data);

    private static uint UInt32(ReadOnlySpan<byte> data, bool little) =>
        little ? BinaryPrimitives.ReadUInt32LittleEndian(data) : BinaryPrimitives.ReadUInt32BigEndian(data);
}
