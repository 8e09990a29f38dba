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
    /// <summary>The first of <see cref="AugmentOperation"/>, which are drawn from.</summary>
    internal const int Operations = (int)AugmentOperation.Equalize + 1;

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
            Apply(sample, (AugmentOperation)random.Next(Operations), random.Chance(0.5) ? -1 : 1);
        return sample;
    }

    private void Apply(Sample sample, AugmentOperation operation, int sign)
    {
        var image = SampleGeometry.ImageOf(sample);
        var value = MagnitudeRanges.Usual.At(operation, _strength, sign, image.Height, image.Width);
        if (Step(image, operation, value) is not { } step)
            sample.Image = new(AugmentOperations.Recolored(image, operation, value));
        else if (!step.IsIdentity)
            Warping.Warp(sample, step, image.Height, image.Width, _options.Interpolation, _options.PadVal ?? [0]);
    }

    /// <summary>Where points of the image go; null for an operation that moves nothing.</summary>
    private static Matrix3x2? Step(Image image, AugmentOperation operation, double value) =>
        operation switch
        {
            AugmentOperation.ShearX => new Matrix3x2(1, 0, (float)value, 1, 0, 0),
            AugmentOperation.ShearY => new Matrix3x2(1, (float)value, 0, 1, 0, 0),
            AugmentOperation.TranslateX => Matrix3x2.CreateTranslation((int)value, 0),
            AugmentOperation.TranslateY => Matrix3x2.CreateTranslation(0, (int)value),
            AugmentOperation.Rotate => Matrix3x2.CreateRotation(
                (float)(-value * Math.PI / 180),
                new Vector2(image.Width / 2f, image.Height / 2f)
            ),
            _ => null,
        };
}
