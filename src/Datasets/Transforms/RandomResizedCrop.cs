using System.ComponentModel.DataAnnotations;
using System.Numerics;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Transforms;

/// <param name="Size">The result's size.</param>
/// <param name="Scale">The crop's share of the image's area is drawn between these two. By default [0.08, 1].</param>
/// <param name="Ratio">The crop's width / height is drawn between these two, evenly in its logarithm. By default [3/4, 4/3].</param>
/// <param name="Interpolation">The filter for image and extra maps; labels and masks are always picked (nearest).</param>
/// <param name="Antialias">Filter over all pixels that become one when shrinking. Only for the pillow backend.</param>
/// <param name="Backend">pillow: antialiased; opencv: as OpenMMLab's pipelines resize.</param>
public sealed record RandomResizedCropOptions(
    HeightWidth Size,
    [property: Length(2, 2)] double[]? Scale = null,
    [property: Length(2, 2)] double[]? Ratio = null,
    Interpolation Interpolation = Interpolation.Bilinear,
    bool Antialias = true,
    ResizeBackend Backend = ResizeBackend.Pillow
);

/// <summary>Cuts out a random part of random shape and resizes it.</summary>
/// <remarks>Szegedy et al., "Going deeper with convolutions", CVPR 2015, arXiv:1409.4842.</remarks>
[Component("RandomResizedCrop")]
public sealed class RandomResizedCrop : Transform
{
    private const int Attempts = 10;

    private readonly RandomResizedCropOptions _options;
    private readonly double[] _scale,
        _ratio;
    private readonly Resizer _resizer;

    public RandomResizedCrop(RandomResizedCropOptions options)
    {
        _options = options;
        _scale = options.Scale ?? [0.08, 1];
        _ratio = options.Ratio ?? [3.0 / 4, 4.0 / 3];
        if (!(_scale[0] > 0 && _scale[0] <= _scale[1] && _scale[1] <= 1))
            throw new UserErrorException($"RandomResizedCrop: scale [{_scale[0]}, {_scale[1]}] is no range within (0, 1].");
        if (!(_ratio[0] > 0 && _ratio[0] <= _ratio[1]))
            throw new UserErrorException($"RandomResizedCrop: ratio [{_ratio[0]}, {_ratio[1]}] is no range of positive ratios.");
        _resizer = new Resizer(options.Interpolation, options.Antialias, options.Backend);
    }

    public override bool LosesObjects => true;

    public override Sample Apply(Sample sample, RandomSource random)
    {
        var (height, width) = SampleGeometry.SizeOf(sample);
        var crop = Draw(height, width, random);
        var size = _options.Size;
        var (scaleX, scaleY) = ((double)size.Width / crop.Width, (double)size.Height / crop.Height);
        var step = Matrix3x2.CreateTranslation(-crop.Left, -crop.Top) * Matrix3x2.CreateScale((float)scaleX, (float)scaleY);
        SampleGeometry.Move(sample, step, size.Height, size.Width, Move, cuts: true, _resizer.Needed(Math.Max(scaleX, scaleY)));
        return sample;

        Image Move(Image image, MapKind kind)
        {
            if (image.Height != height || image.Width != width)
                return Reduced(image);
            return _options.Backend == ResizeBackend.Opencv
                ? _resizer.Resize(PixelLayout.Crop(image, crop.Top, crop.Left, crop.Height, crop.Width), size.Height, size.Width, kind)
                : Resampler.CropAndResize(
                    image,
                    crop.Top,
                    crop.Left,
                    crop.Height,
                    crop.Width,
                    size.Height,
                    size.Width,
                    SampleGeometry.For(kind, _options.Interpolation),
                    _options.Antialias
                );
        }

        // An image decoded at a reduced size: the crop falls between its pixels.
        Image Reduced(Image image)
        {
            var (x, y) = ((double)image.Width / width, (double)image.Height / height);
            var box = new SourceBox(
                crop.Left * x,
                crop.Top * y,
                Math.Min(image.Width, (crop.Left + crop.Width) * x),
                Math.Min(image.Height, (crop.Top + crop.Height) * y)
            );
            return Resampler.Resize(image, box, size.Height, size.Width, _options.Interpolation);
        }
    }

    private (int Top, int Left, int Height, int Width) Draw(int height, int width, RandomSource random)
    {
        var (low, high) = (Math.Log(_ratio[0]), Math.Log(_ratio[1]));
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var area = (double)height * width * random.Uniform(_scale[0], _scale[1]);
            var ratio = Math.Exp(random.Uniform(low, high));
            var (w, h) = ((int)Math.Round(Math.Sqrt(area * ratio)), (int)Math.Round(Math.Sqrt(area / ratio)));
            if (w > 0 && h > 0 && w <= width && h <= height)
                return (random.Next(height - h + 1), random.Next(width - w + 1), h, w);
        }
        // No shape fits: the largest part in the middle whose ratio is allowed.
        var (bestHeight, bestWidth) = (height, width);
        if ((double)width / height < _ratio[0])
            bestHeight = Math.Max(1, (int)Math.Round(width / _ratio[0]));
        else if ((double)width / height > _ratio[1])
            bestWidth = Math.Max(1, (int)Math.Round(height * _ratio[1]));
        return ((height - bestHeight) / 2, (width - bestWidth) / 2, bestHeight, bestWidth);
    }
}
