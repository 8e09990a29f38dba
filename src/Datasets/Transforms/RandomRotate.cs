using System.ComponentModel.DataAnnotations;
using System.Numerics;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Transforms;

/// <param name="Degrees">The angle, counterclockwise, is drawn between these two; one number d means [-d, d].</param>
/// <param name="Prob">How often the image is turned.</param>
/// <param name="Expand">Make the result large enough for the whole turned image; otherwise the size stays and corners are lost.</param>
/// <param name="Interpolation">nearest, bilinear, bicubic or lanczos; labels and masks are always picked (nearest).</param>
/// <param name="PadVal">What fills the corners: one value, or one per channel. By default 0.</param>
/// <param name="SegPadVal">What fills them in segmentation maps. By default "ignore": 255 (65535 in 16 bits).</param>
public sealed record RandomRotateOptions(
    [property: Length(1, 2)] double[] Degrees,
    [property: Range(0.0, 1.0)] double Prob = 1,
    bool Expand = false,
    Interpolation Interpolation = Interpolation.Bilinear,
    double[]? PadVal = null,
    [property: Range(0, 65535)] int? SegPadVal = null
);

/// <summary>Turns the sample about its middle by a random angle.</summary>
[Component("RandomRotate")]
public sealed class RandomRotate : Transform
{
    private readonly RandomRotateOptions _options;
    private readonly double _low,
        _high;

    public RandomRotate(RandomRotateOptions options)
    {
        _options = options;
        (_low, _high) = options.Degrees is [var one] ? (-Math.Abs(one), Math.Abs(one)) : (options.Degrees[0], options.Degrees[1]);
        if (!(_low <= _high))
            throw new UserErrorException($"RandomRotate: degrees [{_low}, {_high}] is no range.");
    }

    public override bool LosesObjects => true;

    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (!random.Chance(_options.Prob))
            return sample;
        var (height, width) = SampleGeometry.SizeOf(sample);
        var radians = random.Uniform(_low, _high) * Math.PI / 180;
        var (newHeight, newWidth) = (height, width);
        if (_options.Expand)
        {
            var (cos, sin) = (Math.Abs(Math.Cos(radians)), Math.Abs(Math.Sin(radians)));
            newWidth = (int)Math.Ceiling(width * cos + height * sin - 1e-6);
            newHeight = (int)Math.Ceiling(width * sin + height * cos - 1e-6);
        }
        var step =
            Matrix3x2.CreateTranslation(-width / 2f, -height / 2f)
            * Matrix3x2.CreateRotation((float)-radians) // y points down
            * Matrix3x2.CreateTranslation(newWidth / 2f, newHeight / 2f);
        Warping.Warp(sample, step, newHeight, newWidth, _options.Interpolation, _options.PadVal ?? [0], _options.SegPadVal);
        return sample;
    }
}
