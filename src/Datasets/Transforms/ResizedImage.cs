using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>A file's image that will be resized when its pixels are needed, so that a crop which follows makes only the pixels it
/// shows.</summary>
internal sealed class ResizedImage : EncodedImage
{
    private readonly EncodedImage _file;
    private readonly int _denominator,
        _wholeHeight,
        _wholeWidth,
        _top,
        _left;
    private readonly Interpolation _interpolation;
    private readonly bool _antialias;

    /// <param name="file">What is resized.</param>
    /// <param name="denominator">It may be decoded at this fraction of its size.</param>
    public ResizedImage(EncodedImage file, int denominator, int height, int width, Interpolation interpolation, bool antialias)
        : this(file, denominator, height, width, 0, 0, height, width, interpolation, antialias) { }

    private ResizedImage(
        EncodedImage file,
        int denominator,
        int wholeHeight,
        int wholeWidth,
        int top,
        int left,
        int height,
        int width,
        Interpolation interpolation,
        bool antialias
    )
    {
        (_file, _denominator, _wholeHeight, _wholeWidth, _top, _left, Height, Width) = (
            file,
            denominator,
            wholeHeight,
            wholeWidth,
            top,
            left,
            height,
            width
        );
        (_interpolation, _antialias) = (interpolation, antialias);
    }

    public override int Height { get; }

    public override int Width { get; }

    /// <summary>A part of the resized image.</summary>
    public ResizedImage Crop(int top, int left, int height, int width) =>
        new(_file, _denominator, _wholeHeight, _wholeWidth, _top + top, _left + left, height, width, _interpolation, _antialias);

    // What was resized once isn't made smaller by decoding: the file is, by its own denominator.
    public override Image Decode(int denominator)
    {
        var image = _file.Decode(_denominator);
        var (x, y) = ((double)image.Width / _wholeWidth, (double)image.Height / _wholeHeight);
        var box = new SourceBox(
            _left * x,
            _top * y,
            Math.Min(image.Width, (_left + Width) * x),
            Math.Min(image.Height, (_top + Height) * y)
        );
        var resized = Resampler.Resize(image, box, Height, Width, _interpolation, _antialias);
        if (resized.Bytes != image.Bytes)
            PixelBuffers.Return(image.Bytes);
        return resized;
    }
}
