using System.Numerics;
using Tessera.Datasets.Images.Resampling;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Images;

namespace Tessera.Tests.Datasets.Transforms;

/// <summary>Boxes, masks and maps stay where the image's content is, under every geometric transform.</summary>
public class GeometricTransformTests
{
    private static readonly Dictionary<string, Transform> Steps = new()
    {
        ["resize"] = new Resize(new ResizeOptions(new HeightWidth(90, 50))),
        ["resize down"] = new Resize(new ResizeOptions(new HeightWidth(30, 37), Interpolation: Interpolation.Bicubic)),
        ["resize opencv"] = new Resize(new ResizeOptions(new HeightWidth(90, 130), Backend: ResizeBackend.Opencv)),
        ["keep ratio"] = new Resize(new ResizeOptions(new HeightWidth(120, 120), KeepRatio: true)),
        ["shorter side"] = new Resize(new ResizeOptions(ShorterSide: 90, MaxLongerSide: 100)),
        ["random resize"] = new RandomResize(new RandomResizeOptions([0.6, 1.8])),
        ["random shorter side"] = new RandomResize(new RandomResizeOptions(ShorterSides: [40, 80, 100])),
        ["random resized crop"] = new RandomResizedCrop(new RandomResizedCropOptions(new HeightWidth(64, 64), [0.3, 1])),
        ["random resized crop opencv"] = new RandomResizedCrop(
            new RandomResizedCropOptions(new HeightWidth(64, 64), [0.3, 1], Backend: ResizeBackend.Opencv)
        ),
        ["center crop"] = new CenterCrop(new CenterCropOptions(new HeightWidth(40, 50))),
        ["center crop of a smaller image"] = new CenterCrop(new CenterCropOptions(new HeightWidth(100, 30))),
        ["random crop"] = new RandomCrop(new RandomCropOptions(new HeightWidth(40, 40), Padding: 4)),
        ["random crop of a smaller image"] = new RandomCrop(new RandomCropOptions(new HeightWidth(70, 100))),
        ["flip"] = new RandomFlip(new RandomFlipOptions(1)),
        ["flip vertical"] = new RandomFlip(new RandomFlipOptions(1, FlipDirection.Vertical)),
        ["flip diagonal"] = new RandomFlip(new RandomFlipOptions(1, FlipDirection.Diagonal)),
        ["pad"] = new Pad(new PadOptions(SizeDivisor: 32)),
        ["rotate"] = new RandomRotate(new RandomRotateOptions([25])),
        ["rotate expand"] = new RandomRotate(new RandomRotateOptions([90, 90], Expand: true)),
        ["randaugment"] = new RandAugment(new RandAugmentOptions(3, Magnitude: 12)),
        ["autoaugment"] = new AutoAugment(new AutoAugmentOptions(AutoAugmentPolicy.Svhn, Interpolation.Bilinear)),
        ["trivialaugment"] = new TrivialAugment(new TrivialAugmentOptions(Interpolation: Interpolation.Bicubic)),
        ["timm"] = new TimmAutoAugment(new TimmAutoAugmentOptions("rand-m9-n3-mstd0.5-inc1")),
        ["perspective"] = new RandomPerspective(new RandomPerspectiveOptions(0.4, 1)),
        ["elastic"] = new ElasticTransform(new ElasticTransformOptions([100, 120], [8])),
    };

    /// <summary>They change the values, too.</summary>
    private static readonly string[] Recoloring = ["randaugment", "autoaugment", "trivialaugment", "timm"];

    /// <summary>What fills its box no longer does so afterwards.</summary>
    private static readonly string[] Turning = ["rotate", "perspective", .. Recoloring];

    /// <summary>No affine map says what they did.</summary>
    private static readonly string[] Bending = ["perspective", "elastic"];

    public static TheoryData<string> Names => [.. Steps.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Apply_EverythingMovesWithTheImage(string name)
    {
        for (var seed = 0UL; seed < 12; seed++)
        {
            var sample = Steps[name].Apply(TestScene.Create(), new RandomSource(seed));
            var (image, map) = (sample.Image!, sample.Truth.SegmentationMap!);
            Assert.All(
                sample.Truth.InstanceMasks!.Append(map).Append(sample.Truth.ExtraMaps["depth"]),
                other => Assert.Equal((image.Decode().Height, image.Decode().Width), (other.Height, other.Width))
            );
            var boxes = sample.Truth.Boxes!;
            Assert.Equal(boxes.Count, sample.Truth.InstanceMasks!.Count);
            Assert.Equal(boxes.Count, boxes.Ignored.Length);

            for (var i = 0; i < boxes.Count; i++)
            {
                var mask = sample.Truth.InstanceMasks[i];
                Assert.Equal(boxes.Labels[i] == 6, boxes.Ignored[i]);
                var box = boxes.Corners.AsSpan(i * 4, 4).ToArray();
                var inside = new Vector4(float.MaxValue, float.MaxValue, float.MinValue, float.MinValue);
                for (var p = 0; p < mask.Bytes.Length; p++)
                {
                    if (mask.Bytes[p] == 0)
                        continue;
                    var (x, y) = (p % image.Decode().Width, p / image.Decode().Width);
                    inside = new Vector4(
                        Math.Min(inside.X, x),
                        Math.Min(inside.Y, y),
                        Math.Max(inside.Z, x + 1),
                        Math.Max(inside.W, y + 1)
                    );
                    Assert.Equal(boxes.Labels[i] - 4, map.Bytes[p]); // the masks are the map's classes
                }
                if (inside.Z < 0)
                    continue; // a sliver of less than a pixel
                // The mask fills its box (a turned one lies within it).
                Assert.InRange(inside.X, box[0] - 1.5, image.Decode().Width);
                Assert.InRange(inside.Y, box[1] - 1.5, image.Decode().Height);
                Assert.InRange(inside.Z, 0, box[2] + 1.5);
                Assert.InRange(inside.W, 0, box[3] + 1.5);
                if (!Turning.Contains(name))
                    Assert.InRange((new Vector4(box[0], box[1], box[2], box[3]) - inside).Length(), 0, 2.5);
            }
            if (!Recoloring.Contains(name))
                AssertValuesFollow(sample, image.Decode(), map);
        }
    }

    /// <summary>Away from edges, the map's class says the image's and the depth's value.</summary>
    private static void AssertValuesFollow(Sample sample, Image image, Image map)
    {
        var checkedPixels = 0;
        for (var y = 3; y < image.Height - 3; y++)
        {
            for (var x = 3; x < image.Width - 3; x++)
            {
                var p = y * image.Width + x;
                if (!Uniform(map, x, y))
                    continue;
                var expected = map.Bytes[p] switch
                {
                    1 => 200,
                    2 => 100,
                    _ => 0,
                };
                var (value, depth) = (TestScene.Value(image, p * image.Channels), TestScene.Value(sample.Truth.ExtraMaps["depth"], p));
                Assert.True(
                    Math.Abs(value - expected) <= 2 && Math.Abs(depth - expected) <= 2,
                    $"({x}, {y}): {value} and {depth} instead of {expected}"
                );
                checkedPixels++;
            }
        }
        Assert.True(checkedPixels > 100, $"only {checkedPixels} pixels were compared");
    }

    private static bool Uniform(Image map, int x, int y)
    {
        for (var dy = -3; dy <= 3; dy++)
        {
            if (map.Bytes.AsSpan((y + dy) * map.Width + x - 3, 7).ContainsAnyExcept(map.Bytes[y * map.Width + x]))
                return false;
        }
        return true;
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Apply_GeometryMapsOldBoxesToNewOnes(string name)
    {
        if (Bending.Contains(name))
        {
            Assert.Equal(Matrix3x2.Identity, Steps[name].Apply(TestScene.Create(), new RandomSource(3)).Geometry!.Transform);
            return;
        }
        var original = TestScene.Create();
        var sample = Steps[name].Apply(TestScene.Create(), new RandomSource(3));
        Assert.Equal(
            (TestScene.Height, TestScene.Width),
            (sample.Geometry?.OriginalHeight ?? TestScene.Height, sample.Geometry?.OriginalWidth ?? TestScene.Width)
        );
        var transform = sample.Geometry?.Transform ?? Matrix3x2.Identity;
        var image = sample.Image!;
        for (var i = 0; i < sample.Truth.Boxes!.Count; i++)
        {
            var before = original.Truth.Boxes!.Corners.AsSpan((sample.Truth.Boxes.Labels[i] - 5) * 4, 4);
            var middle = Vector2.Transform(new Vector2((before[0] + before[2]) / 2, (before[1] + before[3]) / 2), transform);
            var (x, y) = ((int)middle.X, (int)middle.Y);
            if (x < 1 || y < 1 || x >= image.Decode().Width - 1 || y >= image.Decode().Height - 1)
                continue; // cut off
            Assert.Equal(1, sample.Truth.InstanceMasks![i].Bytes[y * image.Decode().Width + x]);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Apply_SameRandomNumbers_SameResult(string name)
    {
        var first = Steps[name].Apply(TestScene.Create(), RandomSource.For(7, 1, 42));
        var second = Steps[name].Apply(TestScene.Create(), RandomSource.For(7, 1, 42));
        Assert.Equal(first.Image!.Decode().Bytes, second.Image!.Decode().Bytes);
        Assert.Equal(first.Truth.Boxes!.Corners, second.Truth.Boxes!.Corners);
        Assert.Equal(first.Truth.SegmentationMap!.Bytes, second.Truth.SegmentationMap!.Bytes);
    }

    [Theory]
    [InlineData(1, PixelType.UInt16)]
    [InlineData(2, PixelType.UInt8)]
    [InlineData(5, PixelType.UInt8)]
    [InlineData(7, PixelType.Float32)]
    public void Apply_AnyChannelsAndType(int channels, PixelType type)
    {
        foreach (var (name, step) in Steps.Where(entry => !Recoloring.Contains(entry.Key)))
        {
            var sample = step.Apply(TestScene.Create(channels, type), new RandomSource(5));
            Assert.Equal((channels, type), (sample.Image!.Decode().Channels, sample.Image.Decode().Type));
            if (sample.Truth.SegmentationMap!.Bytes.Contains((byte)2) || sample.Truth.SegmentationMap.Bytes.Contains((byte)1))
                AssertValuesFollow(sample, sample.Image.Decode(), sample.Truth.SegmentationMap);
            Assert.NotEmpty(name);
        }
    }

    [Theory]
    [InlineData(FlipDirection.Horizontal)]
    [InlineData(FlipDirection.Vertical)]
    [InlineData(FlipDirection.Diagonal)]
    public void Flip_Twice_IsIdentity(FlipDirection direction)
    {
        var flip = new RandomFlip(new RandomFlipOptions(1, direction));
        for (var width = 1; width < 70; width += 3)
        {
            foreach (
                var (channels, type) in (ValueTuple<int, PixelType>[])
                    [(3, PixelType.UInt8), (1, PixelType.UInt8), (4, PixelType.UInt8), (1, PixelType.UInt16), (3, PixelType.Float32)]
            )
            {
                var image = ImageFixture.Noise(5, width, channels, type);
                var sample = new Sample
                {
                    Index = 0,
                    Name = "noise",
                    Image = new(image),
                };
                var once = flip.Apply(sample, new RandomSource(1)).Image!;
                var size = image.Bytes.Length / (5 * width);
                for (var y = 0; y < 5; y++)
                {
                    for (var x = 0; x < width; x++)
                    {
                        var (fx, fy) = (
                            direction == FlipDirection.Vertical ? x : width - 1 - x,
                            direction == FlipDirection.Horizontal ? y : 4 - y
                        );
                        Assert.True(
                            image
                                .Bytes.AsSpan((y * width + x) * size, size)
                                .SequenceEqual(once.Decode().Bytes.AsSpan((fy * width + fx) * size, size))
                        );
                    }
                }
                var twice = flip.Apply(sample, new RandomSource(1));
                Assert.Equal(image.Bytes, twice.Image!.Decode().Bytes);
                Assert.Equal(Matrix3x2.Identity, twice.Geometry!.Transform);
                Assert.False(twice.Geometry.FlippedHorizontally || twice.Geometry.FlippedVertically);
            }
        }
    }

    [Fact]
    public void RandomCrop_CatMaxRatio_AvoidsUniformCrops()
    {
        var shares = new List<double>();
        for (var seed = 0UL; seed < 40; seed++)
        {
            var crop = new RandomCrop(new RandomCropOptions(new HeightWidth(20, 20), CatMaxRatio: 0.75))
                .Apply(TestScene.Create(), new RandomSource(seed))
                .Truth.SegmentationMap!;
            shares.Add(crop.Bytes.GroupBy(value => value).Max(group => group.Count()) / 400.0);
        }
        Assert.True(shares.Count(share => share < 0.75) >= 36, string.Join(' ', shares));
    }

    [Fact]
    public void RandomCrop_WithBoxes_KeepsOne()
    {
        for (var seed = 0UL; seed < 200; seed++)
            Assert.NotEmpty(
                new RandomCrop(new RandomCropOptions(new HeightWidth(8, 8)))
                    .Apply(TestScene.Create(), new RandomSource(seed))
                    .Truth.Boxes!.Labels
            );
    }

    [Fact]
    public void Pad_FillsMapsWithIgnored()
    {
        var sample = new Pad(new PadOptions(new HeightWidth(61, 82), PadVal: [1, 2, 3])).Apply(TestScene.Create(), new RandomSource(1));
        Assert.Equal([1, 2, 3], sample.Image!.Decode().Bytes[^3..]);
        Assert.Equal(255, sample.Truth.SegmentationMap!.Bytes[^1]);
        Assert.Equal(0, sample.Truth.InstanceMasks![0].Bytes[^1]);
        Assert.Equal((0, 0, 2, 1), sample.Geometry!.Padding);
    }

    [Fact]
    public void Apply_MapOfAnotherSize_NamesTheSample()
    {
        var sample = TestScene.Create();
        sample.Truth.SegmentationMap = new Image(5, 5, 1);
        var error = Assert.Throws<UserErrorException>(() => Steps["flip"].Apply(sample, new RandomSource(1)));
        Assert.Equal("scene: the image has 60 x 80 pixels, its segmentation map 5 x 5.", error.Message);
    }

    [Fact]
    public void RandomResizedCrop_Parameters_FollowTheDistribution()
    {
        var scales = new List<double>();
        for (var seed = 0UL; seed < 2000; seed++)
        {
            var sample = new Sample
            {
                Index = 0,
                Name = "blank",
                Image = new(new Image(100, 100, 1)),
            };
            new RandomResizedCrop(new RandomResizedCropOptions(new HeightWidth(10, 10), [0.2, 0.4])).Apply(sample, new RandomSource(seed));
            var t = sample.Geometry!.Transform;
            var (width, height) = (10 / t.M11, 10 / t.M22);
            scales.Add(width * height / 10000);
            Assert.InRange(width / height, 0.73, 1.36);
            Assert.InRange(-t.M31 / t.M11, 0, 100 - width + 0.1);
        }
        Assert.InRange(scales.Min(), 0.19, 0.22);
        Assert.InRange(scales.Max(), 0.38, 0.41);
        Assert.InRange(scales.Average(), 0.29, 0.31);
    }
}
