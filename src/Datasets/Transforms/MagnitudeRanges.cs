namespace Tessera.Datasets.Transforms;

/// <summary>How strong torchvision's operations get.</summary>
/// <param name="Shear">Pixels for each pixel.</param>
/// <param name="Shift">Of the image's side; of one pixel where <paramref name="ShiftsPixels"/>.</param>
/// <param name="ShiftsPixels">Shifts don't depend on the image.</param>
/// <param name="Degrees">Of rotation.</param>
/// <param name="Factor">How far factors get from 1.</param>
/// <param name="MostBits">What the weakest posterizing keeps.</param>
/// <param name="LostBits">How many fewer the strongest keeps.</param>
/// <remarks>Steps are single precision, as torch.linspace computes them: whole pixels are cut off of them, and
/// thresholds compared.</remarks>
internal sealed record MagnitudeRanges(
    double Shear,
    double Shift,
    bool ShiftsPixels,
    double Degrees,
    double Factor,
    int MostBits,
    int LostBits
)
{
    /// <summary>Cubuk et al., 2019 and 2020: AutoAugment and RandAugment.</summary>
    public static MagnitudeRanges Usual { get; } = new(0.3, 150.0 / 331.0, false, 30, 0.9, 8, 4);

    /// <summary>Müller and Hutter, 2021: TrivialAugment's wide ranges.</summary>
    public static MagnitudeRanges Wide { get; } = new(0.99, 32, true, 135, 0.99, 8, 6);

    /// <summary>Hendrycks et al., 2020: AugMix.</summary>
    public static MagnitudeRanges Mixed { get; } = new(0.3, 1 / 3.0, false, 30, 0.9, 4, 4);

    /// <summary>Whether the operation also goes the other way.</summary>
    public static bool IsSigned(AugmentOperation operation) => operation is >= AugmentOperation.ShearX and <= AugmentOperation.Sharpness;

    /// <summary>What to give the operation.</summary>
    /// <param name="step">0 .. <paramref name="steps"/> - 1, from no change to the strongest.</param>
    /// <param name="steps">At least 2.</param>
    /// <param name="sign">1 or -1.</param>
    public double At(AugmentOperation operation, int step, int steps, int sign, int height, int width) =>
        operation switch
        {
            AugmentOperation.ShearX or AugmentOperation.ShearY => ByAngle(operation, sign * Line(0, Shear, step, steps)),
            AugmentOperation.TranslateX => (int)(sign * Line(0, ShiftsPixels ? Shift : Shift * width, step, steps)),
            AugmentOperation.TranslateY => (int)(sign * Line(0, ShiftsPixels ? Shift : Shift * height, step, steps)),
            AugmentOperation.Rotate => sign * Line(0, Degrees, step, steps),
            AugmentOperation.Brightness or AugmentOperation.Color or AugmentOperation.Contrast or AugmentOperation.Sharpness => 1
                + (sign * Line(0, Factor, step, steps)),
            AugmentOperation.Posterize => MostBits - (int)MathF.Round(step / (float)((steps - 1) / (double)LostBits)),
            AugmentOperation.Solarize => Line(255, 0, step, steps),
            _ => 0,
        };

    /// <summary>The same without steps, in double precision.</summary>
    /// <param name="strength">0 .. 1.</param>
    public double At(AugmentOperation operation, double strength, int sign, int height, int width) =>
        operation switch
        {
            AugmentOperation.ShearX or AugmentOperation.ShearY => sign * Shear * strength,
            AugmentOperation.TranslateX => (int)(sign * Shift * strength * (ShiftsPixels ? 1 : width)),
            AugmentOperation.TranslateY => (int)(sign * Shift * strength * (ShiftsPixels ? 1 : height)),
            AugmentOperation.Rotate => sign * Degrees * strength,
            AugmentOperation.Brightness or AugmentOperation.Color or AugmentOperation.Contrast or AugmentOperation.Sharpness => 1
                + (sign * Factor * strength),
            AugmentOperation.Posterize => MostBits - (int)Math.Round(LostBits * strength),
            AugmentOperation.Solarize => 255 * (1 - strength),
            _ => 0,
        };

    /// <summary>A shear as torchvision gives it to Pillow: by way of its angle in degrees, which may change the last bit.</summary>
    public static double ByAngle(AugmentOperation operation, double shear)
    {
        var radians = Math.Atan(shear) * (180 / Math.PI) * (Math.PI / 180);
        return operation == AugmentOperation.ShearX ? Math.Tan(radians) : Math.Sin(radians) / Math.Cos(radians);
    }

    private static double Line(double from, double to, int step, int steps)
    {
        var (first, last) = ((float)from, (float)to);
        var each = (last - first) / (steps - 1);
        return step < steps / 2 ? first + (each * step) : last - (each * (steps - 1 - step));
    }
}
