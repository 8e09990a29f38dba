using System.ComponentModel.DataAnnotations;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Transforms;

/// <param name="Size">Pad to this size; an image that is larger stays as it is.</param>
/// <param name="SizeDivisor">Pad until both sides are divisible by this.</param>
/// <param name="Square">Pad the shorter side to the longer one's length.</param>
/// <param name="PadVal">What is put there: one value, or one per channel. By default 0.</param>
/// <param name="SegPadVal">What is put there in segmentation maps. By default "ignore": 255 (65535 in 16 bits).</param>
/// <param name="PaddingMode">constant, edge (border repeated) or reflect (mirrored).</param>
/// <param name="Position">Where the padding goes: right_down, left_up, center or random.</param>
public sealed record PadOptions(
    HeightWidth? Size = null,
    [property: Range(1, 4096)] int? SizeDivisor = null,
    bool Square = false,
    double[]? PadVal = null,
    [property: Range(0, 65535)] int? SegPadVal = null,
    PaddingMode PaddingMode = PaddingMode.Constant,
    PadPosition Position = PadPosition.RightDown
);

/// <summary>Pads, by default on the right and below.</summary>
[Component("Pad")]
public sealed class Pad : Transform
{
    private readonly PadOptions _options;

    public Pad(PadOptions options)
    {
        if (options.Size is null && options.SizeDivisor is null && !options.Square)
            throw new UserErrorException("Pad takes size, size_divisor or square.");
        _options = options;
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        var (height, width) = SampleGeometry.SizeOf(sample);
        var (newHeight, newWidth) = (Math.Max(height, _options.Size?.Height ?? 0), Math.Max(width, _options.Size?.Width ?? 0));
        if (_options.Square)
            newHeight = newWidth = Math.Max(newHeight, newWidth);
        if (_options.SizeDivisor is { } divisor)
            (newHeight, newWidth) = ((newHeight + divisor - 1) / divisor * divisor, (newWidth + divisor - 1) / divisor * divisor);
        var (top, left) = _options.Position.Share(newHeight - height, newWidth - width, random);
        Cropping.Pad(
            sample,
            left,
            top,
            newWidth - width - left,
            newHeight - height - top,
            _options.PadVal ?? [0],
            _options.PaddingMode,
            _options.SegPadVal
        );
        return sample;
    }
}
