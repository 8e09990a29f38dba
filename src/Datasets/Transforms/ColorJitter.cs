using System.ComponentModel.DataAnnotations;
using Tessera.Framework.Components;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="Brightness">The factor is drawn from [max(0, 1 - x), 1 + x].</param>
/// <param name="Contrast">The factor is drawn from [max(0, 1 - x), 1 + x].</param>
/// <param name="Saturation">The factor is drawn from [max(0, 1 - x), 1 + x]. Gray images have none.</param>
/// <param name="Hue">The shift, as a part of a full turn, is drawn from [-x, x]. Gray images have none.</param>
/// <param name="Prob">How often the image is changed.</param>
public sealed record ColorJitterOptions(
    [property: Range(0.0, 100.0)] double Brightness = 0,
    [property: Range(0.0, 100.0)] double Contrast = 0,
    [property: Range(0.0, 100.0)] double Saturation = 0,
    [property: Range(0.0, 0.5)] double Hue = 0,
    [property: Range(0.0, 1.0)] double Prob = 1
);

/// <summary>Random brightness, contrast, saturation and hue, in random order. 8-bit images.</summary>
[Component("ColorJitter")]
public sealed class ColorJitter(ColorJitterOptions options) : Transform
{
    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (!random.Chance(options.Prob))
            return sample;
        ColorOperations.Check(sample, "ColorJitter");
        var image = SampleGeometry.ImageOf(sample);
        foreach (var step in random.Permutation(4))
        {
            image = step switch
            {
                0 when options.Brightness > 0 => ColorOperations.Brightness(image, Factor(options.Brightness)),
                1 when options.Contrast > 0 => ColorOperations.Contrast(image, Factor(options.Contrast)),
                2 when options.Saturation > 0 => ColorOperations.Saturation(image, Factor(options.Saturation)),
                3 when options.Hue > 0 => ColorOperations.Hue(image, random.Uniform(-options.Hue, options.Hue)),
                _ => image,
            };
        }
        sample.Image = new(image);
        return sample;

        double Factor(double strength) => random.Uniform(Math.Max(0, 1 - strength), 1 + strength);
    }
}
