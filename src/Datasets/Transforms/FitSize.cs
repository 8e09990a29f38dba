using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>Whether all images come to one size.</summary>
public enum SizeMode
{
    /// <summary>All come to input_size.</summary>
    FixSize,

    /// <summary>Each keeps its own, padded until size_divisor divides it; batches then hold images of one size only.</summary>
    DiverseSize,
}

/// <summary>How an image comes to a size of another shape.</summary>
public enum FitMode
{
    /// <summary>Resized; the ratio of height and width changes.</summary>
    OnlyScale,

    /// <summary>Padded; an image that is larger is an error.</summary>
    OnlyPad,

    /// <summary>Resized until it fits inside, then padded.</summary>
    ScaleAndPad,
}

/// <param name="SizeMode">fix_size: to input_size; diverse_size: its own size, made divisible by size_divisor.</param>
/// <param name="InputSize">The size of fix_size.</param>
/// <param name="Fit">only_scale, only_pad or scale_and_pad; for fix_size.</param>
/// <param name="SizeDivisor">Both sides are padded further until this divides them (openseg's fit_stride).</param>
/// <param name="Position">Where the padding goes: right_down, left_up, center or random.</param>
/// <param name="PadVal">What is put there: one value, or one per channel. By default 0.</param>
/// <param name="Interpolation">The filter for image and extra maps; labels and masks are always picked (nearest).</param>
public sealed record FitSizeOptions(
    SizeMode SizeMode = SizeMode.FixSize,
    HeightWidth? InputSize = null,
    FitMode Fit = FitMode.ScaleAndPad,
    [property: Range(1, 4096)] int SizeDivisor = 1,
    PadPosition Position = PadPosition.RightDown,
    double[]? PadVal = null,
    Interpolation Interpolation = Interpolation.Bilinear
);

/// <summary>Brings an image to the size that batches need, as openseg aligns them: padding is 0 in the image and "ignore" in the
/// labels.</summary>
[Component("FitSize")]
public sealed class FitSize : Transform
{
    private readonly FitSizeOptions _options;
    private readonly Resizer _resizer;

    public FitSize(FitSizeOptions options)
    {
        if (options.SizeMode == SizeMode.FixSize && options.InputSize is null)
            throw new UserErrorException("FitSize: size_mode fix_size needs input_size, [height, width].");
        if (options.SizeMode == SizeMode.DiverseSize && options.InputSize is not null)
            throw new UserErrorException("FitSize: size_mode diverse_size takes no input_size: every image keeps its own.");
        _options = options;
        _resizer = new Resizer(options.Interpolation, antialias: true, ResizeBackend.Pillow);
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        var (height, width) = SampleGeometry.SizeOf(sample);
        var target = _options.InputSize ?? new HeightWidth(height, width);
        if (_options.SizeMode == SizeMode.FixSize && _options.Fit == FitMode.OnlyPad && (height > target.Height || width > target.Width))
            throw new UserErrorException(
                $"{sample.Name}: an image of {height} x {width} can't be padded to {target.Height} x {target.Width}. Set fit to "
                    + $"\"scale_and_pad\", or put a RandomCrop before FitSize."
            );
        if (_options.SizeMode == SizeMode.FixSize && _options.Fit != FitMode.OnlyPad)
        {
            (height, width) =
                _options.Fit == FitMode.OnlyScale
                    ? (target.Height, target.Width)
                    : Resizer.Scaled(height, width, Math.Min((double)target.Height / height, (double)target.Width / width));
            _resizer.Apply(sample, height, width);
        }
        var (rows, columns) = (Divisible(target.Height) - height, Divisible(target.Width) - width);
        var (top, left) = _options.Position.Share(rows, columns, random);
        Cropping.Pad(sample, left, top, columns - left, rows - top, _options.PadVal ?? [0]);
        return sample;
    }

    private int Divisible(int side) => (side + _options.SizeDivisor - 1) / _options.SizeDivisor * _options.SizeDivisor;
}
