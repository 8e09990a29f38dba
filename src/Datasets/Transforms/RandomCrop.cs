using System.ComponentModel.DataAnnotations;
using Tessera.Datasets.Images;
using Tessera.Framework.Components;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="Size">The crop's size.</param>
/// <param name="Padding">Pixels put around the image first, on every side.</param>
/// <param name="PadIfNeeded">Pad an image that is smaller than the crop; otherwise it is cropped along the sides that are larger
/// only.</param>
/// <param name="PadVal">What is put around: one value, or one per channel. By default 0.</param>
/// <param name="PaddingMode">constant, edge (border repeated) or reflect (mirrored).</param>
/// <param name="CatMaxRatio">Try another place while one class covers more than this share of the crop's segmentation map.</param>
/// <param name="AllowNegativeCrop">A sample with boxes may lose them all.</param>
public sealed record RandomCropOptions(
    HeightWidth Size,
    [property: Range(0, 4096)] int Padding = 0,
    bool PadIfNeeded = true,
    double[]? PadVal = null,
    PaddingMode PaddingMode = PaddingMode.Constant,
    [property: Range(0.01, 1.0)] double CatMaxRatio = 1,
    bool AllowNegativeCrop = false
);

/// <summary>Cuts out a part at a random place.</summary>
[Component("RandomCrop")]
public sealed class RandomCrop(RandomCropOptions options) : Transform
{
    private const int Attempts = 10;

    public override bool LosesObjects => true;

    public override Sample Apply(Sample sample, RandomSource random)
    {
        var (height, width) = SampleGeometry.SizeOf(sample);
        var (missingHeight, missingWidth) = options.PadIfNeeded
            ? (
                Math.Max(0, options.Size.Height - height - 2 * options.Padding),
                Math.Max(0, options.Size.Width - width - 2 * options.Padding)
            )
            : (0, 0);
        var (above, before) = (
            missingHeight == 0 ? 0 : random.Next(missingHeight + 1),
            missingWidth == 0 ? 0 : random.Next(missingWidth + 1)
        );
        Cropping.Pad(
            sample,
            options.Padding + before,
            options.Padding + above,
            options.Padding + missingWidth - before,
            options.Padding + missingHeight - above,
            options.PadVal ?? [0],
            options.PaddingMode
        );
        (height, width) = SampleGeometry.SizeOf(sample);
        var (cropHeight, cropWidth) = (Math.Min(height, options.Size.Height), Math.Min(width, options.Size.Width));
        var (top, left) = Place(sample, height - cropHeight, width - cropWidth, cropHeight, cropWidth, random);
        Cropping.Crop(sample, top, left, cropHeight, cropWidth);
        return sample;
    }

    private (int Top, int Left) Place(Sample sample, int lastTop, int lastLeft, int height, int width, RandomSource random)
    {
        var map = options.CatMaxRatio < 1 ? sample.Truth.SegmentationMap ?? ClassesOf(sample.Truth.Panoptic) : null;
        for (var attempt = 0; ; attempt++)
        {
            var (top, left) = (random.Next(lastTop + 1), random.Next(lastLeft + 1));
            var good =
                (options.AllowNegativeCrop || HasBox(sample.Truth.Boxes, top, left, height, width))
                && (map is null || LargestShare(map, top, left, height, width) < options.CatMaxRatio);
            if (good || attempt == Attempts)
                return good || options.AllowNegativeCrop || HasBox(sample.Truth.Boxes, top, left, height, width)
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
