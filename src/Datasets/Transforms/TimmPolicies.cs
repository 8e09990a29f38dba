using static Tessera.Datasets.Transforms.AugmentOperation;

namespace Tessera.Datasets.Transforms;

/// <summary>timm's lists of operations.</summary>
internal static class TimmPolicies
{
    /// <summary>Names of the policies of pairs of operations.</summary>
    public static IReadOnlyList<string> Names { get; } = ["original", "originalr", "v0", "v0r", "3a"];

    /// <summary>What RandAugment draws from.</summary>
    public static TimmOperationKind[] Usual { get; } =
    [
        TimmOperationKind.AutoContrast,
        TimmOperationKind.Equalize,
        TimmOperationKind.Invert,
        TimmOperationKind.Rotate,
        TimmOperationKind.Posterize,
        TimmOperationKind.Solarize,
        TimmOperationKind.SolarizeAdd,
        TimmOperationKind.Color,
        TimmOperationKind.Contrast,
        TimmOperationKind.Brightness,
        TimmOperationKind.Sharpness,
        TimmOperationKind.ShearX,
        TimmOperationKind.ShearY,
        TimmOperationKind.TranslateXRel,
        TimmOperationKind.TranslateYRel,
    ];

    /// <summary>The same, each the stronger the larger its magnitude: "inc1".</summary>
    public static TimmOperationKind[] Increasing { get; } = Array.ConvertAll(Usual, Rising);

    /// <summary>What AugMix draws from.</summary>
    public static TimmOperationKind[] Mixed { get; } =
    [
        TimmOperationKind.AutoContrast,
        TimmOperationKind.ColorIncreasing,
        TimmOperationKind.ContrastIncreasing,
        TimmOperationKind.BrightnessIncreasing,
        TimmOperationKind.SharpnessIncreasing,
        TimmOperationKind.Equalize,
        TimmOperationKind.Rotate,
        TimmOperationKind.PosterizeIncreasing,
        TimmOperationKind.SolarizeIncreasing,
        TimmOperationKind.ShearX,
        TimmOperationKind.ShearY,
        TimmOperationKind.TranslateXRel,
        TimmOperationKind.TranslateYRel,
    ];

    /// <summary>"t3a".</summary>
    public static TimmOperationKind[] Three { get; } =
    [TimmOperationKind.SolarizeIncreasing, TimmOperationKind.Desaturate, TimmOperationKind.GaussianBlur];

    /// <summary>"tweights".</summary>
    public static IReadOnlyDictionary<TimmOperationKind, double> Weighted { get; } =
        new Dictionary<TimmOperationKind, double>
        {
            [TimmOperationKind.Rotate] = 3,
            [TimmOperationKind.ShearX] = 2,
            [TimmOperationKind.ShearY] = 2,
            [TimmOperationKind.TranslateXRel] = 1,
            [TimmOperationKind.TranslateYRel] = 1,
            [TimmOperationKind.ColorIncreasing] = 0.25,
            [TimmOperationKind.SharpnessIncreasing] = 0.25,
            [TimmOperationKind.AutoContrast] = 0.25,
            [TimmOperationKind.SolarizeIncreasing] = 0.05,
            [TimmOperationKind.SolarizeAdd] = 0.05,
            [TimmOperationKind.ContrastIncreasing] = 0.05,
            [TimmOperationKind.BrightnessIncreasing] = 0.05,
            [TimmOperationKind.Equalize] = 0.05,
            [TimmOperationKind.PosterizeIncreasing] = 0.05,
            [TimmOperationKind.Invert] = 0.05,
        };

    /// <summary>"t3aw".</summary>
    public static IReadOnlyDictionary<TimmOperationKind, double> WeightedThree { get; } =
        new Dictionary<TimmOperationKind, double>
        {
            [TimmOperationKind.SolarizeIncreasing] = 6,
            [TimmOperationKind.Desaturate] = 6,
            [TimmOperationKind.GaussianBlur] = 6,
            [TimmOperationKind.Rotate] = 3,
            [TimmOperationKind.ShearX] = 2,
            [TimmOperationKind.ShearY] = 2,
            [TimmOperationKind.PosterizeIncreasing] = 1,
            [TimmOperationKind.AutoContrast] = 1,
            [TimmOperationKind.ColorIncreasing] = 1,
            [TimmOperationKind.SharpnessIncreasing] = 1,
            [TimmOperationKind.ContrastIncreasing] = 1,
            [TimmOperationKind.BrightnessIncreasing] = 1,
            [TimmOperationKind.Equalize] = 1,
            [TimmOperationKind.Invert] = 1,
        };

    /// <summary>EfficientNet's policy of its TPU implementation, of no paper.</summary>
    private static readonly SubPolicy[] s_v0 =
    [
        new(Equalize, 0.8, 1, ShearY, 0.8, 4),
        new(Color, 0.4, 9, Equalize, 0.6, 3),
        new(Color, 0.4, 1, Rotate, 0.6, 8),
        new(Solarize, 0.8, 3, Equalize, 0.4, 7),
        new(Solarize, 0.4, 2, Solarize, 0.6, 2),
        new(Color, 0.2, 0, Equalize, 0.8, 8),
        new(Equalize, 0.4, 8, SolarizeAdd, 0.8, 3),
        new(ShearX, 0.2, 9, Rotate, 0.6, 8),
        new(Color, 0.6, 1, Equalize, 1.0, 2),
        new(Invert, 0.4, 9, Rotate, 0.6, 0),
        new(Equalize, 1.0, 9, ShearY, 0.6, 3),
        new(Color, 0.4, 7, Equalize, 0.6, 0),
        new(Posterize, 0.4, 6, AutoContrast, 0.4, 7),
        new(Solarize, 0.6, 8, Color, 0.6, 9),
        new(Solarize, 0.2, 4, Rotate, 0.8, 9),
        new(Rotate, 1.0, 7, TranslateY, 0.8, 9),
        new(ShearX, 0.0, 0, Solarize, 0.8, 4),
        new(ShearY, 0.8, 0, Color, 0.6, 4),
        new(Color, 1.0, 0, Rotate, 0.6, 2),
        new(Equalize, 0.8, 4, Equalize, 0.0, 8),
        new(Equalize, 1.0, 4, AutoContrast, 0.6, 2),
        new(ShearY, 0.4, 7, SolarizeAdd, 0.6, 7),
        new(Posterize, 0.8, 2, Solarize, 0.6, 10),
        new(Solarize, 0.6, 8, Equalize, 0.6, 1),
        new(Color, 0.8, 6, Rotate, 0.4, 5),
    ];

    /// <summary>A policy's lists of operations, one of which is applied to an image.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    public static TimmOperation[][] Of(string name) =>
        name switch
        {
            "original" => Pairs(AutoAugmentPolicies.Of(AutoAugmentPolicy.Imagenet), TimmOperationKind.PosterizeOriginal),
            "originalr" => Pairs(AutoAugmentPolicies.Of(AutoAugmentPolicy.Imagenet), TimmOperationKind.PosterizeIncreasing),
            "v0" => Pairs(s_v0, TimmOperationKind.Posterize),
            "v0r" => Pairs(s_v0, TimmOperationKind.PosterizeIncreasing),
            _ =>
            [
                [new(TimmOperationKind.Solarize, 1, 5)],
                [new(TimmOperationKind.Desaturate, 1, 10)],
                [new(TimmOperationKind.GaussianBlurRand, 1, 10)],
            ],
        };

    private static TimmOperation[][] Pairs(SubPolicy[] policies, TimmOperationKind posterize) =>
        Array.ConvertAll(
            policies,
            pair =>
                new TimmOperation[]
                {
                    new(Kind(pair.First, posterize), pair.Chance, pair.Step),
                    new(Kind(pair.Second, posterize), pair.SecondChance, pair.SecondStep),
                }
        );

    private static TimmOperationKind Kind(AugmentOperation operation, TimmOperationKind posterize) =>
        operation switch
        {
            Posterize => posterize,
            TranslateY => TimmOperationKind.TranslateYRel,
            _ => Enum.Parse<TimmOperationKind>(operation.ToString()),
        };

    private static TimmOperationKind Rising(TimmOperationKind kind) =>
        kind switch
        {
            TimmOperationKind.Posterize => TimmOperationKind.PosterizeIncreasing,
            TimmOperationKind.Solarize => TimmOperationKind.SolarizeIncreasing,
            TimmOperationKind.Color => TimmOperationKind.ColorIncreasing,
            TimmOperationKind.Contrast => TimmOperationKind.ContrastIncreasing,
            TimmOperationKind.Brightness => TimmOperationKind.BrightnessIncreasing,
            TimmOperationKind.Sharpness => TimmOperationKind.SharpnessIncreasing,
            _ => kind,
        };
}
