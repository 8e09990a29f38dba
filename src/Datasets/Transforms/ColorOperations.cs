using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Color;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Transforms;

/// <summary>Changes of colour on 8-bit images of 1 or 3 channels, with Pillow's rounding.</summary>
/// <remarks>
/// Enhancements blend the image with a degenerate of itself, out = d + (x - d) * factor, cut to 0 .. 255 and truncated:
/// black for brightness, its mean gray for contrast, its gray for saturation, its smoothed self for sharpness.
/// </remarks>
public static class ColorOperations
{
    /// <exception cref="UserErrorException">The image is not of 8 bits and 1 or 3 channels.</exception>
    public static void Check(Sample sample, string step)
    {
        var image = SampleGeometry.ImageOf(sample);
        if (image.Type != PixelType.UInt8 || image.Channels is not (1 or 3))
            throw new UserErrorException(
                $"{sample.Name}: {step} works on 8-bit images of 1 or 3 channels; here it meets {image.Channels} of {image.Type}. Put "
                    + $"it before steps that make floats, such as Normalize."
            );
    }

    public static Image Brightness(Image image, double factor) => ByteTables.Map(image, value => Blend(0, value, factor));

    public static Image Contrast(Image image, double factor)
    {
        long sum = 0;
        var gray = ChannelConversion.ToGray(image).Bytes;
        foreach (var value in gray)
            sum += value;
        var mean = (int)((double)sum / gray.Length + 0.5);
        return ByteTables.Map(image, value => Blend(mean, value, factor));
    }

    public static Image Saturation(Image image, double factor)
    {
        if (image.Channels == 1)
            return image;
        var result = PixelLayout.Like(image, image.Height, image.Width);
        var source = image.Bytes;
        var target = result.Bytes;
        var weight = (float)factor;
        for (var i = 0; i + 2 < source.Length; i += 3)
        {
            var gray = ChannelConversion.Luma(source[i], source[i + 1], source[i + 2]);
            target[i] = Blend(gray, source[i], weight);
            target[i + 1] = Blend(gray, source[i + 1], weight);
            target[i + 2] = Blend(gray, source[i + 2], weight);
        }
        return result;
    }

    /// <summary>Blends with the image smoothed by (1 1 1, 1 5 1, 1 1 1) / 13; the border stays as it is.</summary>
    public static Image Sharpness(Image image, double factor)
    {
        var result = image.Clone();
        var (stride, step) = (image.Width * image.Channels, image.Channels);
        var source = image.Bytes;
        var weight = (float)factor;
        for (var y = 1; y < image.Height - 1; y++)
        {
            for (var i = y * stride + step; i < (y + 1) * stride - step; i++)
            {
                var sum =
                    source[i - stride - step]
                    + source[i - stride]
                    + source[i - stride + step]
                    + source[i - step]
                    + 5 * source[i]
                    + source[i + step]
                    + source[i + stride - step]
                    + source[i + stride]
                    + source[i + stride + step];
                result.Bytes[i] = Blend((int)(sum / 13f + 0.5f), source[i], weight);
            }
        }
        return result;
    }

    /// <param name="shift">Of a full turn, -0.5 .. 0.5.</param>
    public static Image Hue(Image image, double shift)
    {
        if (image.Channels == 1)
            return image;
        var result = Hsv.FromRgb(image);
        var turn = (byte)(int)(shift * 255);
        var hue = result.Bytes.AsSpan();
        for (var i = 0; i < hue.Length; i += 3)
            hue[i] += turn;
        Hsv.ToRgb(hue);
        return result;
    }

    /// <summary>(x + shift) cut to 0 .. 255, times the factor, cut again; truncated each time, as OpenMMLab does.</summary>
    public static Image BrightnessAndContrast(Image image, double shift, double factor) =>
        shift == 0 && factor == 1
            ? image
            : ByteTables.Map(image, value => (byte)Math.Clamp((byte)Math.Clamp(value + shift, 0, 255) * factor, 0, 255));

    /// <param name="factor">Of the saturation.</param>
    /// <param name="shift">Of the hue; 1 is a full turn.</param>
    public static Image SaturationAndHue(Image image, double factor, double shift)
    {
        if (image.Channels == 1 || (factor == 1 && shift == 0))
            return image;
        var result = Hsv.FromRgb(image);
        var turn = (byte)(int)Math.Round(shift * 256);
        Span<byte> saturations = stackalloc byte[256];
        for (var value = 0; value < 256; value++)
            saturations[value] = (byte)Math.Clamp(value * factor, 0, 255);
        var pixels = result.Bytes.AsSpan();
        for (var i = 0; i + 1 < pixels.Length; i += 3)
        {
            pixels[i] += turn;
            pixels[i + 1] = saturations[pixels[i + 1]];
        }
        Hsv.ToRgb(pixels);
        return result;
    }

    /// <param name="hue">Added to the hue; 1 is a full turn.</param>
    /// <param name="saturation">Added to the saturation, cut to 0 .. 255.</param>
    /// <param name="value">Added to the value (of a gray image to its gray), cut to 0 .. 255.</param>
    public static Image ShiftHsv(Image image, double hue, int saturation, int value)
    {
        if (image.Channels == 1)
            return ByteTables.Map(image, gray => (byte)Math.Clamp(gray + value, 0, 255));
        if (hue == 0 && saturation == 0 && value == 0)
            return image;
        var result = Hsv.FromRgb(image);
        var turn = (byte)(int)Math.Round(hue * 256);
        var pixels = result.Bytes.AsSpan();
        for (var i = 0; i + 2 < pixels.Length; i += 3)
        {
            pixels[i] += turn;
            pixels[i + 1] = (byte)Math.Clamp(pixels[i + 1] + saturation, 0, 255);
            pixels[i + 2] = (byte)Math.Clamp(pixels[i + 2] + value, 0, 255);
        }
        Hsv.ToRgb(pixels);
        return result;
    }

    /// <summary>Keeps the upper bits.</summary>
    public static Image Posterize(Image image, int bits)
    {
        var mask = (byte)(0xFF << (8 - bits));
        return ByteTables.Map(image, value => (byte)(value & mask));
    }

    /// <summary>Inverts values at or above the threshold.</summary>
    public static Image Solarize(Image image, double threshold) =>
        ByteTables.Map(image, value => (byte)(value < threshold ? value : 255 - value));

    /// <summary>Adds to values below 128, up to 255.</summary>
    /// <param name="add">0 or more.</param>
    internal static Image SolarizeAdd(Image image, int add) =>
        ByteTables.Map(image, value => (byte)(value < 128 ? Math.Min(255, value + add) : value));

    public static Image Invert(Image image) => ByteTables.Map(image, value => (byte)(255 - value));

    /// <summary>Stretches each channel to 0 .. 255.</summary>
    public static Image AutoContrast(Image image) =>
        ByteTables.MapByHistogram(
            image,
            static (histogram, table) =>
            {
                var low = histogram.IndexOfAnyExcept(0);
                var high = histogram.LastIndexOfAnyExcept(0);
                if (high <= low)
                    return;
                var scale = 255.0 / (high - low);
                var offset = -low * scale;
                for (var value = 0; value < 256; value++)
                    table[value] = (byte)Math.Clamp((int)(value * scale + offset), 0, 255);
            }
        );

    /// <summary>Evens out each channel's histogram.</summary>
    public static Image Equalize(Image image) =>
        ByteTables.MapByHistogram(
            image,
            static (histogram, table) =>
            {
                var all = 0;
                foreach (var count in histogram)
                    all += count;
                var step = (all - histogram[histogram.LastIndexOfAnyExcept(0)]) / 255;
                if (step == 0)
                    return;
                var sum = step / 2;
                for (var value = 0; value < 256; value++)
                {
                    table[value] = (byte)Math.Min(255, sum / step);
                    sum += histogram[value];
                }
            }
        );

    /// <summary>Gray, repeated in every channel.</summary>
    public static Image Grayscale(Image image) => image.Channels == 1 ? image : ChannelConversion.ToRgb(ChannelConversion.ToGray(image));

    private static byte Blend(int degenerate, int value, double factor) => Blend(degenerate, value, (float)factor);

    private static byte Blend(int degenerate, int value, float factor) =>
        (byte)Math.Clamp(degenerate + factor * (value - degenerate), 0, 255);
}
