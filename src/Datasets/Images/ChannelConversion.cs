using Tessera.Framework.Data;

namespace Tessera.Datasets.Images;

/// <summary>Gray to RGB, RGB to gray, 16 bits to 8, and the exchange of channels.</summary>
public static class ChannelConversion
{
    /// <summary>Makes of decoded pixels what <paramref name="colorType"/> asks for.</summary>
    public static Image Convert(Image image, ColorType colorType)
    {
        if (colorType is ColorType.Unchanged or ColorType.Index)
            return image;
        if (image.Type == PixelType.UInt16)
            image = UpperBytes(image);
        return colorType == ColorType.Grayscale ? ToGray(image) : ToRgb(image);
    }

    /// <summary>The upper 8 of 16 bits.</summary>
    public static Image UpperBytes(Image image)
    {
        var result = PixelLayout.Create(image.Height, image.Width, image.Channels, PixelType.UInt8);
        var words = image.Pixels<ushort>();
        for (var i = 0; i < words.Length; i++)
            result.Bytes[i] = (byte)(words[i] >> 8);
        return result;
    }

    /// <summary>Repeats gray, drops transparency. 8-bit.</summary>
    public static Image ToRgb(Image image)
    {
        if (image.Channels == 3)
            return image;
        var result = PixelLayout.Create(image.Height, image.Width, 3, PixelType.UInt8);
        var source = image.Pixels<byte>();
        var target = result.Bytes.AsSpan();
        var step = image.Channels;
        var (green, blue) = step < 3 ? (0, 0) : (1, 2);
        for (int from = 0, to = 0; to < target.Length; from += step, to += 3)
            (target[to], target[to + 1], target[to + 2]) = (source[from], source[from + green], source[from + blue]);
        return result;
    }

    /// <summary>Luma of ITU-R BT.601 in 16-bit fixed point; transparency is dropped. 8-bit.</summary>
    public static Image ToGray(Image image)
    {
        if (image.Channels == 1)
            return image;
        var result = PixelLayout.Create(image.Height, image.Width, 1, PixelType.UInt8);
        var source = image.Pixels<byte>();
        var target = result.Bytes.AsSpan();
        var step = image.Channels;
        for (int from = 0, to = 0; to < target.Length; from += step, to++)
            target[to] = step < 3 ? source[from] : Luma(source[from], source[from + 1], source[from + 2]);
        return result;
    }

    internal static byte Luma(int red, int green, int blue) => (byte)((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}
