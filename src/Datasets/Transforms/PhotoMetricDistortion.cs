using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="BrightnessDelta">A value drawn from [-x, x] is added to every channel.</param>
/// <param name="ContrastRange">Every channel is multiplied by a value drawn between these two. By default [0.5, 1.5].</param>
/// <param name="SaturationRange">The saturation is multiplied by a value drawn between these two. By default [0.5, 1.5].</param>
/// <param name="HueDelta">A value drawn from [-x, x], in units of 2 degrees, is added to the hue.</param>
/// <param name="Prob">How often each of the four happens.</param>
public sealed record PhotoMetricDistortionOptions(
    [property: Range(0.0, 255.0)] double BrightnessDelta = 32,
    [property: Length(2, 2)] double[]? ContrastRange = null,
    [property: Length(2, 2)] double[]? SaturationRange = null,
    [property: Range(0.0, 90.0)] double HueDelta = 18,
    [property: Range(0.0, 1.0)] double Prob = 0.5
);

/// <summary>Random brightness, contrast, saturation and hue, each by chance; contrast comes before the colours or after them. 8-bit images;
/// gray ones keep to brightness and contrast.</summary>
/// <remarks>
/// Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016, arXiv:1512.02325, with the ranges of MMSegmentation. Saturation and hue
/// change in
/// one passage through HSV, so values differ from two passages' by their rounding.
/// </remarks>
[Component("PhotoMetricDistortion")]
public sealed class PhotoMetricDistortion : Transform
{
    private readonly PhotoMetricDistortionOptions _options;
    private readonly double[] _contrast,
        _saturation;

    public PhotoMetricDistortion(PhotoMetricDistortionOptions options)
    {
        _options = options;
        _contrast = RangeOf(options.ContrastRange, "contrast_range");
        _saturation = RangeOf(options.SaturationRange, "saturation_range");
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        ColorOperations.Check(sample, "PhotoMetricDistortion");
        // All numbers are drawn whatever is used, so that one option doesn't change the others' numbers.
        var brightness = Drawn(-_options.BrightnessDelta, _options.BrightnessDelta, 0);
        var contrastFirst = random.Chance(0.5);
        var contrast = Drawn(_contrast[0], _contrast[1], 1);
        var saturation = Drawn(_saturation[0], _saturation[1], 1);
        var hue = Drawn(-_options.HueDelta, _options.HueDelta, 0);

        var image = SampleGeometry.ImageOf(sample);
        image = ColorOperations.BrightnessAndContrast(image, brightness, contrastFirst ? contrast : 1);
        image = ColorOperations.SaturationAndHue(image, saturation, hue / 180);
        if (!contrastFirst)
            image = ColorOperations.BrightnessAndContrast(image, 0, contrast);
        sample.Image = new(image);
        return sample;

        double Drawn(double low, double high, double otherwise)
        {
            var happens = random.Chance(_options.Prob);
            var value = random.Uniform(low, high);
            return happens ? value : otherwise;
        }
    }

    private static double[] RangeOf(double[]? range, string name)
    {
        range ??= [0.5, 1.5];
        return range[0] >= 0 && range[0] <= range[1]
            ? range
            : throw new UserErrorException($"PhotoMetricDistortion: {name} [{range[0]}, {range[1]}] is no range of positive factors.");
    }
}
