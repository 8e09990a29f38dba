namespace Tessera.Datasets.Images.Color;

/// <summary>sRGB to CIE L*a*b* (D65) and back, 8 bits: L of 0 .. 100 as 0 .. 255, a and b with 128 added.</summary>
/// <remarks>Agrees with OpenCV's RGB2Lab, which computes in integers as is done here, and with its Lab2RGB within 1 grey level.</remarks>
internal static class Lab
{
    private const int Bits = 12,
        RootBits = 15,
        GammaBits = 3,
        GammaSteps = 1 << 16;

    /// <summary>sRGB to XYZ by rows, each row divided by its white.</summary>
    private static readonly double[] s_matrix =
    [
        0.412453 / 0.950456,
        0.357580 / 0.950456,
        0.180423 / 0.950456,
        0.212671,
        0.715160,
        0.072169,
        0.019334 / 1.088754,
        0.119193 / 1.088754,
        0.950227 / 1.088754,
    ];

    /// <summary>XYZ with its white to sRGB, by rows.</summary>
    private static readonly double[] s_inverse =
    [
        3.240479 * 0.950456,
        -1.53715,
        -0.498535 * 1.088754,
        -0.969256 * 0.950456,
        1.875991,
        0.041556 * 1.088754,
        0.055648 * 0.950456,
        -0.204043,
        1.057311 * 1.088754,
    ];

    private static readonly int[] s_weights = Array.ConvertAll(s_matrix, value => (int)Math.Round(value * (1 << Bits)));
    private static readonly int[] s_linear = [.. Enumerable.Range(0, 256).Select(LinearOf)];
    private static readonly int[] s_roots = [.. Enumerable.Range(0, (256 * 3 / 2) << GammaBits).Select(RootOf)];

    private static readonly byte[] s_gamma = [.. Enumerable.Range(0, GammaSteps + 1).Select(GammaOf)];

    /// <summary>Whole pixels, in place.</summary>
    /// <param name="pixels">[pixels * 3].</param>
    public static void FromRgb(Span<byte> pixels)
    {
        const int lightness = ((116 * 255) + 50) / 100,
            black = ((16 * 255 * (1 << RootBits)) + 50) / 100,
            middle = 128 << RootBits;
        Span<int> roots = stackalloc int[3];
        for (var i = 0; i + 2 < pixels.Length; i += 3)
        {
            int red = s_linear[pixels[i]],
                green = s_linear[pixels[i + 1]],
                blue = s_linear[pixels[i + 2]];
            for (var k = 0; k < 3; k++)
                roots[k] = s_roots[
                    Descaled((red * s_weights[3 * k]) + (green * s_weights[(3 * k) + 1]) + (blue * s_weights[(3 * k) + 2]), Bits)
                ];
            pixels[i] = Byte(Descaled((lightness * roots[1]) - black, RootBits));
            pixels[i + 1] = Byte(Descaled((500 * (roots[0] - roots[1])) + middle, RootBits));
            pixels[i + 2] = Byte(Descaled((200 * (roots[1] - roots[2])) + middle, RootBits));
        }
    }

    /// <summary>The way back, in place.</summary>
    /// <inheritdoc cref="FromRgb"/>
    public static void ToRgb(Span<byte> pixels)
    {
        for (var i = 0; i + 2 < pixels.Length; i += 3)
        {
            var y = ((pixels[i] * (100 / 255.0)) + 16) / 116;
            var (x, z) = (y + ((pixels[i + 1] - 128) / 500.0), y - ((pixels[i + 2] - 128) / 200.0));
            var (cubeX, cubeY, cubeZ) = (Cube(x), Cube(y), Cube(z));
            for (var k = 0; k < 3; k++)
                pixels[i + k] = Gamma((s_inverse[3 * k] * cubeX) + (s_inverse[(3 * k) + 1] * cubeY) + (s_inverse[(3 * k) + 2] * cubeZ));
        }
    }

    private static int LinearOf(int value)
    {
        var x = value / 255.0;
        return (int)Math.Round(255 * (1 << GammaBits) * (x <= 0.04045 ? x / 12.92 : Math.Pow((x + 0.055) / 1.055, 2.4)));
    }

    private static int RootOf(int value)
    {
        var x = value / (255.0 * (1 << GammaBits));
        return (int)Math.Round((1 << RootBits) * (x < 216.0 / 24389 ? (x * (841.0 / 108)) + (16.0 / 116) : Math.Cbrt(x)));
    }

    private static double Cube(double root) => root > 6.0 / 29 ? root * root * root : (root - (16.0 / 116)) * (108.0 / 841);

    private static byte Gamma(double linear) => s_gamma[(int)((Math.Clamp(linear, 0, 1) * GammaSteps) + 0.5)];

    private static byte GammaOf(int step)
    {
        var x = (double)step / GammaSteps;
        return (byte)Math.Round(255 * (x <= 0.0031308 ? x * 12.92 : (1.055 * Math.Pow(x, 1 / 2.4)) - 0.055));
    }

    private static int Descaled(int value, int bits) => (value + (1 << (bits - 1))) >> bits;

    private static byte Byte(int value) => (byte)Math.Clamp(value, 0, byte.MaxValue);
}
