using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tessera.Datasets.Images.Color;

/// <summary>The formulas of <see cref="Hsv"/> over vectors of 8 and of 4 pixels. Each step is the scalar one's, so the pixels are the
/// same.</summary>
internal static class HsvFormulas
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<float> Hue, Vector256<float> Saturation) FromRgb(
        Vector256<float> red,
        Vector256<float> green,
        Vector256<float> blue
    )
    {
        var value = Vector256.MaxNative(red, Vector256.MaxNative(green, blue));
        var range = value - Vector256.MinNative(red, Vector256.MinNative(green, blue));
        var sixths = Vector256.ConditionalSelect(
            Vector256.Equals(value, red),
            green - blue,
            Vector256.ConditionalSelect(Vector256.Equals(value, green), blue - red + range * 2f, red - green + range * 4f)
        );
        var hue = Ratio(sixths, Hsv.HueScale, range);
        hue += Vector256.LessThan(hue, Vector256<float>.Zero) & Vector256.Create(256f);
        return (hue, Ratio(range, Hsv.SaturationScale, value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Ratio(Vector256<float> dividend, float scale, Vector256<float> divisor)
    {
        var half = Vector256.Create(0.5f);
        var reciprocal = Vector256.Floor(Vector256.Create(scale) / Vector256.MaxNative(divisor, Vector256<float>.One) + half);
        return Vector256.Floor(dividend * reciprocal * Hsv.Fraction + half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<float> Red, Vector256<float> Green, Vector256<float> Blue) ToRgb(
        Vector256<float> hue,
        Vector256<float> saturation,
        Vector256<float> value
    )
    {
        hue *= Hsv.HueStep;
        var range = saturation * value;
        value += Vector256.Create(0.5f);
        var (one, two) = (Vector256<float>.One, Vector256.Create(2f));
        var red = Unit(two - Vector256.Abs(hue - Vector256.Create(3f)));
        var green = Unit(Vector256.Abs(hue - two) - one);
        var blue = Unit(Vector256.Abs(hue - Vector256.Create(4f)) - one);
        const float step = 1f / 255;
        return (value - range * red * step, value - range * green * step, value - range * blue * step);
    }

    private static Vector256<float> Unit(Vector256<float> value) =>
        Vector256.MinNative(Vector256.MaxNative(value, Vector256<float>.Zero), Vector256<float>.One);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector128<float> Hue, Vector128<float> Saturation) FromRgb(
        Vector128<float> red,
        Vector128<float> green,
        Vector128<float> blue
    )
    {
        var value = Vector128.MaxNative(red, Vector128.MaxNative(green, blue));
        var range = value - Vector128.MinNative(red, Vector128.MinNative(green, blue));
        var sixths = Vector128.ConditionalSelect(
            Vector128.Equals(value, red),
            green - blue,
            Vector128.ConditionalSelect(Vector128.Equals(value, green), blue - red + range * 2f, red - green + range * 4f)
        );
        var hue = Ratio(sixths, Hsv.HueScale, range);
        hue += Vector128.LessThan(hue, Vector128<float>.Zero) & Vector128.Create(256f);
        return (hue, Ratio(range, Hsv.SaturationScale, value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Ratio(Vector128<float> dividend, float scale, Vector128<float> divisor)
    {
        var half = Vector128.Create(0.5f);
        var reciprocal = Vector128.Floor(Vector128.Create(scale) / Vector128.MaxNative(divisor, Vector128<float>.One) + half);
        return Vector128.Floor(dividend * reciprocal * Hsv.Fraction + half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector128<float> Red, Vector128<float> Green, Vector128<float> Blue) ToRgb(
        Vector128<float> hue,
        Vector128<float> saturation,
        Vector128<float> value
    )
    {
        hue *= Hsv.HueStep;
        var range = saturation * value;
        value += Vector128.Create(0.5f);
        var (one, two) = (Vector128<float>.One, Vector128.Create(2f));
        var red = Unit(two - Vector128.Abs(hue - Vector128.Create(3f)));
        var green = Unit(Vector128.Abs(hue - two) - one);
        var blue = Unit(Vector128.Abs(hue - Vector128.Create(4f)) - one);
        const float step = 1f / 255;
        return (value - range * red * step, value - range * green * step, value - range * blue * step);
    }

    private static Vector128<float> Unit(Vector128<float> value) =>
        Vector128.MinNative(Vector128.MaxNative(value, Vector128<float>.Zero), Vector128<float>.One);
}
