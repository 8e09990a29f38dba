using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="NumMagnitudeBins">Steps from no change to the strongest; which of them is drawn for each image.</param>
/// <param name="Interpolation">For shears, shifts and turns: nearest, bilinear or bicubic.</param>
/// <param name="PadVal">What fills the corners: one value, or one per channel. By default 0.</param>
public sealed record TrivialAugmentOptions(
    [property: Range(2, 1001)] int NumMagnitudeBins = 31,
    Interpolation Interpolation = Interpolation.Nearest,
    double[]? PadVal = null
);

/// <summary>One operation of fourteen, of a strength drawn from wide ranges. 8-bit images; boxes and maps follow shears, shifts and
/// turns.</summary>
/// <remarks>Müller and Hutter, "TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation", ICCV 2021, arXiv:2103.10158;
/// operations, ranges and pixels are those of torchvision 0.14's TrivialAugmentWide on images of Pillow.</remarks>
[Component("TrivialAugment")]
public sealed class TrivialAugment : Transform
{
    private readonly TrivialAugmentOptions _options;
    private readonly double[] _fill;

    public TrivialAugment(TrivialAugmentOptions options)
    {
        Images.Geometry.PillowWarp.RequireKnown(options.Interpolation);
        (_options, _fill) = (options, options.PadVal ?? [0]);
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        ColorOperations.Check(sample, "TrivialAugment");
        var operation = (AugmentOperation)random.Next(RandAugment.Operations);
        var step = random.Next(_options.NumMagnitudeBins);
        Apply(sample, operation, step, random.Chance(0.5) ? -1 : 1);
        return sample;
    }

    /// <summary>Applies what was drawn.</summary>
    internal void Apply(Sample sample, AugmentOperation operation, int step, int sign)
    {
        var (height, width) = SampleGeometry.SizeOf(sample);
        var value = MagnitudeRanges.Wide.At(operation, step, _options.NumMagnitudeBins, sign, height, width);
        AugmentOperations.Apply(sample, operation, value, _options.Interpolation, _fill);
    }
}
