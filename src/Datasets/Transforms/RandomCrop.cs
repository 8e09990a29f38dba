using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="Size">The crop's size.</param>
/// <param name="SizeRange">In place of size: each of the crop's sides is drawn between these two, no longer than the image's, as
/// MMDetection's "absolute_range" and the crops of DETR.</param>
/// <param name="Padding">Pixels put around the image first, on every side.</param>
/// <param name="PadIfNeeded">Pad an image that is smaller than the crop; otherwise it is cropped along the sides that are larger
/// only.</param>
/// <param name="PadVal">What is put around: one value, or one per channel. By default 0.</param>
/// <param name="PaddingMode">constant, edge (border repeated) or reflect (mirrored).</param>
/// <param name="CatMaxRatio">Try another place while one class covers more than this share of the crop's segmentation map.</param>
/// <param name="AllowNegativeCrop">A sample with boxes may lose them all.</param>
public sealed record RandomCropOptions(
    HeightWidth? Size = null,
    [property: Length(2, 2)] int[]? SizeRange = null,
    [property: Range(0, 4096)] int Padding = 0,
    bool PadIfNeeded = true,
    double[]? PadVal = null,
    PaddingMode PaddingMode = PaddingMode.Constant,
    [property: Range(0.01, 1.0)] double CatMaxRatio = 1,
    bool AllowNegativeCrop = false
);

/// <summary>Cuts out a part at a random place.</summary>
[Component("RandomCrop")]
public sealed class RandomCrop : Transform
{
    private const int Attempts = 10;

    private readonly RandomCropOptions _options;

    /// <exception cref="UserErrorException">Neither size nor size_range is given, or both are; or size_range is no range.</exception>
    public RandomCrop(RandomCropOptions options)
    {
        _options = options;
        if (options.Size is null == options.SizeRange is null)
            throw new UserErrorException("RandomCrop takes size or size_range, one of them.");
        if (options.SizeRange is [var least, var most] && !(least > 0 && least <= most))
            throw new UserErrorException($"RandomCrop: size_range [{least}, {most}] is no range of positive sides.");
    }

    public override bool LosesObjects => true;

    public override Sample Apply(Sample sample, RandomSource random)
    {
        var (height, width) = SampleGeometry.SizeOf(sample);
        var size = SizeOf(height, width, random);
        var (missingHeight, missingWidth) = _options.PadIfNeeded
            ? (Math.Max(0, size.Height - height - 2 * _options.Padding), Math.Max(0, size.Width - width - 2 * _options.Padding))
            : (0, 0);
        var (above, before) = (
            missingHeight == 0 ? 0 : random.Next(missingHeight + 1),
            missingWidth == 0 ? 0 : random.Next(missingWidth + 1)
        );
        Cropping.Pad(
            sample,
            _options.Padding + before,
            _options.Padding + above,
            _options.Padding + missingWidth - before,
            _options.Padding + missingHeight - above,
            _options.PadVal ?? [0],
            _options.PaddingMode
        );
        (height, width) = SampleGeometry.SizeOf(sample);
        var (cropHeight, cropWidth) = (Math.Min(height, size.Height), Math.Min(width, size.Width));
        var (top, left) = Place(sample, height - cropHeight, width - cropWidth, cropHeight, cropWidth, random);
        Cropping.Crop(sample, top, left, cropHeight, cropWidth);
        return sample;
    }

    private HeightWidth SizeOf(int height, int width, RandomSource random) =>
        _options.SizeRange is [var least, var most]
            ? new HeightWidth(Drawn(height, least, most, random), Drawn(width, least, most, random))
            : _options.Size!.Value;

    private static int Drawn(int side, int least, int most, RandomSource random) =>
        random.Next(Math.Min(side, least), Math.Min(side, most) + 1);

    private (int Top, int Left) Place(Sample sample, int lastTop, int lastLeft, int height, int width, RandomSource random)
    {
        var map = _options.CatMaxRatio < 1 ? sample.Truth.SegmentationMap ?? ClassesOf(sample.Truth.Panoptic) : null;
        for (var attempt = 0; ; attempt++)
        {
            var (top, left) = (random.Next(lastTop + 1), random.Next(lastLeft + 1));
            var good =
                (_options.AllowNegativeCrop || HasBox(sample.Truth.Boxes, top, left, height, width))
                && (map is null || LargestShare(map, top, left, height, width) < _options.CatMaxRatio);
            if (good || attempt == Attempts)
                return good || _options.AllowNegativeCrop || HasBox(sample.Truth.Boxes, top, left, height, width)
                    ? (top, left)
                    : AroundABox(sample.Truth.Boxes!, lastTop, lastLeft, height, width, random);
        }
    }

    private static Image? ClassesOf(PanopticMap? map) =>
        map?.Classes(map.Segments.Select(segment => segment.Label + 1).DefaultIfEmpty().Max());

    private static bool HasBox(Boxes? boxes, int top, int left, int height, int width)
    {
        if (boxes is null || boxes.Count == 0)
            return true;
        for (var i = 0; i < boxes.Count; i++)
        {
            var c = boxes.Corners.AsSpan(i * 4, 4);
            if (Math.Min(c[2], left + width) > Math.Max(c[0], left) && Math.Min(c[3], top + height) > Math.Max(c[1], top))
                return true;
        }
        return false;
    }

    /// <summary>The middle of a random box lies in the crop.</summary>
    private static (int Top, int Left) AroundABox(Boxes boxes, int lastTop, int lastLeft, int height, int width, RandomSource random)
    {
        var c = boxes.Corners.AsSpan(random.Next(boxes.Count) * 4, 4);
        var (x, y) = ((int)((c[0] + c[2]) / 2), (int)((c[1] + c[3]) / 2));
        return (Math.Clamp(y - random.Next(height), 0, lastTop), Math.Clamp(x - random.Next(width), 0, lastLeft));
    }

    /// <summary>The share of the most frequent class among the pixels that count; 1 where there is but one class.</summary>
    private static double LargestShare(Image map, int top, int left, int height, int width)
    {
        var part = PixelLayout.Crop(map, top, left, height, width);
        var counts = new int[map.Type == PixelType.UInt8 ? 256 : 65536];
        if (map.Type == PixelType.UInt8)
        {
            foreach (var value in part.Pixels<byte>())
                counts[value]++;
        }
        else
        {
            foreach (var value in part.Pixels<ushort>())
                counts[value]++;
        }
        counts[SampleGeometry.IgnoredClass(map)] = 0;
        var total = counts.Sum();
        return total == 0 ? 1 : (double)counts.Max() / total;
    }
}
