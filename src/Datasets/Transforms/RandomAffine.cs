using System.Numerics;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="MaxRotateDegree">The angle is drawn from [-x, x].</param>
/// <param name="MaxTranslateRatio">The shift along an axis, as a part of the result's side, is drawn from [-x, x].</param>
/// <param name="ScalingRatioRange">The scale is drawn between these two. By default [0.5, 1.5].</param>
/// <param name="MaxShearDegree">The angle of shear along each axis is drawn from [-x, x].</param>
/// <param name="Border">Pixels that the result has more than the image on every side, below 0 fewer: height and width, or one number for
/// both. By default 0.</param>
/// <param name="BorderVal">What lies outside the image: one value, or one per channel. By default 114.</param>
public sealed record RandomAffineOptions(
    [property: Range(0.0, 180.0)] double MaxRotateDegree = 10,
    [property: Range(0.0, 1.0)] double MaxTranslateRatio = 0.1,
    [property: Length(2, 2)] double[]? ScalingRatioRange = null,
    [property: Range(0.0, 80.0)] double MaxShearDegree = 2,
    [property: Length(1, 2)] int[]? Border = null,
    double[]? BorderVal = null
);

/// <summary>Scales, turns, shears and shifts the sample, about its upper left corner. Boxes that are left with nothing are
/// dropped.</summary>
/// <remarks>As MMDetection has it for YOLOX (Ge et al., 2021, arXiv:2107.08430): after a <see cref="Mosaic"/> a border of minus half its
/// <c>size</c> gives a picture of that size again.</remarks>
[Component("RandomAffine")]
public sealed class RandomAffine : Transform
{
    private readonly RandomAffineOptions _options;
    private readonly double[] _scale;

    public RandomAffine(RandomAffineOptions options)
    {
        (_options, _scale) = (options, options.ScalingRatioRange ?? [0.5, 1.5]);
        if (!(_scale[0] > 0 && _scale[0] <= _scale[1] && _scale[1] <= 100))
            throw new UserErrorException(
                $"RandomAffine: scaling_ratio_range [{_scale[0]}, {_scale[1]}] must rise and lie between 0 and 100."
            );
    }

    public override bool LosesObjects => true;

    public override Sample Apply(Sample sample, RandomSource random)
    {
        var (oldHeight, oldWidth) = SampleGeometry.SizeOf(sample);
        var border = _options.Border ?? [0];
        var (height, width) = (oldHeight + (2 * border[0]), oldWidth + (2 * border[^1]));
        if (height < 1 || width < 1)
            throw new UserErrorException(
                $"{sample.Name}: RandomAffine takes {-border[0]} rows and {-border[^1]} columns from every side of an image of "
                    + $"{oldHeight} x {oldWidth} pixels, which leaves nothing; border must be smaller than half of it."
            );
        var angle = -Radians(Drawn(_options.MaxRotateDegree)); // y points down
        var scale = random.Uniform(_scale[0], _scale[1]);
        var (shearX, shearY) = (Math.Tan(Radians(Drawn(_options.MaxShearDegree))), Math.Tan(Radians(Drawn(_options.MaxShearDegree))));
        var (right, down) = (Drawn(_options.MaxTranslateRatio) * width, Drawn(_options.MaxTranslateRatio) * height);
        var step =
            Matrix3x2.CreateScale((float)scale)
            * Matrix3x2.CreateRotation((float)angle)
            * new Matrix3x2(1, (float)shearY, (float)shearX, 1, 0, 0)
            * Matrix3x2.CreateTranslation((float)right, (float)down);
        Warping.Warp(sample, step, height, width, Interpolation.Bilinear, _options.BorderVal ?? [114]);
        return sample;

        double Drawn(double most) => random.Uniform(-most, most);
    }

    private static double Radians(double degrees) => degrees * Math.PI / 180;
}
