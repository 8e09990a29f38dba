using Tessera.Datasets.Images;
using Tessera.Datasets.Segmentation;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images;

/// <summary>Decodes label files: values of 1 to 16 bits, a palette's indices, or colours.</summary>
public static class LabelFile
{
    private static readonly DecodeOptions Indices = new(ColorType.Index);
    private static readonly DecodeOptions Stored = new(ColorType.Unchanged);

    /// <param name="name">What messages call the file.</param>
    /// <param name="byColor">Its colours tell the classes, not its values; a palette is looked up.</param>
    /// <returns>One channel of 8 or 16 bits, also where values were written as equal channels; for colours, 8-bit RGB.</returns>
    /// <exception cref="UserErrorException">It is no image, or holds colours where values were expected, or values where colours
    /// were.</exception>
    public static Image Decode(ReadOnlyMemory<byte> data, string name, bool byColor)
    {
        var image = ImageCodec.Decode(data, name, byColor ? Stored : Indices);
        if (!byColor)
            return image.Channels == 1 ? image : Gray(image) ?? throw LabelErrors.ColorsForValues(name, image.Channels);
        return image.Channels >= 3 ? ChannelConversion.Convert(image, ColorType.Color) : throw LabelErrors.ValuesForColors(name);
    }

    /// <summary>The values of an image whose pixels are all gray, as programs write that know only RGB; null where one has a
    /// colour.</summary>
    private static Image? Gray(Image image)
    {
        var (channels, bytes) = (image.Channels, image.Bytes);
        if (channels < 3 || image.Type != PixelType.UInt8)
            return null;
        var values = new Image(image.Height, image.Width, 1);
        for (var i = 0; i < values.Bytes.Length; i++)
        {
            var at = i * channels;
            if (bytes[at] != bytes[at + 1] || bytes[at] != bytes[at + 2])
                return null;
            values.Bytes[i] = bytes[at];
        }
        return values;
    }
}
