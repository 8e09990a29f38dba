using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="RatioRange">Both sides of the ground are this many times the image's, drawn evenly between these two. By default
/// [1, 4].</param>
/// <param name="Prob">How often it is done.</param>
/// <param name="PadVal">What the ground is: one value, or one per channel. By default 0; SSD takes the images' mean.</param>
/// <param name="SegPadVal">What it is in segmentation maps. By default "ignore": 255 (65535 in 16 bits).</param>
public sealed record ExpandOptions(
    [property: Length(2, 2)] double[]? RatioRange = null,
    [property: Range(0.0, 1.0)] double Prob = 0.5,
    double[]? PadVal = null,
    [property: Range(0, 65535)] int? SegPadVal = null
);

/// <summary>Lays the image somewhere on a larger ground, so that its objects are small ones when it is resized ("zooming out").</summary>
/// <remarks>Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016, arXiv:1512.02325, section 3.6. MMDetection's step of this name,
/// torchvision's RandomZoomOut.</remarks>
[Component("Expand")]
public sealed class Expand : Transform
{
    private const double Most = 16; // times a side

    private readonly ExpandOptions _options;
    private readonly double[] _ratio;

    /// <exception cref="UserErrorException">The ratios don't rise from 1 to 16 at most.</exception>
    public Expand(ExpandOptions options)
    {
        (_options, _ratio) = (options, options.RatioRange ?? [1, 4]);
        if (!(_ratio[0] >= 1 && _ratio[0] <= _ratio[1] && _ratio[1] <= Most))
            throw new UserErrorException($"Expand: ratio_range [{_ratio[0]}, {_ratio[1]}] must rise and lie between 1 and {Most}.");
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (!random.Chance(_options.Prob))
            return sample;
        var (height, width) = SampleGeometry.SizeOf(sample);
        var ratio = random.Uniform(_ratio[0], _ratio[1]);
        var (above, before) = ((int)(height * ratio) - height, (int)(width * ratio) - width);
        var (top, left) = (random.Next(above + 1), random.Next(before + 1));
        Cropping.Pad(sample, left, top, before - left, above - top, _options.PadVal ?? [0], segmentationFill: _options.SegPadVal);
        return sample;
    }
}
