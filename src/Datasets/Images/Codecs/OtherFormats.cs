namespace Tessera.Datasets.Images.Codecs;

/// <summary>Formats that are recognized in order to be refused by name.</summary>
internal static class OtherFormats
{
    private static readonly Dictionary<string, string> s_extensions = new(StringComparer.OrdinalIgnoreCase)
    {
        [".gif"] = "GIF",
        [".heic"] = "HEIC",
        [".heif"] = "HEIF",
        [".hif"] = "HEIF",
        [".avif"] = "AVIF",
        [".jxl"] = "JPEG XL",
        [".jp2"] = "JPEG 2000",
        [".j2k"] = "JPEG 2000",
        [".jpx"] = "JPEG 2000",
        [".jpf"] = "JPEG 2000",
        [".psd"] = "Photoshop",
        [".svg"] = "SVG",
        [".ico"] = "ICO",
        [".pbm"] = "PNM",
        [".pgm"] = "PNM",
        [".ppm"] = "PNM",
        [".pnm"] = "PNM",
        [".tga"] = "TGA",
        [".exr"] = "OpenEXR",
        [".hdr"] = "Radiance HDR",
        [".dcm"] = "DICOM",
        [".nii"] = "NIfTI",
        [".npy"] = "NumPy",
        [".npz"] = "NumPy",
        [".mat"] = "MATLAB",
        [".pdf"] = "PDF",
        [".dng"] = "camera raw",
        [".cr2"] = "camera raw",
        [".cr3"] = "camera raw",
        [".nef"] = "camera raw",
        [".arw"] = "camera raw",
        [".orf"] = "camera raw",
        [".mp4"] = "video",
        [".mov"] = "video",
        [".avi"] = "video",
        [".mkv"] = "video",
        [".webm"] = "video",
    };

    /// <summary>The format of files with this ending, in any case; null where it isn't one of these.</summary>
    public static string? OfExtension(string extension) => s_extensions.GetValueOrDefault(extension);

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
        if (data.StartsWith("8BPS"u8))
            return "Photoshop";
        if (data.StartsWith("%PDF"u8))
            return "PDF";
        if (data.StartsWith((ReadOnlySpan<byte>)[0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y']))
            return "NumPy";
        if (data.Length >= 132 && data[128..].StartsWith("DICM"u8))
            return "DICOM";
        if (data.StartsWith((ReadOnlySpan<byte>)[0x76, 0x2F, 0x31, 0x01]))
            return "OpenEXR";
        if (data.StartsWith("#?RADIANCE"u8))
            return "Radiance HDR";
        if (data.StartsWith((ReadOnlySpan<byte>)[0, 0, 1, 0]))
            return "ICO";
        if (
            data.Length > 2
            && data[0] == 'P'
            && data[1] is >= (byte)'1' and <= (byte)'7'
            && data[2] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t'
        )
            return "PNM";
        if (data.StartsWith("<svg"u8) || (data.StartsWith("<?xml"u8) && data[..Math.Min(512, data.Length)].IndexOf("<svg"u8) >= 0))
            return "SVG";
        return data.Length >= 16 && data[4..].StartsWith("ftyp"u8) ? Brand(data) : null;
    }

    /// <summary>The first box of a file of the MPEG-4 family lists its brands: the main one, a version, then those it is compatible
    /// with.</summary>
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
        return data[8..].StartsWith("mif1"u8) || data[8..].StartsWith("msf1"u8) ? "HEIF" : "MPEG-4";
    }
}
