using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Corruptions;

/// <summary>Corrupts images as they are corrupted to measure how well models bear it.</summary>
/// <remarks>
/// Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations", 2019, arXiv:1903.12261; for
/// images of any size Michaelis and others, 2019, arXiv:1907.07484, whose package imagecorruptions gives the constants and, from the same
/// random numbers, the same pixels within a grey level. Two things differ. Frost is drawn in code: the package lays photographs over the
/// image. Random numbers come from a source that the caller seeds, so that an image's corruption does not depend on what was read before.
/// Colours are taken for red, green, blue.
/// </remarks>
public static class Corruption
{
    /// <summary>The strongest severity; 1 is the weakest.</summary>
    public const int MostSevere = 5;

    /// <summary>The benchmark's 15.</summary>
    public static IReadOnlyList<CorruptionKind> Common { get; } =
    [.. Enum.GetValues<CorruptionKind>().Where(kind => kind <= CorruptionKind.JpegCompression)];

    /// <summary>All 19.</summary>
    public static IReadOnlyList<CorruptionKind> All { get; } = Enum.GetValues<CorruptionKind>();

    /// <param name="image">One channel or three, of 8 or 16 bits.</param>
    /// <param name="severity">1 to 5.</param>
    /// <returns>An image of the same size and type.</returns>
    /// <exception cref="UserErrorException">The image has other channels, or floats.</exception>
    public static Image Apply(Image image, CorruptionKind kind, int severity, RandomSource random)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(severity, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(severity, MostSevere);
        if (image.Channels is not (1 or 3) || image.Type == PixelType.Float32)
            throw new UserErrorException(
                $"Images of {image.Channels} channels of {image.Type} can't be corrupted; 1 or 3 of 8 or 16 bits were expected. "
                    + "Corrupt stands right after LoadImage, before steps that make floats."
            );
        if (kind == CorruptionKind.JpegCompression && image.Type == PixelType.UInt8)
            return DigitalCorruptions.Jpeg(image, severity);
        if (kind == CorruptionKind.Pixelate)
            return DigitalCorruptions.Pixelate(image, severity);
        return Of(Raster.Of(image), kind, severity - 1, random).ToImage(image.Type);
    }

    private static Raster Of(Raster image, CorruptionKind kind, int level, RandomSource random) =>
        kind switch
        {
            CorruptionKind.GaussianNoise => NoiseCorruptions.Gaussian(image, level, random),
            CorruptionKind.ShotNoise => NoiseCorruptions.Shot(image, level, random),
            CorruptionKind.ImpulseNoise => NoiseCorruptions.Impulse(image, level, random),
            CorruptionKind.SpeckleNoise => NoiseCorruptions.Speckle(image, level, random),
            CorruptionKind.DefocusBlur => BlurCorruptions.Defocus(image, level),
            CorruptionKind.GlassBlur => BlurCorruptions.Glass(image, level, random),
            CorruptionKind.MotionBlur => BlurCorruptions.Motion(image, level, random),
            CorruptionKind.ZoomBlur => BlurCorruptions.Zoom(image, level),
            CorruptionKind.GaussianBlur => BlurCorruptions.Gaussian(image, level),
            CorruptionKind.Snow => WeatherCorruptions.Snow(image, level, random),
            CorruptionKind.Frost => FrostCorruption.Apply(image, level, random),
            CorruptionKind.Fog => WeatherCorruptions.Fog(image, level, random),
            CorruptionKind.Spatter => SpatterCorruption.Apply(image, level, random),
            CorruptionKind.Brightness => ColorCorruptions.Brightness(image, level),
            CorruptionKind.Contrast => ColorCorruptions.Contrast(image, level),
            CorruptionKind.Saturate => ColorCorruptions.Saturate(image, level),
            CorruptionKind.ElasticTransform => DigitalCorruptions.Elastic(image, level, random),
            // 16 bits, which JPEG files don't hold
            _ => Raster.Of(DigitalCorruptions.Jpeg(image.ToImage(PixelType.UInt8), level + 1)),
        };
}
