using System.Numerics;
using CsCheck;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Properties;

/// <summary>What holds for every image and whatever lies on it; a failure is shrunk, and its seed is in the message.</summary>
public sealed class TransformPropertyTests
{
    /// <summary>An image of noise, a map of noise, and up to four boxes at whole pixels, each with its mask.</summary>
    private static readonly Gen<Func<Sample>> s_scenes = Gen.Select(Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 4], Gen.Int[0, 4], Gen.ULong)
        .Select((height, width, channels, boxes, seed) => (Func<Sample>)(() => Scene(height, width, channels, boxes, seed)));

    private static readonly Gen<FlipDirection> s_directions = Gen.Int[0, 2].Select(direction => (FlipDirection)direction);

    [Fact]
    public void Flip_Twice_IsTheIdentity() =>
        Gen.Select(s_scenes, s_directions)
            .Sample(
                (scene, direction) =>
                {
                    var flip = new RandomFlip(new RandomFlipOptions(1, direction));
                    var (before, once) = (scene(), flip.Apply(scene(), new RandomSource(0)));
                    var after = flip.Apply(once, new RandomSource(0));
                    return after.Image!.Decode().Bytes.AsSpan().SequenceEqual(before.Image!.Decode().Bytes)
                        && after.Truth.SegmentationMap!.Bytes.AsSpan().SequenceEqual(before.Truth.SegmentationMap!.Bytes)
                        && after.Truth.Boxes!.Corners.AsSpan().SequenceEqual(before.Truth.Boxes!.Corners)
                        && after.Truth.InstanceMasks!.Zip(before.Truth.InstanceMasks!).All(pair => Same(pair.First, pair.Second))
                        && after.Geometry!.Transform.IsIdentity
                        && !after.Geometry.FlippedHorizontally
                        && !after.Geometry.FlippedVertically;
                },
                iter: 300,
                threads: 1
            );

    /// <summary>Boxes at whole pixels stay the tight boxes of their masks, and pixels stay with their labels.</summary>
    [Fact]
    public void MovesOfWholePixels_MoveBoxesMasksAndMapsTogether() =>
        Gen.Select(s_scenes, Gen.Int[0, 5], Gen.Int[1, 30], Gen.Int[1, 30], Gen.ULong)
            .Sample(
                (scene, kind, height, width, seed) =>
                {
                    var size = new HeightWidth(height, width);
                    Transform step = kind switch
                    {
                        0 => new RandomCrop(new RandomCropOptions(size, AllowNegativeCrop: true)),
                        1 => new RandomCrop(new RandomCropOptions(size, Padding: 3)),
                        2 => new CenterCrop(new CenterCropOptions(size)),
                        3 => new Pad(new PadOptions(size, Position: PadPosition.Random)),
                        4 => new Pad(new PadOptions(SizeDivisor: height)),
                        _ => new RandomFlip(new RandomFlipOptions(0.5, FlipDirection.Diagonal)),
                    };
                    var sample = step.Apply(scene(), new RandomSource(seed));
                    var (boxes, masks) = (sample.Truth.Boxes!, sample.Truth.InstanceMasks!);
                    return boxes.Count == masks.Count
                        && Enumerable.Range(0, boxes.Count).All(i => boxes.Corners.AsSpan(4 * i, 4).SequenceEqual(Tight(masks[i])))
                        && LabelsFollowPixels(sample);
                },
                iter: 400,
                threads: 1
            );

    /// <summary>A mask that fills its box still does after a change of size, up to half a pixel at each edge; where no pixel's middle is
    /// left in the box, it is empty.</summary>
    [Fact]
    public void ChangesOfSize_MoveMasksWithTheirBoxes() =>
        Gen.Select(s_scenes, Gen.Int[0, 3], Gen.Int[1, 60], Gen.Int[1, 60], Gen.ULong)
            .Sample(
                (scene, kind, height, width, seed) =>
                {
                    var size = new HeightWidth(height, width);
                    Transform step = kind switch
                    {
                        0 => new Resize(new ResizeOptions(Size: size)),
                        1 => new Resize(new ResizeOptions(Size: size, Backend: Tessera.Datasets.Images.Resampling.ResizeBackend.Opencv)),
                        2 => new RandomResizedCrop(new RandomResizedCropOptions(size)),
                        _ => new RandomResize(new RandomResizeOptions(RatioRange: [0.4, 2.5])),
                    };
                    var sample = step.Apply(scene(), new RandomSource(seed));
                    var (boxes, masks) = (sample.Truth.Boxes!, sample.Truth.InstanceMasks!);
                    // OpenCV's nearest takes the pixel at or before, not the one whose middle is nearest.
                    var slack = kind == 1 ? 1.001f : 0.501f;
                    return boxes.Count == masks.Count
                        && Enumerable.Range(0, boxes.Count).All(i => Fills(masks[i], boxes.Corners.AsSpan(4 * i, 4), slack));
                },
                iter: 400,
                threads: 1
            );

    private static bool Fills(Image mask, ReadOnlySpan<float> box, float slack)
    {
        if (!mask.Bytes.Contains((byte)1))
            return box[2] - box[0] <= 2 * slack || box[3] - box[1] <= 2 * slack;
        var tight = Tight(mask);
        for (var c = 0; c < 4; c++)
            if (Math.Abs(tight[c] - box[c]) > slack)
                return false;
        return true;
    }

    /// <summary>A point of the original goes where the record of all steps says: boxes that nothing cuts prove it.</summary>
    [Fact]
    public void Geometry_OfSeveralSteps_MapsBoxes() =>
        Gen.Select(s_scenes, Gen.Int[1, 50], Gen.Int[1, 50], s_directions, Gen.ULong)
            .Sample(
                (scene, height, width, direction, seed) =>
                {
                    Transform[] steps =
                    [
                        new Pad(new PadOptions(SizeDivisor: 7, Position: PadPosition.Random)),
                        new Resize(new ResizeOptions(Size: new HeightWidth(height, width))),
                        new RandomFlip(new RandomFlipOptions(0.5, direction)),
                    ];
                    var (before, sample, random) = (scene(), scene(), new RandomSource(seed));
                    foreach (var step in steps)
                        sample = step.Apply(sample, random);
                    return before
                        .Truth.Boxes!.Corners.Chunk(4)
                        .Zip(sample.Truth.Boxes!.Corners.Chunk(4))
                        .All(pair => Distance(Moved(pair.First, sample.Geometry!.Transform), pair.Second) < 1e-3);
                },
                iter: 300,
                threads: 1
            );

    [Fact]
    public void Normalize_ThenItsInverse_IsTheStart() =>
        Gen.Select(s_scenes, Gen.Float[-200, 200].Array[4], Gen.Float[0.5f, 90].Array[4], Gen.Bool)
            .Sample(
                (scene, mean, std, reverse) =>
                {
                    var pixels = scene().Image!.Decode();
                    reverse &= pixels.Channels == 3;
                    var (m, s) = (mean[..pixels.Channels], std[..pixels.Channels]);
                    var there = new Normalization(m, s, reverse);
                    var (backMean, backStd) = (m.Zip(s, (a, b) => -a / b).ToArray(), s.Select(a => 1 / a).ToArray());
                    if (reverse)
                    {
                        Array.Reverse(backMean);
                        Array.Reverse(backStd);
                    }
                    var back = new Normalization(backMean, backStd, reverse).Apply(there.Apply(pixels)).Pixels<float>();
                    for (var i = 0; i < back.Length; i++)
                        if (MathF.Abs(back[i] - pixels.Bytes[i]) > 1e-2f)
                            return false;
                    return true;
                },
                iter: 200,
                threads: 1
            );

    /// <summary>Planes, planes within larger ones, and the image of floats hold the same values.</summary>
    [Fact]
    public void Prepared_Planes_AreTheNormalizedImage() =>
        Gen.Select(s_scenes, Gen.Int[0, 9], Gen.Int[0, 9], Gen.Float[-99, 99], Gen.Float[0.5f, 9])
            .Sample(
                (scene, below, beside, mean, std) =>
                {
                    var normalize = new Normalize(new NormalizeOptions([mean], [std]));
                    var prepared = PreparedSample.Of(scene(), [normalize], new RandomSource(0));
                    var floats = normalize.Apply(scene(), new RandomSource(0)).Image!.Decode();
                    var (height, width) = (floats.Height + below, floats.Width + beside);
                    var (planes, padded) = (prepared.Planes(), new float[floats.Channels * height * width]);
                    prepared.WritePlanes(padded, height, width);
                    var values = floats.Pixels<float>();
                    for (var c = 0; c < floats.Channels; c++)
                    for (var y = 0; y < height; y++)
                    for (var x = 0; x < width; x++)
                    {
                        var inside = y < floats.Height && x < floats.Width;
                        var value = inside ? values[(y * floats.Width + x) * floats.Channels + c] : 0;
                        if (inside && planes[(c * floats.Height + y) * floats.Width + x] != value)
                            return false;
                        if (padded[(c * height + y) * width + x] != value)
                            return false;
                    }
                    return true;
                },
                iter: 200,
                threads: 1
            );

    private static Sample Scene(int height, int width, int channels, int boxes, ulong seed)
    {
        var random = new RandomSource(seed);
        var (image, map) = (new Image(height, width, channels), new Image(height, width, 1));
        for (var i = 0; i < map.Bytes.Length; i++)
        {
            // A pixel's first channel tells its class, so that one can be checked by the other.
            map.Bytes[i] = (byte)random.Next(250);
            image.Bytes[i * channels] = (byte)(map.Bytes[i] + 1);
            for (var c = 1; c < channels; c++)
                image.Bytes[i * channels + c] = (byte)random.Next(256);
        }
        var (corners, masks) = (new List<float>(), new List<Image>());
        for (var b = 0; b < boxes; b++)
        {
            var (left, top) = (random.Next(width), random.Next(height));
            var (right, bottom) = (left + 1 + random.Next(width - left), top + 1 + random.Next(height - top));
            corners.AddRange(left, top, right, bottom);
            var mask = new Image(height, width, 1);
            for (var y = top; y < bottom; y++)
                mask.Bytes.AsSpan(y * width + left, right - left).Fill(1);
            masks.Add(mask);
        }
        return new Sample
        {
            Index = 0,
            Name = "scene",
            Image = new(image),
            Truth =
            {
                SegmentationMap = map,
                InstanceMasks = masks,
                Boxes = new Boxes([.. corners], new int[boxes], new bool[boxes]),
            },
        };
    }

    /// <summary>x1, y1, x2, y2 around the pixels of a mask.</summary>
    private static float[] Tight(Image mask)
    {
        var inside = Enumerable
            .Range(0, mask.Bytes.Length)
            .Where(i => mask.Bytes[i] != 0)
            .Select(i => Math.DivRem(i, mask.Width))
            .ToArray();
        return
        [
            inside.Min(at => at.Remainder),
            inside.Min(at => at.Quotient),
            inside.Max(at => at.Remainder) + 1,
            inside.Max(at => at.Quotient) + 1,
        ];
    }

    private static bool LabelsFollowPixels(Sample sample)
    {
        var (image, map) = (sample.Image!.Decode(), sample.Truth.SegmentationMap!);
        return (image.Height, image.Width) == (map.Height, map.Width)
            && Enumerable
                .Range(0, map.Bytes.Length)
                // Padding is 0 in the image and ignored in the map.
                .All(i => image.Bytes[i * image.Channels] == (map.Bytes[i] == 255 ? 0 : map.Bytes[i] + 1));
    }

    private static bool Same(Image first, Image second) => first.Bytes.AsSpan().SequenceEqual(second.Bytes);

    private static float[] Moved(float[] box, Matrix3x2 step)
    {
        var (a, b) = (Vector2.Transform(new(box[0], box[1]), step), Vector2.Transform(new(box[2], box[3]), step));
        var (low, high) = (Vector2.Min(a, b), Vector2.Max(a, b));
        return [low.X, low.Y, high.X, high.Y];
    }

    private static float Distance(float[] first, float[] second) => first.Zip(second, (a, b) => MathF.Abs(a - b)).Max();
}
