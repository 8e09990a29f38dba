namespace Tessera.Framework.Data;

/// <summary>Turns pixels into floats: (x - mean) / std, channel by channel.</summary>
/// <remarks>
/// The Normalize step notes it in the sample; the batch loader applies it on the way into the batch, so that an image
/// is written as floats once.
/// </remarks>
/// <param name="Mean">[C] or [1], in units of the stored pixels, in the order of the output's channels.</param>
/// <param name="Std">[C] or [1].</param>
/// <param name="ReverseChannels">Exchange the first and the third channel first (RGB to BGR).</param>
public sealed record Normalization(float[] Mean, float[] Std, bool ReverseChannels = false)
{
    /// <summary>Leaves the values as they are.</summary>
    public static Normalization None { get; } = new([0], [1]);

    /// <summary>The normalised image, float32, [H, W, C].</summary>
    public Image Apply(Image image)
    {
        var result = new Image(image.Height, image.Width, image.Channels, PixelType.Float32);
        var target = result.Pixels<float>();
        for (var c = 0; c < image.Channels; c++)
            WriteChannel(image, c, target[c..], image.Channels);
        return result;
    }

    /// <summary>Writes the normalised image as planes.</summary>
    /// <param name="target">[C, H, W].</param>
    public void WritePlanes(Image image, Span<float> target)
    {
        var plane = image.Height * image.Width;
        if (target.Length != plane * image.Channels)
            throw new ArgumentException(
                $"{target.Length} floats are not {image.Channels} x {image.Height} x {image.Width}.",
                nameof(target)
            );
        if (image.Type == PixelType.UInt8 && image.Channels == 3)
        {
            PlanarRgb.Write(image.Bytes, target, Scale(0), Scale(1), Scale(2), ReverseChannels);
            return;
        }
        for (var c = 0; c < image.Channels; c++)
            WriteChannel(image, c, target.Slice(c * plane, plane), 1);
    }

    /// <summary>x * Factor + Offset is (x - mean) / std.</summary>
    private (float Factor, float Offset) Scale(int channel)
    {
        var std = Std[Std.Length == 1 ? 0 : channel];
        return (1 / std, -Mean[Mean.Length == 1 ? 0 : channel] / std);
    }

    private void WriteChannel(Image image, int channel, Span<float> target, int step)
    {
        var channels = image.Channels;
        var (factor, offset) = Scale(channel);
        var from = ReverseChannels && channel < 3 && channels >= 3 ? 2 - channel : channel;
        var count = image.Height * image.Width;
        switch (image.Type)
        {
            case PixelType.UInt8:
                var bytes = image.Pixels<byte>();
                for (var i = 0; i < count; i++)
                    target[i * step] = bytes[i * channels + from] * factor + offset;
                break;
            case PixelType.UInt16:
                var words = image.Pixels<ushort>();
                for (var i = 0; i < count; i++)
                    target[i * step] = words[i * channels + from] * factor + offset;
                break;
            default:
                var floats = image.Pixels<float>();
                for (var i = 0; i < count; i++)
                    target[i * step] = floats[i * channels + from] * factor + offset;
                break;
        }
    }
}
