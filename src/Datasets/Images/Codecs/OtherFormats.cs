namespace Tessera.Datasets.Images.Codecs;

/// <summary>Formats that are recognized in order to be refused by name.</summary>
internal static class OtherFormats
{
    /// <returns>The format's name, or null.</returns>
    public static string? Detect(ReadOnlySpan<byte> data)
    {
        if (data.StartsWith("GIF87a"u8) || data.StartsWith("GIF89a"u8))
            return "GIF";
        if (data.StartsWith("II+\0"u8) || data.StartsWith("MM\0+"u8))
            return "BigTIFF";
        if (data.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x0A]) || data.StartsWith("\0\0\0\u000CJXL "u8))
            return "JPEG XL";
        if (data.StartsWith("\0\0\0\u000CjP  "u8) || data.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x4F, 0xFF, 0x51]))
            return "JPEG 2000";
        return data.Length >= 16 && data[4..].StartsWith("ftyp"u8) ? Brand(data) : null;
    }

    /// <summary>The first box of a file of the MPEG-4 family lists its brands: the main one, a version, then those it is compatible with.</summary>
    private static string? Brand(ReadOnlySpan<byte> data)
    {
        var end = Math.Min(data.Length, Math.Min((long)System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(data), 256));
        for (var at = 8; at + 4 <= end; at += at == 8 ? 8 : 4)
        {
            var brand = data.Slice(at, 4);
            if (brand.SequenceEqual("avif"u8) || brand.SequenceEqual("avis"u8))
                return "AVIF";
            if (brand.StartsWith("hei"u8) || brand.StartsWith("hev"u8))
                return "HEIC";
        }
        return null;
    }
}
