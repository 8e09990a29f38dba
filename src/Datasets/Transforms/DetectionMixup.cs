using System.Runtime.InteropServices;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="Size">What the other image is fitted into before it is scaled.</param>
/// <param name="Prob">How often two images are mixed.</param>
/// <param name="RatioRange">The other image's scale is drawn between these two. By default [0.5, 1.5].</param>
/// <param name="FlipProb">How often the other image is mirrored.</param>
/// <param name="PadVal">What stands for the other image where it doesn't reach: one value, or one per channel. By default 114.</param>
public sealed record DetectionMixupOptions(
    HeightWidth Size,
    [property: Range(0.0, 1.0)] double Prob = 1,
    [property: Length(2, 2)] double[]? RatioRange = null,
    [property: Range(0.0, 1.0)] double FlipProb = 0.5,
    double[]? PadVal = null
);

/// <summary>
/// Lays a second image, drawn from the sample's data set, over the sample: each pixel is the mean of the two, and the boxes (with
/// their masks) of both are to be found. The sample keeps its size. Segmentation maps and extra maps can't be mixed.
/// </summary>
/// <remarks>
/// Zhang et al., "mixup", 2018, arXiv:1710.09412, in the form of Ge et al., "YOLOX", 2021, arXiv:2107.08430: the shares are one half
/// each, and no label is softened. Which image depends on the sample's random numbers alone, hence on (seed, epoch, index). A mixture
/// is no one's original: it has no <see cref="GroundTruth.BoxAnnotation"/>.
/// </remarks>
[Component("DetectionMixup")]
public sealed class DetectionMixup : Transform
{
    private static readonly Resizer s_resizer = new(Interpolation.Bilinear, antialias: true, ResizeBackend.Pillow);

    private readonly DetectionMixupOptions _options;
    private readonly IReadOnlyList<Transform> _load;
    private readonly double[] _ratio;
    private readonly RandomFlip _flip;

    /// <param name="load">How the other image is read; LoadImage by default.</param>
    public DetectionMixup(DetectionMixupOptions options, IReadOnlyList<Transform>? load = null)
    {
        (_options, _load, _ratio) = (options, load ?? [new LoadImage(new())], options.RatioRange ?? [0.5, 1.5]);
        _flip = new RandomFlip(new(options.FlipProb));
        if (!(_ratio[0] > 0 && _ratio[0] <= _ratio[1] && _ratio[1] <= 100))
            throw new UserErrorException($"DetectionMixup: ratio_range [{_ratio[0]}, {_ratio[1]}] must rise and lie between 0 and 100.");
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (!random.Chance(_options.Prob))
            return sample;
        if (sample.Truth.Boxes is null)
            throw new UserErrorException(
                $"{sample.Name}: DetectionMixup is for images with boxes; Mixup, a batch transform, mixes classes."
            );
        var other = ImagePasting.Another(ImagePasting.SourceOf(sample, "DetectionMixup"), sample, _load, random);
        var (oldHeight, oldWidth) = SampleGeometry.SizeOf(other);
        var fitted = Resizer.ScaleInto(oldHeight, oldWidth, _options.Size.Height, _options.Size.Width, ResizeFit.Size);
        var (newHeight, newWidth) = Resizer.Scaled(oldHeight, oldWidth, fitted * random.Uniform(_ratio[0], _ratio[1]));
        s_resizer.Apply(other, newHeight, newWidth);
        other = _flip.Apply(other, random);

        // The other image lies in the upper left corner of a ground as large as the larger of the two; a window of the sample's size is
        // cut from it.
        var image = SampleGeometry.ImageOf(sample);
        var place = (-random.Next(Math.Max(0, newWidth - image.Width) + 1), -random.Next(Math.Max(0, newHeight - image.Height) + 1));
        Mix(sample, image, other, place);
        return sample;
    }

    private void Mix(Sample sample, Image image, Sample other, (int Left, int Top) place)
    {
        if (sample.Truth.SegmentationMap is not null || sample.Truth.Panoptic is not null || sample.Truth.ExtraMaps.Count > 0)
            throw new UserErrorException($"{sample.Name}: DetectionMixup can't mix maps, only images with boxes and masks.");
        var second = SampleGeometry.ImageOf(other);
        ImagePasting.RequireSameKind(sample, [image, second], "DetectionMixup");
        var (height, width) = (image.Height, image.Width);
        var fill = SampleGeometry.Fill(image, MapKind.Image, _options.PadVal ?? [114]);
        sample.Image = new(Mean(image, ImagePasting.Canvas([second], [place], height, width, fill)));

        var first = sample.Truth.Boxes!;
        var others = other.Truth.Boxes ?? new Boxes([], [], []);
        var corners = first.Corners.ToList();
        var kept = ImagePasting.Place(others, place, height, width, corners).ToArray();
        sample.Truth.InstanceMasks = (sample.Truth.InstanceMasks, other.Truth.InstanceMasks) switch
        {
            ({ } own, _) when kept.Length == 0 => own,
            ({ } own, { } theirs) when own.Count == first.Count && theirs.Count == others.Count =>
            [
                .. own,
                .. kept.Select(i => ImagePasting.Canvas([theirs[i]], [place], height, width, [0])),
            ],
            _ => null,
        };
        sample.Truth.Boxes = new Boxes(
            [.. corners],
            [.. first.Labels, .. kept.Select(i => others.Labels[i])],
            [.. first.Ignored, .. kept.Select(i => others.Ignored[i])]
        );
        sample.Truth.BoxAnnotation = null;
    }

    /// <summary>Whole numbers are rounded down.</summary>
    private static Image Mean(Image a, Image b)
    {
        var mean = a.Clone();
        switch (a.Type)
        {
            case PixelType.UInt8:
                Each(mean.Bytes.AsSpan(), b.Bytes, static (x, y) => (byte)((x + y) / 2));
                break;
            case PixelType.UInt16:
                Each(As<ushort>(mean), As<ushort>(b), static (x, y) => (ushort)((x + y) / 2));
                break;
            default:
                Each(As<float>(mean), As<float>(b), static (x, y) => (x + y) / 2);
                break;
        }
        return mean;

        static Span<T> As<T>(Image image)
            where T : struct => MemoryMarshal.Cast<byte, T>(image.Bytes.AsSpan());

        static void Each<T>(Span<T> into, ReadOnlySpan<T> with, Func<T, T, T> of)
        {
            for (var i = 0; i < into.Length; i++)
                into[i] = of(into[i], with[i]);
        }
    }
}
