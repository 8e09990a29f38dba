using System.ComponentModel.DataAnnotations;
using Tessera.Framework.Components;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="Prob">How often the colours are taken away.</param>
public sealed record RandomGrayscaleOptions([property: Range(0.0, 1.0)] double Prob = 0.1);

/// <summary>Replaces the colours by their gray, with a given probability; the channels stay. 8-bit images.</summary>
[Component("RandomGrayscale")]
public sealed class RandomGrayscale(RandomGrayscaleOptions options) : Transform
{
    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (!random.Chance(options.Prob))
            return sample;
        ColorOperations.Check(sample, "RandomGrayscale");
        sample.Image = new(ColorOperations.Grayscale(SampleGeometry.ImageOf(sample)));
        return sample;
    }
}
