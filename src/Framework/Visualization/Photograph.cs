using Tessera.Framework.Data;

namespace Tessera.Framework.Visualization;

/// <summary>Any image as 8-bit RGB, for showing.</summary>
public static class Photograph
{
    /// <summary>
    /// Grey becomes RGB, channels beyond three are left out, 16 bits keep their upper 8, and floats are stretched from their
    /// least to their greatest finite value unless all lie in 0 .. 255. The image itself where it is 8-bit RGB already.
    /// </summary>
    /// <param name="order">How the channels lie.</param>
    public static Image Of(Image image, ChannelOrder order = ChannelOrder.Rgb)
    {
        if (image is { Type: PixelType.UInt8, Channels: 3 } && order == ChannelOrder.Rgb)
            return image;
        var result = new Image(image.Height, image.Width, 3);
        var (low, factor) = image.Type == PixelType.Float32 ? Range(image.Pixels<float>()) : (0, 1);
        for (var i = 0; i < image.Height * image.Width; i++)
        for (var c = 0; c < 3; c++)
        {
            var channel =
                image.Channels < 3 ? 0
                : order == ChannelOrder.Bgr ? 2 - c
                : c;
            result.Bytes[3 * i + c] = Value(i * image.Channels + channel);
        }
        return result;

        byte Value(int at) =>
            image.Type switch
            {
                PixelType.UInt8 => image.Bytes[at],
                PixelType.UInt16 => (byte)(image.Pixels<ushort>()[at] >> 8),
                _ => float.IsNaN(image.Pixels<float>()[at])
                    ? (byte)0
                    : (byte)Math.Clamp((image.Pixels<float>()[at] - low) * factor, 0, 255),
            };
    }

    private static (float Low, float Factor) Range(ReadOnlySpan<float> values)
    {
        var (low, high) = (float.PositiveInfinity, float.NegativeInfinity);
        foreach (var value in values)
            if (float.IsFinite(value))
                (low, high) = (Math.Min(low, value), Math.Max(high, value));
        if (low >= 0 && high is > 1 and <= 255 || !(high > low))
            return (0, 1);
        return (low, 255 / (high - low));
    }
}
