using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Color;

/// <summary>RGB to hue, saturation and value and back; each 0 .. 255, 8-bit images of 3 channels.</summary>
/// <remarks>
/// Smith, "Color gamut transform pairs", SIGGRAPH 1978. The way there is identical to OpenCV's RGB2HSV_FULL, whose divisions are products
/// with reciprocals of 12 bits; the way back agrees with HSV2RGB_FULL within 1 grey level: both compute in floats and may fall to
/// different sides of a half. As there, a full turn of the hue is 256 on the way there and 255 on the way back.
/// </remarks>
public static class Hsv
{
    /// <param name="image">[H, W, 3], RGB, 8 bits.</param>
    /// <returns>[H, W, 3]: hue, saturation, value.</returns>
    /// <exception cref="ArgumentException">The image has another type or channel count.</exception>
    public static Image FromRgb(Image image)
    {
        var result = LikeChecked(image);
        FromRgb(image.Bytes, result.Bytes, Simd.Best);
        return result;
    }

    /// <summary>The way back from <see cref="FromRgb(Image)"/>.</summary>
    /// <param name="image">[H, W, 3]: hue, saturation, value, 8 bits.</param>
    /// <returns>[H, W, 3], RGB.</returns>
    /// <exception cref="ArgumentException">The image has another type or channel count.</exception>
    public static Image ToRgb(Image image)
    {
        var result = LikeChecked(image);
        ToRgb(image.Bytes, result.Bytes, Simd.Best);
        return result;
    }

    /// <summary>The same as <see cref="ToRgb(Image)"/>, in place.</summary>
    /// <param name="pixels">Hue, saturation, value, 8 bits each; whole pixels.</param>
    public static void ToRgb(Span<byte> pixels) => ToRgb(pixels, pixels, Simd.Best);

    /// <summary>Converts whole pixels; the target may be the source.</summary>
    internal static void FromRgb(ReadOnlySpan<byte> source, Span<byte> target, SimdLevel level)
    {
        var done = HsvVectors.FromRgb(source, target, level);
        for (var i = done; i + 2 < source.Length; i += 3)
        {
            int red = source[i],
                green = source[i + 1],
                blue = source[i + 2];
            var value = Math.Max(red, Math.Max(green, blue));
            var range = value - Math.Min(red, Math.Min(green, blue));
            var sixths =
                value == red ? green - blue
                : value == green ? blue - red + 2 * range
                : red - green + 4 * range;
            var hue = Ratio(sixths, HueScale, range);
            target[i] = (byte)(hue < 0 ? hue + 256 : hue);
            target[i + 1] = (byte)Ratio(range, SaturationScale, value);
            target[i + 2] = (byte)value;
        }
    }

    /// <inheritdoc cref="FromRgb(ReadOnlySpan{byte}, Span{byte}, SimdLevel)"/>
    internal static void ToRgb(ReadOnlySpan<byte> source, Span<byte> target, SimdLevel level)
    {
        var done = HsvVectors.ToRgb(source, target, level);
        for (var i = done; i + 2 < source.Length; i += 3)
        {
            var hue = source[i] * HueStep;
            var value = source[i + 2] + 0.5f;
            var range = source[i + 1] * (float)source[i + 2];
            target[i] = (byte)(value - range * Math.Clamp(2 - Math.Abs(hue - 3), 0, 1) * (1f / 255));
            target[i + 1] = (byte)(value - range * Math.Clamp(Math.Abs(hue - 2) - 1, 0, 1) * (1f / 255));
            target[i + 2] = (byte)(value - range * Math.Clamp(Math.Abs(hue - 4) - 1, 0, 1) * (1f / 255));
        }
    }

    /// <summary>Saturation: range / value of 255, with 12 fraction bits.</summary>
    internal const float SaturationScale = 255 << Bits;

    /// <summary>Hue: sixths of a turn of 256, with 12 fraction bits.</summary>
    internal const float HueScale = (256 << Bits) / 6f;

    /// <summary>One step of an 8-bit hue on the way back, in sixths of a turn.</summary>
    internal const float HueStep = 6f / 255;

    private const int Bits = 12;

    /// <summary>1 / 2^12.</summary>
    internal const float Fraction = 1f / (1 << Bits);

    /// <summary>dividend * (scale / divisor), the reciprocal rounded, the product rounded. Every step is exact but the reciprocal, so
    /// vectors give the same.</summary>
    private static int Ratio(int dividend, float scale, int divisor) =>
        (int)MathF.Floor(dividend * MathF.Floor(scale / Math.Max(divisor, 1) + 0.5f) * Fraction + 0.5f);

    private static Image LikeChecked(Image image) =>
        image.Channels == 3 && image.Type == PixelType.UInt8
            ? PixelLayout.Like(image, image.Height, image.Width)
            : throw new ArgumentException(
                $"8-bit images of 3 channels were expected, not {image.Type} of {image.Channels}.",
                nameof(image)
            );
}
