namespace Tessera.Datasets.Transforms;

/// <summary>The operations that AutoAugment and the recipes after it draw from.</summary>
internal enum AugmentOperation
{
    Identity,

    /// <summary>By pixels to the left for each pixel down.</summary>
    ShearX,

    /// <summary>By pixels up for each pixel to the right.</summary>
    ShearY,

    /// <summary>By pixels to the right.</summary>
    TranslateX,

    /// <summary>By pixels down.</summary>
    TranslateY,

    /// <summary>By degrees, counterclockwise, about the middle.</summary>
    Rotate,

    /// <summary>By a factor.</summary>
    Brightness,

    /// <summary>Saturation, by a factor.</summary>
    Color,

    /// <summary>By a factor.</summary>
    Contrast,

    /// <summary>By a factor.</summary>
    Sharpness,

    /// <summary>To a number of bits.</summary>
    Posterize,

    /// <summary>From a threshold on.</summary>
    Solarize,

    AutoContrast,
    Equalize,
    Invert,

    /// <summary>A number added to values below 128.</summary>
    SolarizeAdd,

    /// <summary>By a Gaussian's deviation in pixels.</summary>
    Blur,
}
