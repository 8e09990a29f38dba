using Tessera.Datasets.Images;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Classification;

/// <summary>One object of an image.</summary>
/// <param name="Image">The image's index in its data set.</param>
/// <param name="Number">The object's index among the image's boxes.</param>
/// <param name="Label">Its class.</param>
/// <param name="Left">x of the box's left side, in pixels of the image; the others likewise.</param>
internal readonly record struct CutObject(int Image, int Number, int Label, float Left, float Top, float Right, float Bottom);

/// <summary>The part of an image around an object. The image's header is read when the size is asked for, its pixels when they
/// are.</summary>
internal sealed class CutImage(Sample image, CutObject cut, ObjectCropsOptions options, LoadImage? load) : EncodedImage
{
    private SampleImage? _whole;
    private (int Top, int Left, int Height, int Width)? _part;

    public override int Height => Part.Height;

    public override int Width => Part.Width;

    private SampleImage Whole => _whole ??= Open();

    private (int Top, int Left, int Height, int Width) Part => _part ??= Around(Whole.Size);

    /// <summary>Always at full size: the part is small.</summary>
    public override Image Decode(int denominator)
    {
        var (top, left, height, width) = Part;
        return PixelLayout.Crop(Whole.Decode(), top, left, height, width);
    }

    private SampleImage Open()
    {
        // As the pipeline's first step would: it is given the image of the data set, and checks that the boxes are meant for its size.
        var read = (load ?? new LoadImage(new LoadImageOptions())).Apply(image, new RandomSource(0));
        return read.Image!;
    }

    /// <summary>Whole pixels: every one that the box touches.</summary>
    private (int Top, int Left, int Height, int Width) Around((int Height, int Width) size)
    {
        double width = cut.Right - cut.Left,
            height = cut.Bottom - cut.Top;
        var (wide, high) = (width * (1 + 2 * options.Margin), height * (1 + 2 * options.Margin));
        if (options.Square)
            wide = high = Math.Max(wide, high);
        double x = (cut.Left + cut.Right) / 2.0,
            y = (cut.Top + cut.Bottom) / 2.0;
        var left = Math.Clamp((int)Math.Floor(x - wide / 2), 0, size.Width - 1);
        var top = Math.Clamp((int)Math.Floor(y - high / 2), 0, size.Height - 1);
        var right = Math.Clamp((int)Math.Ceiling(x + wide / 2), left + 1, size.Width);
        var bottom = Math.Clamp((int)Math.Ceiling(y + high / 2), top + 1, size.Height);
        return (top, left, bottom - top, right - left);
    }
}
