using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="Size">What each of the four images is fitted into; the picture is twice as high and wide.</param>
/// <param name="Prob">How often four images are joined.</param>
/// <param name="CenterRange">Where the four meet: drawn between these two, times the size, for each axis.</param>
/// <param name="PadVal">What fills the places that no image covers: one value, or one per channel.</param>
public sealed record MosaicOptions(
    HeightWidth Size,
    [property: Range(0.0, 1.0)] double Prob = 1,
    [property: Length(2, 2)] double[]? CenterRange = null,
    double[]? PadVal = null
);

/// <summary>
/// Joins four images, the sample and three that are drawn from its data set, around a point. Boxes, masks and maps go along and
/// are clipped. It stands after the steps that load; a step that resizes or crops to the wanted size follows it.
/// </summary>
/// <remarks>
/// Bochkovskiy, Wang and Liao, "YOLOv4", 2020, arXiv:2004.10934. Which three depends on the sample's random numbers alone, hence
/// on (seed, epoch, index). What is joined is no one's original: predictions can't be mapped back, and the sample has no
/// <see cref="GroundTruth.BoxAnnotation"/>.
/// </remarks>
[Component("Mosaic")]
public sealed class Mosaic : Transform
{
    private static readonly Resizer s_resizer = new(Interpolation.Bilinear, antialias: true, ResizeBackend.Pillow);

    private readonly MosaicOptions _options;
    private readonly IReadOnlyList<Transform> _load;
    private readonly double[] _center;

    /// <param name="load">How the three others are read; LoadImage by default.</param>
    public Mosaic(MosaicOptions options, IReadOnlyList<Transform>? load = null)
    {
        _options = options;
        _load = load ?? [new LoadImage(new())];
        _center = options.CenterRange ?? [0.5, 1.5];
        if (!(_center[0] > 0 && _center[0] <= _center[1] && _center[1] < 2))
            throw new UserErrorException($"Mosaic: center_range [{_center[0]}, {_center[1]}] must rise and lie between 0 and 2.");
    }

    public override bool LosesObjects => true;

    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (!random.Chance(_options.Prob))
            return sample;
        var source = ImagePasting.SourceOf(sample, "Mosaic");
        var (height, width) = (_options.Size.Height, _options.Size.Width);
        var (x, y) = ((int)(random.Uniform(_center[0], _center[1]) * width), (int)(random.Uniform(_center[0], _center[1]) * height));
        Sample[] four =
        [
            sample,
            ImagePasting.Another(source, sample, _load, random),
            ImagePasting.Another(source, sample, _load, random),
            ImagePasting.Another(source, sample, _load, random),
        ];
        var places = new (int Left, int Top)[4];
        for (var i = 0; i < 4; i++)
        {
            var (oldHeight, oldWidth) = SampleGeometry.SizeOf(four[i]);
            var (newHeight, newWidth) = Resizer.Scaled(oldHeight, oldWidth, Math.Min((double)height / oldHeight, (double)width / oldWidth));
            s_resizer.Apply(four[i], newHeight, newWidth);
            places[i] = (i % 2 == 0 ? x - newWidth : x, i < 2 ? y - newHeight : y); // each touches the point with a corner
        }
        return Join(sample, four, places, 2 * height, 2 * width);
    }

    private Sample Join(Sample sample, Sample[] four, (int Left, int Top)[] places, int height, int width)
    {
        var images = Array.ConvertAll(four, SampleGeometry.ImageOf);
        ImagePasting.RequireSameKind(sample, images, "Mosaic");
        var masks = new List<Image>();
        var (corners, labels, ignored) = (new List<float>(), new List<int>(), new List<bool>());
        for (var i = 0; i < 4; i++)
        {
            if (four[i].Truth.Boxes is not { } boxes)
                continue;
            var of = four[i].Truth.InstanceMasks;
            foreach (var b in ImagePasting.Place(boxes, places[i], height, width, corners))
            {
                labels.Add(boxes.Labels[b]);
                ignored.Add(boxes.Ignored[b]);
                if (of is not null && of.Count == boxes.Count)
                    masks.Add(ImagePasting.Canvas([of[b]], [places[i]], height, width, [0]));
            }
        }
        if (four.Any(one => one.Truth.Boxes is not null))
            sample.Truth.Boxes = new Boxes([.. corners], [.. labels], [.. ignored]);
        sample.Truth.InstanceMasks = masks.Count == labels.Count && sample.Truth.InstanceMasks is not null ? masks : null;
        sample.Truth.SegmentationMap = four.All(one => one.Truth.SegmentationMap is not null)
            ? ImagePasting.Canvas(
                [.. four.Select(one => one.Truth.SegmentationMap!)],
                places,
                height,
                width,
                [SampleGeometry.IgnoredClass(four[0].Truth.SegmentationMap!)]
            )
            : null;
        sample.Truth.Panoptic = four.All(one => one.Truth.Panoptic is not null)
            ? ImagePasting.Panoptic([.. four.Select(one => one.Truth.Panoptic!)], places, height, width)
            : null;
        foreach (var name in sample.Truth.ExtraMaps.Keys.ToArray())
        {
            if (four.All(one => one.Truth.ExtraMaps.ContainsKey(name)))
                sample.Truth.ExtraMaps[name] = ImagePasting.Canvas(
                    [.. four.Select(one => one.Truth.ExtraMaps[name])],
                    places,
                    height,
                    width,
                    [0]
                );
            else
                sample.Truth.ExtraMaps.Remove(name);
        }
        sample.Image = new(
            ImagePasting.Canvas(images, places, height, width, SampleGeometry.Fill(images[0], MapKind.Image, _options.PadVal ?? [114]))
        );
        sample.Geometry = Geometry.Original(height, width);
        sample.Truth.BoxAnnotation = null;
        return sample;
    }
}
