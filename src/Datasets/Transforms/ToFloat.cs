using System.ComponentModel.DataAnnotations;
using Tessera.Framework.Components;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="DivValue">Pixels are divided by it: 255 brings 8-bit images to 0 .. 1.</param>
public sealed record ToFloatOptions([property: Range(1e-6, 1e6)] double DivValue = 255);

/// <summary>Pixels as floats, divided by a constant.</summary>
[Component("ToFloat")]
public sealed class ToFloat(ToFloatOptions options) : Transform
{
    private readonly Normalization _scale = new([0], [(float)options.DivValue]);

    public override Sample Apply(Sample sample, RandomSource random)
    {
        _ = SampleGeometry.ImageOf(sample);
        sample.Image!.Normalize(_scale);
        return sample;
    }
}
