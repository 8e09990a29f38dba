using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="MinSize">Width and height must be at least this, in pixels of the image as it is at this step.</param>
/// <param name="MinArea">Width times height must be at least this.</param>
/// <param name="MaxRatio">The longer side over the shorter one must be at most this.</param>
public sealed record FilterBoxesOptions(
    [property: Range(0.0, 65536.0)] double MinSize = 1,
    [property: Range(0.0, 4294967296.0)] double MinArea = 0,
    [property: Range(1.0, double.MaxValue)] double MaxRatio = double.MaxValue
);

/// <summary>Drops boxes that are tiny or degenerate, with their masks: what cropping and shrinking leave of objects. Ignored areas stay as
/// long as they have an extent.</summary>
[Component("FilterBoxes")]
public sealed class FilterBoxes(FilterBoxesOptions options) : Transform
{
    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (sample.Truth.Boxes is { } boxes)
            SampleGeometry.Keep(
                sample,
                [.. Enumerable.Range(0, boxes.Count).Where(i => IsKept(boxes.Corners.AsSpan(i * 4, 4), boxes.Ignored[i]))]
            );
        return sample;
    }

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
