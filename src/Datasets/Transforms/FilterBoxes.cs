using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="MinSize">Width and height must be at least this, in pixels of the image as it is at this step.</param>
/// <param name="MinArea">Width times height must be at least this.</param>
/// <param name="MaxRatio">The longer side over the shorter one must be at most this.</param>
/// <param name="MinMaskArea">An object's mask must have at least this many pixels, where there are masks: what lies behind a crop's edge
/// may leave a box whose mask is empty.</param>
public sealed record FilterBoxesOptions(
    [property: Range(0.0, 65536.0)] double MinSize = 1,
    [property: Range(0.0, 4294967296.0)] double MinArea = 0,
    [property: Range(1.0, double.MaxValue)] double MaxRatio = double.MaxValue,
    [property: Range(0, int.MaxValue)] int MinMaskArea = 0
);

/// <summary>Drops boxes that are tiny or degenerate, with their masks: what cropping and shrinking leave of objects. Ignored areas stay as
/// long as they have an extent.</summary>
[Component("FilterBoxes")]
public sealed class FilterBoxes(FilterBoxesOptions options) : Transform
{
    public override bool LosesObjects => true;

    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (sample.Truth.Boxes is not { } boxes)
            return sample;
        var masks = options.MinMaskArea > 0 && sample.Truth.InstanceMasks is { } known && known.Count == boxes.Count ? known : null;
        SampleGeometry.Keep(
            sample,
            [
                .. Enumerable
                    .Range(0, boxes.Count)
                    .Where(i => IsKept(boxes.Corners.AsSpan(i * 4, 4), boxes.Ignored[i]))
                    .Where(i => masks is null || boxes.Ignored[i] || Area(masks[i]) >= options.MinMaskArea),
            ]
        );
        return sample;
    }

    private static int Area(Image mask) => mask.Bytes.Length - mask.Bytes.AsSpan().Count((byte)0);

    private bool IsKept(ReadOnlySpan<float> box, bool ignored)
    {
        double width = box[2] - box[0],
            height = box[3] - box[1];
        if (!(width > 0 && height > 0 && double.IsFinite(width) && double.IsFinite(height)))
            return false;
        return ignored
            || (
                width >= options.MinSize
                && height >= options.MinSize
                && width * height >= options.MinArea
                && Math.Max(width / height, height / width) <= options.MaxRatio
            );
    }
}
