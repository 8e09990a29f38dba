using System.Numerics;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Transforms;

/// <summary>What a picture that belongs to a sample holds; it decides how it may be resampled and what is padded.</summary>
public enum MapKind
{
    /// <summary>The image.</summary>
    Image,

    /// <summary>Class indices: never mixed, padded with "ignore".</summary>
    Segmentation,

    /// <summary>One object's mask: never mixed, padded with 0.</summary>
    Mask,

    /// <summary>An extra target: resampled as the image is, padded with 0.</summary>
    Extra,

    /// <summary>A panoptic map's segments: never mixed, padded with no segment.</summary>
    Segments,
}

/// <summary>Moves everything that lies on the image's grid at once: image, segmentation map, masks, extra maps, boxes, and the record of it
/// all.</summary>
public static class SampleGeometry
{
    /// <param name="step">Maps a point (x, y; pixel corners at integers) before to one after.</param>
    /// <param name="height">Rows after.</param>
    /// <param name="width">Columns after.</param>
    /// <param name="move">Moves one picture. It is called first for the image.</param>
    /// <param name="cuts">Something may have left the image: boxes are clipped, and those outside are dropped with their masks.</param>
    /// <param name="needed">The fraction of the image's pixels, along an axis, that is kept:
    /// <see cref="SampleImage.DecodeAtLeast"/>.</param>
    /// <param name="later">Moves the image without decoding it, where it isn't decoded yet and that can be done; null otherwise.</param>
    internal static void Move(
        Sample sample,
        Matrix3x2 step,
        int height,
        int width,
        Func<Image, MapKind, Image> move,
        bool cuts,
        double needed,
        Func<EncodedImage, EncodedImage?> later
    )
    {
        if (sample.Image is not { Encoded: { } encoded } || later(encoded) is not { } waiting)
        {
            Move(sample, step, height, width, move, cuts, needed);
            return;
        }
        var geometry = GeometryOf(sample);
        CheckMaps(sample);
        sample.Image = new(waiting, mayReduce: sample.Training);
        MoveMaps(sample, move);
        if (sample.Truth.Boxes is { } boxes)
            MoveBoxes(sample, boxes, (box, moved) => Enclose(box, step, moved), height, width, cuts);
        sample.Geometry = geometry.Then(step);
    }

    /// <inheritdoc cref="Move(Sample, Matrix3x2, int, int, Func{Image, MapKind, Image}, bool, double, Func{EncodedImage, EncodedImage})"/>
    public static void Move(
        Sample sample,
        Matrix3x2 step,
        int height,
        int width,
        Func<Image, MapKind, Image> move,
        bool cuts,
        double needed = 1
    )
    {
        var geometry = GeometryOf(sample);
        CheckMaps(sample);
        var image = sample.Image ?? throw NoImage();
        var onlyDecodedForThis = image.Encoded is not null;
        var pixels = image.DecodeAtLeast(needed);
        var moved = move(pixels, MapKind.Image);
        sample.Image = new(moved);
        if (onlyDecodedForThis && moved.Bytes != pixels.Bytes)
            PixelBuffers.Return(pixels.Bytes);
        MoveMaps(sample, move);
        if (sample.Truth.Boxes is { } boxes)
            MoveBoxes(sample, boxes, (box, moved) => Enclose(box, step, moved), height, width, cuts);
        sample.Geometry = geometry.Then(step);
    }

    /// <summary>Moves everything by a map that isn't affine: predictions can't be mapped back, and the sample loses its
    /// <see cref="GroundTruth.BoxAnnotation"/>. The size stays.</summary>
    /// <param name="move">Moves one picture. It is called first for the image.</param>
    /// <param name="enclose">The upright box, second, around what becomes of a box, first.</param>
    internal static void Bend(Sample sample, Func<Image, MapKind, Image> move, Action<ReadOnlySpan<float>, Span<float>> enclose)
    {
        var (height, width) = SizeOf(sample);
        CheckMaps(sample);
        sample.Image = new(move(ImageOf(sample), MapKind.Image));
        MoveMaps(sample, move);
        if (sample.Truth.Boxes is { } boxes)
            MoveBoxes(sample, boxes, enclose, height, width, cuts: true);
        (sample.Truth.BoxAnnotation, sample.Geometry) = (null, Geometry.Original(height, width));
    }

    /// <summary>The image, decoded.</summary>
    public static Image ImageOf(Sample sample) => sample.Image?.Decode() ?? throw NoImage();

    /// <summary>The image's size, without decoding it.</summary>
    public static (int Height, int Width) SizeOf(Sample sample) => sample.Image?.Size ?? throw NoImage();

    public static Geometry GeometryOf(Sample sample)
    {
        var (height, width) = SizeOf(sample);
        return sample.Geometry ?? new Geometry(height, width, Matrix3x2.Identity);
    }

    /// <summary>The value of pixels whose class doesn't count.</summary>
    public static int IgnoredClass(Image map) => map.Type == PixelType.UInt8 ? byte.MaxValue : ushort.MaxValue;

    /// <summary>What fills a picture where the image had nothing.</summary>
    public static IReadOnlyList<double> Fill(Image image, MapKind kind, IReadOnlyList<double> imageFill) =>
        kind switch
        {
            MapKind.Image when imageFill.Count == 1 || imageFill.Count == image.Channels => imageFill,
            MapKind.Image => throw new UserErrorException(
                $"{imageFill.Count} padding values for an image of {image.Channels} channels; one, or one per channel, was expected."
            ),
            MapKind.Segmentation => [IgnoredClass(image)],
            MapKind.Segments => [PanopticMap.Void],
            _ => [0],
        };

    /// <summary>Labels are picked, everything else is filtered.</summary>
    public static Interpolation For(MapKind kind, Interpolation interpolation) =>
        kind is MapKind.Segmentation or MapKind.Mask or MapKind.Segments ? Interpolation.Nearest : interpolation;

    private static UserErrorException NoImage() => new("The pipeline needs an image here. Put a LoadImage step before.");

    private static void MoveMaps(Sample sample, Func<Image, MapKind, Image> move)
    {
        if (sample.Truth.SegmentationMap is { } map)
            sample.Truth.SegmentationMap = move(map, MapKind.Segmentation);
        if (sample.Truth.Panoptic is { } panoptic)
            sample.Truth.Panoptic = panoptic.On(move(panoptic.Map, MapKind.Segments));
        if (sample.Truth.InstanceMasks is { } masks)
            sample.Truth.InstanceMasks = [.. masks.Select(mask => move(mask, MapKind.Mask))];
        foreach (var name in sample.Truth.ExtraMaps.Keys.ToArray())
            sample.Truth.ExtraMaps[name] = move(sample.Truth.ExtraMaps[name], MapKind.Extra);
    }

    private static void MoveBoxes(
        Sample sample,
        Boxes boxes,
        Action<ReadOnlySpan<float>, Span<float>> enclose,
        int height,
        int width,
        bool cuts
    )
    {
        var corners = new float[boxes.Corners.Length];
        var kept = new List<int>(boxes.Count);
        for (var i = 0; i < boxes.Count; i++)
        {
            var box = boxes.Corners.AsSpan(i * 4, 4);
            var moved = corners.AsSpan(i * 4, 4);
            enclose(box, moved);
            if (cuts)
            {
                for (var c = 0; c < 4; c++)
                    moved[c] = Math.Clamp(moved[c], 0, c % 2 == 0 ? width : height);
            }
            if (!cuts || (moved[2] > moved[0] && moved[3] > moved[1]))
                kept.Add(i);
        }
        sample.Truth.Boxes = boxes with { Corners = corners };
        Keep(sample, kept);
    }

    /// <summary>Drops all boxes but some, and their masks.</summary>
    public static void Keep(Sample sample, IReadOnlyList<int> kept)
    {
        if (sample.Truth.Boxes is not { } boxes || kept.Count == boxes.Count)
            return;
        sample.Truth.Boxes = new Boxes(
            [.. kept.SelectMany(i => boxes.Corners[(i * 4)..(i * 4 + 4)])],
            [.. kept.Select(i => boxes.Labels[i])],
            [.. kept.Select(i => boxes.Ignored[i])]
        );
        if (sample.Truth.InstanceMasks is { } masks && masks.Count == boxes.Count)
            sample.Truth.InstanceMasks = [.. kept.Select(i => masks[i])];
    }

    /// <summary>The upright box around the four moved corners.</summary>
    private static void Enclose(ReadOnlySpan<float> box, Matrix3x2 step, Span<float> moved)
    {
        var a = Vector2.Transform(new Vector2(box[0], box[1]), step);
        var b = Vector2.Transform(new Vector2(box[2], box[1]), step);
        var c = Vector2.Transform(new Vector2(box[0], box[3]), step);
        var d = Vector2.Transform(new Vector2(box[2], box[3]), step);
        var low = Vector2.Min(Vector2.Min(a, b), Vector2.Min(c, d));
        var high = Vector2.Max(Vector2.Max(a, b), Vector2.Max(c, d));
        (moved[0], moved[1], moved[2], moved[3]) = (low.X, low.Y, high.X, high.Y);
    }

    private static void CheckMaps(Sample sample)
    {
        var (height, width) = SizeOf(sample);
        Check(sample.Truth.SegmentationMap, "segmentation map");
        Check(sample.Truth.Panoptic?.Map, "panoptic map");
        foreach (var mask in sample.Truth.InstanceMasks ?? [])
            Check(mask, "instance mask");
        foreach (var (name, map) in sample.Truth.ExtraMaps)
            Check(map, $"map \"{name}\"");

        void Check(Image? map, string what)
        {
            if (map is not null && (map.Height != height || map.Width != width))
                throw new UserErrorException(
                    $"{sample.Name}: the image has {height} x {width} pixels, its {what} {map.Height} x {map.Width}."
                );
        }
    }
}
