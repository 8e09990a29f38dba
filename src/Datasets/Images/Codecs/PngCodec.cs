using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>PNG of every colour type and depth, over .NET's zlib.</summary>
/// <remarks>W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", 2025.</remarks>
internal static class PngCodec
{
    /// <summary>Reads the chunks without the pixels' data. A file cut within those passes; decoding it fails.</summary>
    public static ImageHeader ReadHeader(ReadOnlySpan<byte> data, string name)
    {
        var file = PngFile.Read(data, name, forPixels: false);
        return new ImageHeader(file.Header.Height, file.Header.Width, file.Header.Channels, file.Orientation);
    }

    /// <returns>The file's own channels and depth, not yet oriented; see <see cref="ColorType"/> for palettes and transparency.</returns>
    public static Image Decode(ReadOnlySpan<byte> data, string name, ColorType colorType)
    {
        var file = PngFile.Read(data, name, forPixels: true);
        return PngColors.ToImage(PngPixels.Decode(data, file, name), file, name, colorType);
    }

    /// <param name="image">8 or 16 bits, 1 to 4 channels.</param>
    /// <param name="palette">Red, green, blue of each index, for an image of one 8-bit channel; or empty.</param>
    public static byte[] Encode(Image image, ReadOnlySpan<byte> palette) => PngWriter.Encode(image, palette);
}
