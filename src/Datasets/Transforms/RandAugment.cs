using System.ComponentModel.DataAnnotations;
using System.Numerics;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Components;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="NumOps">Operations applied one after another, each drawn anew.</param>
/// <param name="Magnitude">Strength, an index into num_magnitude_bins steps.</param>
/// <param name="NumMagnitudeBins">Steps from no change to the strongest.</param>
/// <param name="Interpolation">For shears, shifts and turns: nearest, bilinear, bicubic or lanczos.</param>
/// <param name="PadVal">What fills the corners: one value, or one per channel. By default 0.</param>
public sealed record RandAugmentOptions(
    [property: Range(1, 14)] int NumOps = 2,
    [property: Range(0, 1000)] int Magnitude = 9,
    [property: Range(2, 1001)] int NumMagnitudeBins = 31,
    Interpolation Interpolation = Interpolation.Nearest,
    double[]? PadVal = null
);

/// <summary>A few operations drawn from fourteen, all of one strength. 8-bit images; boxes and maps follow shears, shifts and
/// turns.</summary>
/// <remarks>Cubuk et al., "RandAugment", NeurIPS 2020, arXiv:1909.13719; operations and ranges are those of torchvision.</remarks>
[Component("RandAugment")]
public sealed class RandAugment : Transform
{
    private enum Operation
    {
        Identity,
        ShearX,
        ShearY,
        TranslateX,
        TranslateY,
        Rotate,
        Brightness,
        Color,
        Contrast,
        Sharpness,
        Posterize,
        Solarize,
        AutoContrast,
        Equalize,
    }

    private static readonly int Operations = Enum.GetValues<Operation>().Length;

    private readonly RandAugmentOptions _options;
    private readonly double _strength;

    public RandAugment(RandAugmentOptions options)
    {
        if (options.Magnitude >= options.NumMagnitudeBins)
            throw new Framework.Errors.UserErrorException(
                $"RandAugment: magnitude {options.Magnitude} must be below num_magnitude_bins, {options.NumMagnitudeBins}."
            );
        _options = options;
        _strength = options.Magnitude / (options.NumMagnitudeBins - 1.0);
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        ColorOperations.Check(sample, "RandAugment");
        for (var i = 0; i < _options.NumOps; i++)
            Apply(sample, (Operation)random.Next(Operations), random.Chance(0.5) ? -1 : 1);
        return sample;
    }

    private void Apply(Sample sample, Operation operation, int sign)
    {
        var image = SampleGeometry.ImageOf(sample);
        if (Step(image, operation, sign) is { } step)
        {
            if (!step.IsIdentity)
                Warping.Warp(sample, step, image.Height, image.Width, _options.Interpolation, _options.PadVal ?? [0]);
        }
        else if (operation != Operation.Identity)
        {
            sample.Image = new(Recolored(image, operation, 1 + sign * 0.9 * _strength));
        }
    }

    /// <summary>Where points of the image go; null for an operation that moves nothing.</summary>
    private Matrix3x2? Step(Image image, Operation operation, int sign)
    {
        var shear = (float)(sign * 0.3 * _strength);
        var shift = sign * 150.0 / 331 * _strength;
        return operation switch
        {
            Operation.ShearX => new Matrix3x2(1, 0, shear, 1, 0, 0),
            Operation.ShearY => new Matrix3x2(1, shear, 0, 1, 0, 0),
            Operation.TranslateX => Matrix3x2.CreateTranslation((int)(shift * image.Width), 0),
            Operation.TranslateY => Matrix3x2.CreateTranslation(0, (int)(shift * image.Height)),
            Operation.Rotate => Matrix3x2.CreateRotation(
                (float)(-sign * 30 * _strength * Math.PI / 180),
                new Vector2(image.Width / 2f, image.Height / 2f)
            ),
            _ => null,
        };
    }

    private Image Recolored(Image image, Operation operation, double factor) =>
        operation switch
        {
            Operation.Brightness => ColorOperations.Brightness(image, factor),
            Operation.Color => ColorOperations.Saturation(image, factor),
            Operation.Contrast => ColorOperations.Contrast(image, factor),
            Operation.Sharpness => ColorOperations.Sharpness(image, factor),
            Operation.Posterize => ColorOperations.Posterize(image, 8 - (int)Math.Round(4 * _strength)),
            Operation.Solarize => ColorOperations.Solarize(image, 255 * (1 - _strength)),
            Operation.AutoContrast => ColorOperations.AutoContrast(image),
            _ => ColorOperations.Equalize(image),
        };
}
