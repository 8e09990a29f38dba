using System.Text.Json;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Transforms;

public class CopyPasteTests
{
    [Fact]
    public void Paste_ChosenObjects_EqualsMMDetection()
    {
        var fixture = AugmentFixture.Geometry.GetProperty("copy_paste");
        var cases = fixture.All("cases");
        Assert.Equal(15, cases.Length);
        foreach (var entry in cases)
        {
            var options = new CopyPasteOptions(
                BboxOccludedThr: entry.Whole("bbox_occluded_thr"),
                MaskOccludedThr: entry.Whole("mask_occluded_thr")
            );
            var sample = Scene(fixture, "own", 0, 5);
            new CopyPaste(options).Paste(sample, Scene(fixture, "other", 20, 131), Whole(entry, "chosen"));
            var boxes = sample.Truth.Boxes!;
            Assert.Equal(Whole(entry, "boxes"), boxes.Corners.Select(corner => (int)corner));
            Assert.Equal(Whole(entry, "labels"), boxes.Labels);
            Assert.Equal(entry.All("ignored").Select(flag => flag.GetBoolean()), boxes.Ignored);
            Assert.Equal(entry.All("masks").Select(mask => mask.GetString()), sample.Truth.InstanceMasks!.Select(AugmentFixture.Digest));
            Assert.Equal(entry.Text("image"), AugmentFixture.Digest(sample.Image!.Decode()));
        }
    }

    [Fact]
    public void Apply_RandomScenes_EqualsADrawingPixelByPixel()
    {
        var pastedAny = 0;
        for (var seed = 0; seed < 60; seed++)
        {
            var random = RandomSource.For(9, 0, seed);
            var (own, other) = (Rectangles(random), Rectangles(random));
            var sample = Painted(own, 0);
            var before = sample.Image!.Decode().Clone();
            sample.Source = new MemoryDataset(1, _ => Painted(other, 100));
            new CopyPaste(new(BboxOccludedThr: 1000, Selected: false)).Apply(sample, RandomSource.For(1, 0, seed));

            // An oracle by pixels: the other image's objects lie on top of everything.
            var (image, boxes, masks) = (sample.Image!.Decode(), sample.Truth.Boxes!, sample.Truth.InstanceMasks!);
            Assert.Equal(boxes.Count, masks.Count);
            var shown = new HashSet<int>();
            for (var y = 0; y < 40; y++)
            {
                for (var x = 0; x < 50; x++)
                {
                    var covered = other.Any(box => Inside(box, x, y));
                    Assert.Equal(covered ? 100 : before.Bytes[(y * 50) + x], image.Bytes[(y * 50) + x]);
                    Assert.Equal(covered ? 100 : 0, sample.Truth.SegmentationMap!.Bytes[(y * 50) + x]);
                    var segment = sample.Truth.Panoptic!.Map.Pixels<ushort>()[(y * 50) + x];
                    Assert.Equal(covered ? 1 : 0, segment); // their one segment comes after the own one
                    for (var i = 0; i < own.Length; i++)
                    {
                        var visible = Inside(own[i], x, y) && !covered;
                        var place = Array.IndexOf(boxes.Labels, i);
                        if (visible)
                            shown.Add(i);
                        Assert.Equal(visible, place >= 0 && masks[place].Bytes[(y * 50) + x] == 1);
                    }
                    for (var i = 0; i < other.Length; i++)
                        Assert.Equal(Inside(other[i], x, y), masks[Array.IndexOf(boxes.Labels, 100 + i)].Bytes[(y * 50) + x] == 1);
                }
            }
            // Nothing that is to be seen is lost, and nothing else is there.
            Assert.Equal(shown.Order().Concat(Enumerable.Range(100, other.Length)), boxes.Labels);
            pastedAny += other.Length;
        }
        Assert.True(pastedAny > 100);
    }

    [Fact]
    public void Apply_Selected_PastesAnyNumberButTheMost()
    {
        var counts = new int[4];
        for (var seed = 0; seed < 400; seed++)
        {
            var sample = Painted([], 0);
            int[][] other =
            [
                [0, 0, 4, 4],
                [10, 10, 14, 14],
                [20, 20, 24, 24],
            ];
            sample.Source = new MemoryDataset(1, _ => Painted(other, 100));
            new CopyPaste(new(MaxNumPasted: 3)).Apply(sample, RandomSource.For(1, 0, seed));
            Assert.Equal(sample.Truth.Boxes!.Labels.Distinct().Count(), sample.Truth.Boxes.Count);
            counts[sample.Truth.Boxes.Count]++;
        }
        Assert.Equal(0, counts[3]); // as MMDetection has it, fewer than max_num_pasted
        Assert.All(counts[..3], count => Assert.InRange(count, 90, 180));
    }

    [Fact]
    public void Apply_OtherSize_CutsWhatLiesBeyond()
    {
        var sample = Painted(
            [
                [0, 0, 5, 5],
            ],
            0
        );
        var large = new Image(80, 90, 1);
        large.Bytes.AsSpan().Fill(77);
        var mask = new Image(80, 90, 1);
        for (var y = 30; y < 60; y++)
            mask.Bytes.AsSpan((y * 90) + 40, 30).Fill(1);
        var (map, segments) = (new Image(80, 90, 1), new Image(80, 90, 1, PixelType.UInt16));
        sample.Source = new MemoryDataset(
            1,
            _ =>
            {
                var other = AugmentFixture.Sample(large);
                (other.Truth.Boxes, other.Truth.InstanceMasks) = (new Boxes([40, 30, 70, 60], [3], [false]), [mask]);
                (other.Truth.SegmentationMap, other.Truth.Panoptic) = (map, new PanopticMap(segments, [new(0)]));
                return other;
            }
        );
        new CopyPaste(new(Selected: false)).Apply(sample, new RandomSource(1));
        Assert.Equal([0, 0, 5, 5, 40, 30, 50, 40], sample.Truth.Boxes!.Corners);
        Assert.Equal(100, sample.Truth.InstanceMasks![1].Bytes.Count(value => value == 1));
        Assert.Equal(100, sample.Image!.Decode().Bytes.Count(value => value == 77));
    }

    [Fact]
    public void Apply_WithoutMasks_PastesBoxesIfAsked()
    {
        Sample Scene()
        {
            var sample = Painted(
                [
                    [2, 2, 8, 8],
                ],
                0
            );
            sample.Truth.InstanceMasks = null;
            sample.Source = new MemoryDataset(
                1,
                _ =>
                {
                    var other = Painted(
                        [
                            [6, 0, 20, 12],
                        ],
                        100
                    );
                    other.Truth.InstanceMasks = null;
                    return other;
                }
            );
            return sample;
        }
        Assert.Equal(
            "picture: CopyPaste needs a mask for each box. Use a data set with masks, or set paste_by_box to true.",
            Assert.Throws<UserErrorException>(() => new CopyPaste(new(Selected: false)).Apply(Scene(), new RandomSource(1))).Message
        );
        var pasted = new CopyPaste(new(Selected: false, PasteByBox: true)).Apply(Scene(), new RandomSource(1));
        Assert.Null(pasted.Truth.InstanceMasks);
        Assert.Equal([2, 2, 6, 8, 6, 0, 20, 12], pasted.Truth.Boxes!.Corners);
        Assert.Equal(14 * 12, pasted.Image!.Decode().Bytes.Count(value => value == 100));
    }

    private static int[] Whole(JsonElement entry, string name) => [.. entry.All(name).Select(value => value.GetInt32())];

    private static Sample Scene(JsonElement fixture, string name, int label, int offset)
    {
        var (height, width) = (fixture.Whole("height"), fixture.Whole("width"));
        var image = new Image(height, width, 3);
        for (var i = 0; i < image.Bytes.Length; i++)
            image.Bytes[i] = (byte)((7 * (i / 3 % width)) + (13 * (i / 3 / width)) + (29 * (i % 3)) + offset);
        var sample = AugmentFixture.Sample(image);
        var masks = fixture.All(name).Select(ellipse => Ellipse(ellipse, height, width)).ToArray();
        sample.Truth.InstanceMasks = masks;
        sample.Truth.Boxes = new Boxes(
            [.. masks.SelectMany(Bounds)],
            [.. Enumerable.Range(label, masks.Length)],
            [.. Enumerable.Range(0, masks.Length).Select(i => i % 3 == 2)]
        );
        return sample;
    }

    private static Image Ellipse(JsonElement ellipse, int height, int width)
    {
        var mask = new Image(height, width, 1);
        for (var i = 0; i < mask.Bytes.Length; i++)
        {
            var (x, y) = (
                ((i % width) + 0.5 - ellipse[0].GetInt32()) / ellipse[2].GetInt32(),
                ((i / width) + 0.5 - ellipse[1].GetInt32()) / ellipse[3].GetInt32()
            );
            mask.Bytes[i] = (x * x) + (y * y) <= 1 ? (byte)1 : (byte)0;
        }
        return mask;
    }

    private static float[] Bounds(Image mask)
    {
        int[] places = [.. Enumerable.Range(0, mask.Bytes.Length).Where(i => mask.Bytes[i] != 0)];
        return
        [
            places.Min(i => i % mask.Width),
            places.Min(i => i / mask.Width),
            places.Max(i => i % mask.Width) + 1,
            places.Max(i => i / mask.Width) + 1,
        ];
    }

    private static int[][] Rectangles(RandomSource random) =>
        [
            .. Enumerable
                .Range(0, random.Next(1, 6))
                .Select(_ =>
                {
                    var (x, y) = (random.Next(40), random.Next(30));
                    return (int[])[x, y, x + random.Next(1, 50 - x), y + random.Next(1, 40 - y)];
                }),
        ];

    private static bool Inside(int[] box, int x, int y) => x >= box[0] && x < box[2] && y >= box[1] && y < box[3];

    /// <summary>Overlapping rectangles, all of one value, with maps of one class and one segment.</summary>
    private static Sample Painted(int[][] rectangles, int value)
    {
        var image = new Image(40, 50, 1);
        for (var i = 0; i < image.Bytes.Length; i++)
            image.Bytes[i] = value > 0 ? (byte)value : (byte)(i % 70);
        var map = new Image(40, 50, 1);
        map.Bytes.AsSpan().Fill((byte)value);
        var sample = AugmentFixture.Sample(image);
        sample.Truth.SegmentationMap = map;
        sample.Truth.Panoptic = new PanopticMap(new Image(40, 50, 1, PixelType.UInt16), [new PanopticSegment(0)]);
        sample.Truth.Boxes = new Boxes(
            [.. rectangles.SelectMany(box => box).Select(corner => (float)corner)],
            [.. Enumerable.Range(value, rectangles.Length)],
            new bool[rectangles.Length]
        );
        sample.Truth.InstanceMasks =
        [
            .. rectangles.Select(box =>
            {
                var mask = new Image(40, 50, 1);
                for (var i = 0; i < mask.Bytes.Length; i++)
                    mask.Bytes[i] = Inside(box, i % 50, i / 50) ? (byte)1 : (byte)0;
                return mask;
            }),
        ];
        return sample;
    }
}
