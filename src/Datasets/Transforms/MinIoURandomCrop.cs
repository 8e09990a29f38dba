using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>Which boxes must overlap a crop by the least IoU.</summary>
public enum CropOverlap
{
    /// <summary>All of them.</summary>
    Every,

    /// <summary>One at least.</summary>
    Any,
}

/// <param name="MinIous">Least IoUs of boxes with the crop, of which one is drawn. Beside them "0", no bound, and "1", no crop at all, may
/// be drawn, as often as each of these. By default [0.1, 0.3, 0.5, 0.7, 0.9].</param>
/// <param name="MinCropSize">The least share of the image's height and of its width that a crop has; it has at most the whole.</param>
/// <param name="OverlapOf">every: all boxes must overlap so much, as in MMDetection; any: one must, as in SSD and torchvision's
/// RandomIoUCrop.</param>
/// <param name="Prob">How often it is done.</param>
public sealed record MinIoURandomCropOptions(
    [property: MinLength(1)] double[]? MinIous = null,
    [property: Range(0.01, 1.0)] double MinCropSize = 0.3,
    CropOverlap OverlapOf = CropOverlap.Every,
    [property: Range(0.0, 1.0)] double Prob = 1
);

/// <summary>Cuts out a part that boxes overlap by a least IoU, drawn at random, so that objects are seen cut off to several degrees. Its
/// sides' ratio lies between 1/2 and 2. Boxes whose middle lies outside are dropped. An image without boxes stays as it is.</summary>
/// <remarks>Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016, arXiv:1512.02325, section 2.2. MMDetection's step of this name,
/// torchvision's RandomIoUCrop. Ignored areas are cut and dropped as boxes are, and bind nothing.</remarks>
[Component("MinIoURandomCrop")]
public sealed class MinIoURandomCrop : Transform
{
    private const int Attempts = 50; // for each least IoU; and least IoUs that are drawn
    private const double MostRatio = 2;

    private readonly MinIoURandomCropOptions _options;
    private readonly double[] _leasts;

    /// <exception cref="UserErrorException">An IoU is none.</exception>
    public MinIoURandomCrop(MinIoURandomCropOptions options)
    {
        _options = options;
        var ious = options.MinIous ?? [0.1, 0.3, 0.5, 0.7, 0.9];
        foreach (var iou in ious)
            if (!(iou is >= 0 and <= 1))
                throw new UserErrorException($"MinIoURandomCrop: min_ious has {iou}; numbers from 0 to 1 were expected.");
        _leasts = [1, .. ious, 0];
    }

    public override bool LosesObjects => true;

    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (!random.Chance(_options.Prob) || sample.Truth.Boxes is not { } boxes || boxes.Ignored.All(ignored => ignored))
            return sample;
        var (height, width) = SampleGeometry.SizeOf(sample);
        for (var draw = 0; draw < Attempts; draw++)
        {
            var least = _leasts[random.Next(_leasts.Length)];
            if (least >= 1)
                return sample;
            for (var attempt = 0; attempt < Attempts; attempt++)
            {
                if (Drawn(height, width, random) is not { } crop || !Fits(boxes, crop, least) || Within(boxes, crop) is not { } kept)
                    continue;
                SampleGeometry.Keep(sample, kept);
                Cropping.Crop(sample, crop.Top, crop.Left, crop.Height, crop.Width);
                return sample;
            }
        }
        return sample;
    }

    /// <summary>A part of whole pixels; null where its sides are too unequal, or one is gone.</summary>
    private Place? Drawn(int height, int width, RandomSource random)
    {
        var (cropHeight, cropWidth) = (
            random.Uniform(_options.MinCropSize * height, height),
            random.Uniform(_options.MinCropSize * width, width)
        );
        if (cropHeight / cropWidth is < 1 / MostRatio or > MostRatio)
            return null;
        var (top, left) = (random.Uniform(0, height - cropHeight), random.Uniform(0, width - cropWidth));
        var place = new Place((int)top, (int)left, (int)(top + cropHeight) - (int)top, (int)(left + cropWidth) - (int)left);
        return place.Height > 0 && place.Width > 0 ? place : null;
    }

    private bool Fits(Boxes boxes, Place crop, double least)
    {
        for (var i = 0; i < boxes.Count; i++)
        {
            if (boxes.Ignored[i])
                continue;
            var enough = IoU(boxes.Corners.AsSpan(4 * i, 4), crop) >= least;
            if (enough != (_options.OverlapOf == CropOverlap.Every))
                return enough;
        }
        return _options.OverlapOf == CropOverlap.Every;
    }

    /// <summary>The boxes whose middle lies in the crop; null where no object's does.</summary>
    private static List<int>? Within(Boxes boxes, Place crop)
    {
        var kept = Enumerable.Range(0, boxes.Count).Where(i => HasMiddle(boxes.Corners.AsSpan(4 * i, 4), crop)).ToList();
        return kept.Exists(i => !boxes.Ignored[i]) ? kept : null;
    }

    private static bool HasMiddle(ReadOnlySpan<float> box, Place crop)
    {
        var (x, y) = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2);
        return x > crop.Left && x < crop.Left + crop.Width && y > crop.Top && y < crop.Top + crop.Height;
    }

    private static double IoU(ReadOnlySpan<float> box, Place crop) =>
        BoxGeometry.IoU([box[0], box[1], box[2] - box[0], box[3] - box[1]], [crop.Left, crop.Top, crop.Width, crop.Height]);

    private readonly record struct Place(int Top, int Left, int Height, int Width);
}
