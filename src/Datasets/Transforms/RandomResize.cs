using System.ComponentModel.DataAnnotations;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Transforms;

/// <param name="RatioRange">The scale is drawn uniformly between these two.</param>
/// <param name="Size">What the scale refers to: the size that the image is fitted into at scale 1; by default the image's own.</param>
/// <param name="ShorterSides">The shorter side becomes one of these, drawn at random; with ratio_range, times the scale.</param>
/// <param name="MaxLongerSide">With shorter_sides: the longer side becomes no longer than this; with ratio_range, times the scale.</param>
/// <param name="Interpolation">The filter for image and extra maps; labels and masks are always picked (nearest).</param>
/// <param name="Antialias">Filter over all pixels that become one when shrinking. Only for the pillow backend.</param>
/// <param name="Backend">pillow: antialiased; opencv: as OpenMMLab's pipelines resize.</param>
public sealed record RandomResizeOptions(
    [property: Length(2, 2)] double[]? RatioRange = null,
    HeightWidth? Size = null,
    [property: MinLength(1)] int[]? ShorterSides = null,
    [property: Range(1, 65536)] int? MaxLongerSide = null,
    Interpolation Interpolation = Interpolation.Bilinear,
    bool Antialias = true,
    ResizeBackend Backend = ResizeBackend.Pillow);

/// <summary>Resizes by a random scale, or to a random shorter side; the ratio of height and width is kept.</summary>
[Component("RandomResize")]
public sealed class RandomResize : Transform
{
    private readonly RandomResizeOptions _options;
    private readonly Resizer _resizer;

    public RandomResize(RandomResizeOptions options)
    {
        if (options.RatioRange is null && options.ShorterSides is null)
            throw new UserErrorException("RandomResize takes ratio_range, shorter_sides, or both.");
        if (options.Size is not null && options.ShorterSides is not null)
            throw new UserErrorException("RandomResize takes size or shorter_sides, not both: each says what scale 1 is.");
        if (options.MaxLongerSide is not null && options.ShorterSides is null)
            throw new UserErrorException("RandomResize takes max_longer_side together with shorter_sides only.");
        if (options.RatioRange is [var low, var high] && !(low > 0 && low <= high))
            throw new UserErrorException($"RandomResize: ratio_range [{low}, {high}] is no range of positive scales.");
        if (options.ShorterSides?.Any(side => side < 1) == true)
            throw new UserErrorException("RandomResize: shorter_sides are positive.");
        _options = options;
        _resizer = new Resizer(options.Interpolation, options.Antialias, options.Backend);
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        var (height, width) = SampleGeometry.SizeOf(sample);
        var scale = _options.RatioRange is { } range ? random.Uniform(range[0], range[1]) : 1;
        if (_options.Size is { } size)
            scale *= Math.Min((double)size.Height / height, (double)size.Width / width);
        if (_options.ShorterSides is { } sides)
            scale *= Resizer.ScaleByShorterSide(height, width, sides[random.Next(sides.Length)], _options.MaxLongerSide);
        var target = Resizer.Scaled(height, width, scale);
        _resizer.Apply(sample, target.Height, target.Width);
        return sample;
    }
}
