using System.ComponentModel.DataAnnotations;
using System.Numerics;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Transforms;

/// <summary>How two numbers bound an image whose ratio of height and width is kept.</summary>
public enum ResizeFit
{
    /// <summary>The larger bounds the longer side and the smaller the shorter, however the image stands, as in mmcv.</summary>
    Sides,

    /// <summary>The first bounds the height, the second the width.</summary>
    Size,
}

/// <param name="Size">The new size; with keep_ratio, what the image must fit into.</param>
/// <param name="KeepRatio">Keep the ratio of height and width: the largest size that fits.</param>
/// <param name="Fit">With keep_ratio, how size bounds the image: "sides", its larger number the longer side and its smaller the shorter, as
/// in mmcv; "size", height by height and width by width.</param>
/// <param name="ShorterSide">The new length of the shorter side, the ratio kept. In place of size.</param>
/// <param name="MaxLongerSide">With shorter_side: the longer side becomes no longer than this.</param>
/// <param name="Interpolation">The filter for image and extra maps; labels and masks are always picked (nearest).</param>
/// <param name="Antialias">Filter over all pixels that become one when shrinking. Only for the pillow backend.</param>
/// <param name="Backend">pillow: antialiased; opencv: as OpenMMLab's pipelines resize.</param>
public sealed record ResizeOptions(
    HeightWidth? Size = null,
    bool KeepRatio = false,
    [property: EarlierDefault(ResizeFit.Size)] ResizeFit Fit = ResizeFit.Sides,
    [property: Range(1, 65536)] int? ShorterSide = null,
    [property: Range(1, 65536)] int? MaxLongerSide = null,
    Interpolation Interpolation = Interpolation.Bilinear,
    bool Antialias = true,
    ResizeBackend Backend = ResizeBackend.Pillow
);

/// <summary>Resizes to a fixed size, into a fixed size, or by the shorter side.</summary>
[Component("Resize")]
public sealed class Resize : Transform
{
    private readonly ResizeOptions _options;
    private readonly Resizer _resizer;

    public Resize(ResizeOptions options)
    {
        if (options.Size is null == options.ShorterSide is null)
            throw new UserErrorException("Resize takes size or shorter_side, one of the two.");
        if (options.MaxLongerSide is not null && options.ShorterSide is null)
            throw new UserErrorException("Resize takes max_longer_side together with shorter_side only.");
        _options = options;
        _resizer = new Resizer(options.Interpolation, options.Antialias, options.Backend);
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        var (height, width) = SampleGeometry.SizeOf(sample);
        var (newHeight, newWidth) = (_options.Size, _options.ShorterSide) switch
        {
            ({ } size, _) when _options.KeepRatio => Resizer.Scaled(
                height,
                width,
                Resizer.ScaleInto(height, width, size.Height, size.Width, _options.Fit)
            ),
            ({ } size, _) => (size.Height, size.Width),
            (_, { } shorter) => Resizer.ByShorterSide(height, width, shorter, _options.MaxLongerSide),
            _ => (height, width),
        };
        _resizer.Apply(sample, newHeight, newWidth);
        return sample;
    }
}

/// <summary>Resizes a whole sample.</summary>
internal sealed class Resizer(Interpolation interpolation, bool antialias, ResizeBackend backend)
{
    public static (int Height, int Width) Scaled(int height, int width, double scale) =>
        (Math.Max(1, (int)(height * scale + 0.5)), Math.Max(1, (int)(width * scale + 0.5)));

    /// <summary>The largest scale at which an image fits.</summary>
    public static double ScaleInto(int height, int width, double maxHeight, double maxWidth, ResizeFit fit) =>
        fit == ResizeFit.Size
            ? Math.Min(maxHeight / height, maxWidth / width)
            : Math.Min(Math.Max(maxHeight, maxWidth) / Math.Max(height, width), Math.Min(maxHeight, maxWidth) / Math.Min(height, width));

    public static (int Height, int Width) ByShorterSide(int height, int width, int shorter, int? maxLonger) =>
        Scaled(height, width, ScaleByShorterSide(height, width, shorter, maxLonger));

    public static double ScaleByShorterSide(int height, int width, int shorter, int? maxLonger)
    {
        var scale = (double)shorter / Math.Min(height, width);
        if (maxLonger is { } longest)
            scale = Math.Min(scale, (double)longest / Math.Max(height, width));
        return scale;
    }

    public void Apply(Sample sample, int height, int width)
    {
        var (oldHeight, oldWidth) = SampleGeometry.SizeOf(sample);
        var (scaleX, scaleY) = ((double)width / oldWidth, (double)height / oldHeight);
        var needed = Needed(Math.Max(scaleX, scaleY));
        SampleGeometry.Move(
            sample,
            Matrix3x2.CreateScale((float)scaleX, (float)scaleY),
            height,
            width,
            (image, kind) => Resize(image, height, width, kind),
            cuts: false,
            needed,
            file =>
                backend == ResizeBackend.Pillow && file is not ResizedImage
                    ? new ResizedImage(file, sample.Image!.Denominator(needed), height, width, interpolation, antialias)
                    : null
        );
    }

    /// <summary>The fraction of the pixels that must be decoded: reduced decoding is a part of antialiasing.</summary>
    public double Needed(double scale) =>
        antialias && backend == ResizeBackend.Pillow && interpolation != Interpolation.Nearest ? scale : 1;

    public Image Resize(Image image, int height, int width, MapKind kind)
    {
        var filter = SampleGeometry.For(kind, interpolation);
        if (image.Height == height && image.Width == width)
            return image;
        return backend == ResizeBackend.Opencv
            ? OpenCvResampler.Resize(image, height, width, filter)
            : Resampler.Resize(image, height, width, filter, antialias);
    }
}
