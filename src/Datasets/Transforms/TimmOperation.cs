using Tessera.Datasets.Images.Resampling;

namespace Tessera.Datasets.Transforms;

/// <summary>timm's operations, by its names.</summary>
internal enum TimmOperationKind
{
    AutoContrast,
    Equalize,
    Invert,
    Rotate,
    Posterize,
    PosterizeIncreasing,
    PosterizeOriginal,
    Solarize,
    SolarizeIncreasing,
    SolarizeAdd,
    Color,
    ColorIncreasing,
    Contrast,
    ContrastIncreasing,
    Brightness,
    BrightnessIncreasing,
    Sharpness,
    SharpnessIncreasing,
    ShearX,
    ShearY,
    TranslateXRel,
    TranslateYRel,
    Desaturate,
    GaussianBlur,
    GaussianBlurRand,
}

/// <summary>What an application of an operation draws.</summary>
/// <param name="Magnitude">With its noise, not yet cut off.</param>
/// <param name="Sign">1 or -1.</param>
/// <param name="Share">Of 0 .. 1, which <see cref="TimmOperationKind.GaussianBlurRand"/> takes.</param>
internal readonly record struct TimmDraw(double Magnitude, int Sign, Interpolation Interpolation, double Share);

/// <summary>An operation of timm's.</summary>
/// <param name="Chance">How often it is applied.</param>
/// <param name="Magnitude">Of 10 as a rule.</param>
internal readonly record struct TimmOperation(TimmOperationKind Kind, double Chance, double Magnitude)
{
    private const double Denominator = 10;

    /// <summary>What is applied, and what it is given.</summary>
    /// <param name="largest">Magnitudes are cut to 0 .. this.</param>
    public (AugmentOperation Operation, double Value) At(in TimmDraw draw, double largest, int height, int width)
    {
        var level = Math.Clamp(draw.Magnitude, 0, largest) / Denominator;
        return Kind switch
        {
            TimmOperationKind.AutoContrast => (AugmentOperation.AutoContrast, 0),
            TimmOperationKind.Equalize => (AugmentOperation.Equalize, 0),
            TimmOperationKind.Invert => (AugmentOperation.Invert, 0),
            TimmOperationKind.Rotate => (AugmentOperation.Rotate, draw.Sign * (level * 30)),
            TimmOperationKind.Posterize => (AugmentOperation.Posterize, (int)(level * 4)),
            TimmOperationKind.PosterizeIncreasing => (AugmentOperation.Posterize, 4 - (int)(level * 4)),
            TimmOperationKind.PosterizeOriginal => (AugmentOperation.Posterize, (int)(level * 4) + 4),
            TimmOperationKind.Solarize => (AugmentOperation.Solarize, Threshold(level)),
            TimmOperationKind.SolarizeIncreasing => (AugmentOperation.Solarize, 256 - Threshold(level)),
            TimmOperationKind.SolarizeAdd => (AugmentOperation.SolarizeAdd, Math.Min(128, (int)(level * 110))),
            TimmOperationKind.Color => (AugmentOperation.Color, Factor(level)),
            TimmOperationKind.ColorIncreasing => (AugmentOperation.Color, Rising(level, draw.Sign)),
            TimmOperationKind.Contrast => (AugmentOperation.Contrast, Factor(level)),
            TimmOperationKind.ContrastIncreasing => (AugmentOperation.Contrast, Rising(level, draw.Sign)),
            TimmOperationKind.Brightness => (AugmentOperation.Brightness, Factor(level)),
            TimmOperationKind.BrightnessIncreasing => (AugmentOperation.Brightness, Rising(level, draw.Sign)),
            TimmOperationKind.Sharpness => (AugmentOperation.Sharpness, Factor(level)),
            TimmOperationKind.SharpnessIncreasing => (AugmentOperation.Sharpness, Rising(level, draw.Sign)),
            TimmOperationKind.ShearX => (AugmentOperation.ShearX, draw.Sign * (level * 0.3)),
            TimmOperationKind.ShearY => (AugmentOperation.ShearY, draw.Sign * (level * 0.3)),
            TimmOperationKind.TranslateXRel => (AugmentOperation.TranslateX, -(draw.Sign * (level * 0.45) * width)),
            TimmOperationKind.TranslateYRel => (AugmentOperation.TranslateY, -(draw.Sign * (level * 0.45) * height)),
            TimmOperationKind.Desaturate => (AugmentOperation.Color, Math.Clamp(1 - Within(level, 0.5, 1), 0, 1)),
            TimmOperationKind.GaussianBlur => (AugmentOperation.Blur, Within(level, 0.1, 2)),
            _ => (AugmentOperation.Blur, 0.1 + (((2 * Within(level, 0, 1)) - 0.1) * draw.Share)),
        };
    }

    private static int Threshold(double level) => Math.Min(256, (int)(level * 256));

    private static double Factor(double level) => (level * 1.8) + 0.1;

    /// <summary>Away from 1 to either side.</summary>
    private static double Rising(double level, int sign) => Math.Max(0.1, 1 + (sign * (level * 0.9)));

    private static double Within(double level, double low, double high) => Math.Clamp(low + ((high - low) * level), low, high);
}
