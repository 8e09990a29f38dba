using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="HueDelta">A value drawn from [-x, x], in units of 2 degrees, is added to the hue.</param>
/// <param name="SaturationDelta">A value drawn from [-x, x] is added to the saturation, of which there are 255 steps.</param>
/// <param name="ValueDelta">A value drawn from [-x, x] is added to the value, of which there are 255 steps.</param>
public sealed record RandomHsvOptions(
    [property: Range(0.0, 90.0)] double HueDelta = 5,
    [property: Range(0.0, 255.0)] double SaturationDelta = 30,
    [property: Range(0.0, 255.0)] double ValueDelta = 30
);

/// <summary>Shifts hue, saturation and value, each in every second image. 8-bit images; gray ones have a value alone.</summary>
/// <remarks>As in Ge et al., "YOLOX", 2021, arXiv:2107.08430; MMDetection's YOLOXHSVRandomAug.</remarks>
[Component("RandomHsv")]
public sealed class RandomHsv(RandomHsvOptions options) : Transform
{
    public override Sample Apply(Sample sample, RandomSource random)
    {
        ColorOperations.Check(sample, "RandomHsv");
        // All numbers are drawn whatever is used, so that one option doesn't change the others' numbers.
        var hue = Drawn(options.HueDelta);
        var saturation = Drawn(options.SaturationDelta);
        var value = Drawn(options.ValueDelta);
        sample.Image = new(ColorOperations.ShiftHsv(SampleGeometry.ImageOf(sample), hue / 180, (int)saturation, (int)value));
        return sample;

        double Drawn(double most)
        {
            var happens = random.Chance(0.5);
            var shift = random.Uniform(-most, most);
            return happens ? shift : 0;
        }
    }
}
