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
        var image = sample.Image!;
        var factor = 1 + sign * 0.9 * _strength;
        var shear = (float)(sign * 0.3 * _strength);
        var shift = sign * 150.0 / 331 * _strength;
        switch (operation)
        {
            case Operation.ShearX:
                Warp(new Matrix3x2(1, 0, shear, 1, 0, 0));
                break;
            case Operation.ShearY:
                Warp(new Matrix3x2(1, shear, 0, 1, 0, 0));
                break;
            case Operation.TranslateX:
                Warp(Matrix3x2.CreateTranslation((int)(shift * image.Width), 0));
                break;
            case Operation.TranslateY:
                Warp(Matrix3x2.CreateTranslation(0, (int)(shift * image.Height)));
                break;
            case Operation.Rotate:
                Warp(
                    Matrix3x2.CreateRotation(
                        (float)(-sign * 30 * _strength * Math.PI / 180),
                        new Vector2(image.Width / 2f, image.Height / 2f)
                    )
                );
                break;
            case Operation.Brightness:
                sample.Image = ColorOperations.Brightness(image, factor);
                break;
            case Operation.Color:
                sample.Image = ColorOperations.Saturation(image, factor);
                break;
            case Operation.Contrast:
                sample.Image = ColorOperations.Contrast(image, factor);
                break;
            case Operation.Sharpness:
                sample.Image = ColorOperations.Sharpness(image, factor);
                break;
            case Operation.Posterize:
                sample.Image = ColorOperations.Posterize(image, 8 - (int)Math.Round(4 * _strength));
                break;
            case Operation.Solarize:
                sample.Image = ColorOperations.Solarize(image, 255 * (1 - _strength));
                break;
            case Operation.AutoContrast:
                sample.Image = ColorOperations.AutoContrast(image);
                break;
            case Operation.Equalize:
                sample.Image = ColorOperations.Equalize(image);
                break;
        }

        void Warp(Matrix3x2 step)
        {
            if (!step.IsIdentity)
                Warping.Warp(sample, step, image.Height, image.Width, _options.Interpolation, _options.PadVal ?? [0]);
        }
    }
}
