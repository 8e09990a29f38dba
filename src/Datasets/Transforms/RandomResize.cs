using System.ComponentModel.DataAnnotations;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Transforms;

/// <param name="RatioRange">The scale is drawn uniformly between these two.</param>
/// <param name="Size">What the scale refers to: the size that the image is fitted into at scale 1; by default the image's own.</param>
/// <param name="Fit">How size bounds the image: "sides", its larger number the longer side and its smaller the shorter, as in mmcv; "size",
/// height by height and width by width.</param>
/// <param name="ShorterSides">The shorter side becomes one of these, drawn at random; with ratio_range, times the scale.</param>
/// <param name="ShorterRange">The shorter side is drawn evenly from this one to that one, both included. In place of shorter_sides.</param>
/// <param name="MaxLongerSide">With shorter_sides or shorter_range: the longer side becomes no longer than this; with ratio_range, times
/// the scale.</param>
/// <param name="Interpolation">The filter for image and extra maps; labels and masks are always picked (nearest).</param>
/// <param name="Antialias">Filter over all pixels that become one when shrinking. Only for the pillow backend.</param>
/// <param name="Backend">pillow: antialiased; opencv: as OpenMMLab's pipelines resize.</param>
public sealed record RandomResizeOptions(
    [property: Length(2, 2)] double[]? RatioRange = null,
    HeightWidth? Size = null,
    [property: EarlierDefault(ResizeFit.Size)] ResizeFit Fit = ResizeFit.Sides,
    [property: MinLength(1)] int[]? ShorterSides = null,
    [property: Length(2, 2)] int[]? ShorterRange = null,
    [property: Range(1, 65536)] int? MaxLongerSide = null,
    Interpolation Interpolation = Interpolation.Bilinear,
    bool Antialias = true,
    ResizeBackend Backend = ResizeBackend.Pillow
);

/// <summary>Resizes by a random scale, or to a random shorter side; the ratio of height and width is kept.</summary>
[Component("RandomResize")]
public sealed class RandomResize : Transform
{
    private readonly RandomResizeOptions _options;
    private readonly Resizer _resizer;

    public RandomResize(RandomResizeOptions options)
    {
        var byShorter = options.ShorterSides is not null || options.ShorterRange is not null;
        if (options.RatioRange is null && !byShorter)
            throw new UserErrorException("RandomResize takes ratio_range, shorter_sides (or shorter_range), or both.");
        if ((options.Size is null ? 0 : 1) + (options.ShorterSides is null ? 0 : 1) + (options.ShorterRange is null ? 0 : 1) > 1)
            throw new UserErrorException("RandomResize takes one of size, shorter_sides and shorter_range: each says what scale 1 is.");
        if (options.MaxLongerSide is not null && !byShorter)
            throw new UserErrorException("RandomResize takes max_longer_side together with shorter_sides or shorter_range only.");
        if (options.ShorterRange is [var least, var most] && !(least > 0 && least <= most))
            throw new UserErrorException($"RandomResize: shorter_range [{least}, {most}] is no range of positive sides.");
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
            scale =
                _options.Fit == ResizeFit.Sides // whole pixels, as mmcv's
                    ? Resizer.ScaleInto(height, width, (int)(size.Height * scale), (int)(size.Width * scale), ResizeFit.Sides)
                    : scale * Resizer.ScaleInto(height, width, size.Height, size.Width, ResizeFit.Size);
        if (Shorter(random) is { } shorter)
            scale *= Resizer.ScaleByShorterSide(height, width, shorter, _options.MaxLongerSide);
        var target = Resizer.Scaled(height, width, scale);
        _resizer.Apply(sample, target.Height, target.Width);
        return sample;
    }

    private int? Shorter(RandomSource random) =>
        _options switch
        {
            { ShorterSides: { } sides } => sides[random.Next(sides.Length)],
            { ShorterRange: { } range } => random.Next(range[0], range[1] + 1),
            _ => null,
        };
}
