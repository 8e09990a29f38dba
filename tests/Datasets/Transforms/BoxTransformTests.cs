using System.Numerics;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Transforms;

public class BoxTransformTests
{
    [Fact]
    public void FilterBoxes_DropsTinyAndDegenerate_WithTheirMasks()
    {
        var sample = TestScene.Create();
        float[] corners = [1, 1, 1, 9, 5, 5, 3, 9, float.NaN, 1, 2, 2, 0, 0, 3, 30, 0, 0, 4, 4, 0, 0, 50, 5, 0, 0, 2, 2];
        sample.Truth.Boxes = new Boxes(corners, [0, 1, 2, 3, 4, 5, 6], [false, false, true, false, false, false, true]);
        var mask = sample.Truth.InstanceMasks![0];
        sample.Truth.InstanceMasks =
        [
            .. Enumerable.Range(0, 7).Select(i => new Image(mask.Height, mask.Width, 1, PixelType.UInt8, [(byte)i, .. mask.Bytes[1..]])),
        ];
        sample = new FilterBoxes(new(MinSize: 4, MinArea: 16, MaxRatio: 8)).Apply(sample, new RandomSource(0));
        Assert.Equal([4, 6], sample.Truth.Boxes!.Labels); // the last is an ignored area
        Assert.Equal([0, 0, 4, 4, 0, 0, 2, 2], sample.Truth.Boxes.Corners);
        Assert.Equal([4, 6], sample.Truth.InstanceMasks!.Select(one => (int)one.Bytes[0]));
    }

    [Fact]
    public void Mosaic_JoinsFour_SameNumbersSameThree_BoxesLieOnTheirObjects()
    {
        var data = new MemoryDataset(9, index => Scene(index));
        var mosaic = new Mosaic(new(new HeightWidth(60, 80)));
        var joined = 0;
        for (var seed = 0UL; seed < 20; seed++)
        {
            var sample = Scene(0);
            sample.Source = data;
            sample.Truth.BoxAnnotation = BoxAnnotation.Of(sample.Truth.Boxes!);
            sample = mosaic.Apply(sample, new RandomSource(seed));
            Assert.Equal((120, 160), (sample.Image!.Decode().Height, sample.Image.Decode().Width));
            Assert.Equal((120, 160), (sample.Geometry!.OriginalHeight, sample.Geometry.OriginalWidth));
            Assert.Null(sample.Truth.BoxAnnotation);
            var boxes = sample.Truth.Boxes!;
            joined += boxes.Count;
            Assert.Equal(boxes.Count, sample.Truth.InstanceMasks!.Count);
            for (var i = 0; i < boxes.Count; i++)
            {
                var box = boxes.Corners.AsSpan(4 * i, 4).ToArray();
                Assert.True(box[0] >= 0 && box[1] >= 0 && box[2] <= 160 && box[3] <= 120 && box[2] > box[0] && box[3] > box[1]);
                for (var y = (int)box[1]; y < (int)box[3]; y++) // images are joined at their size: every pixel of a box is its object's
                for (var x = (int)box[0]; x < (int)box[2]; x++)
                    Assert.Equal(
                        (200 - 100 * (boxes.Labels[i] - 5), 1),
                        (sample.Image.Decode().Bytes[(y * 160 + x) * 3], sample.Truth.InstanceMasks[i].Bytes[y * 160 + x])
                    );
            }
            var again = Scene(0);
            again.Source = data;
            Assert.Equal(sample.Image.Decode().Bytes, mosaic.Apply(again, new RandomSource(seed)).Image!.Decode().Bytes);
        }
        Assert.InRange(joined, 60, 160); // of 20 times 8, some fall outside
        Assert.True(Enumerable.Range(1, 8).Count(i => data.ReadsOf(i) > 0) >= 6); // the three come from everywhere
        Assert.Contains(
            "training only",
            Assert.Throws<UserErrorException>(() => mosaic.Apply(Scene(0), new RandomSource(0))).Message,
            StringComparison.Ordinal
        );
        Assert.Same(data, Unchanged(data).Source);
        Assert.Throws<UserErrorException>(() => new Mosaic(new(new HeightWidth(60, 80), CenterRange: [1, 2])));
    }

    [Theory]
    [InlineData(480, 640, 800, 1333, 800, 1067)] // scale=(1333, 800), keep_ratio
    [InlineData(640, 480, 800, 1333, 1067, 800)]
    [InlineData(200, 1000, 800, 1333, 267, 1333)]
    public void Resize_ShorterAndLongestSide_AsScaleTuples(int height, int width, int shorter, int longest, int newHeight, int newWidth)
    {
        var sample = new Sample
        {
            Index = 0,
            Name = "",
            Image = new(new Image(height, width, 1)),
            Truth = { Boxes = new Boxes([0, 0, width, height], [0], [false]) },
        };
        sample = new Resize(new(ShorterSide: shorter, MaxLongerSide: longest)).Apply(sample, new RandomSource(0));
        Assert.Equal((newHeight, newWidth), (sample.Image!.Decode().Height, sample.Image.Decode().Width));
        Assert.Equal([0, 0, newWidth, newHeight], sample.Truth.Boxes!.Corners.Select(value => (int)MathF.Round(value, 2)));
    }

    [Fact]
    public void RandomResize_ShorterRange_DrawsEverySideOfIt()
    {
        var step = new RandomResize(new(ShorterRange: [30, 33], MaxLongerSide: 200));
        var sides = Enumerable
            .Range(0, 60)
            .Select(i => step.Apply(TestScene.Create(), RandomSource.For(0, 0, i)).Image!.Decode().Height)
            .Distinct()
            .Order();
        Assert.Equal([30, 31, 32, 33], sides);
        Assert.Throws<UserErrorException>(() => new RandomResize(new(ShorterRange: [5, 4])));
        Assert.Throws<UserErrorException>(() => new RandomResize(new(ShorterRange: [4, 5], ShorterSides: [4])));
    }

    /// <summary>Whatever a pipeline does, the geometry leads each box back to where it was, cut to what is visible.</summary>
    [Fact]
    public void AnyPipeline_GeometryLeadsBoxesBack()
    {
        Func<RandomSource, Transform>[] steps =
        [
            r => new Resize(new(new HeightWidth(r.Next(40, 200), r.Next(40, 200)))),
            r => new Resize(new(ShorterSide: r.Next(40, 200), MaxLongerSide: 220)),
            _ => new RandomResize(new(ShorterRange: [50, 90], MaxLongerSide: 120)),
            r => new RandomCrop(new(new HeightWidth(r.Next(30, 90), r.Next(30, 90)))),
            r => new RandomFlip(new(1, (FlipDirection)r.Next(3))),
            _ => new Pad(new(SizeDivisor: 32)),
        ];
        for (var seed = 0; seed < 200; seed++)
        {
            var random = RandomSource.For(3, 0, seed);
            var (original, sample) = (TestScene.Create(), TestScene.Create());
            for (var i = 0; i < 4; i++)
                sample = steps[random.Next(steps.Length)](random).Apply(sample, random);
            var image = sample.Image!;
            Assert.NotEqual(0, sample.Truth.Boxes!.Count); // crops keep one
            Assert.True(Matrix3x2.Invert(sample.Geometry!.Transform, out var back));
            for (var i = 0; i < sample.Truth.Boxes.Count; i++)
            {
                var now = sample.Truth.Boxes.Corners.AsSpan(4 * i, 4).ToArray();
                Assert.True(
                    now[0] >= -1e-3 && now[1] >= -1e-3 && now[2] <= image.Decode().Width + 1e-3 && now[3] <= image.Decode().Height + 1e-3
                );
                var truth = original.Truth.Boxes!.Corners.AsSpan(4 * (sample.Truth.Boxes.Labels[i] - 5), 4);
                var (a, b) = (Vector2.Transform(new(now[0], now[1]), back), Vector2.Transform(new(now[2], now[3]), back));
                float[] found = [Math.Min(a.X, b.X), Math.Min(a.Y, b.Y), Math.Max(a.X, b.X), Math.Max(a.Y, b.Y)];
                Assert.True(
                    found[0] >= truth[0] - 1e-2
                        && found[1] >= truth[1] - 1e-2
                        && found[2] <= truth[2] + 1e-2
                        && found[3] <= truth[3] + 1e-2,
                    $"seed {seed}"
                ); // a cut one lies within
                // One that touches no border was never cut, unless the border was padded later.
                var inside =
                    now[0] > 1e-3 && now[1] > 1e-3 && now[2] < image.Decode().Width - 1e-3 && now[3] < image.Decode().Height - 1e-3;
                if (inside && sample.Geometry.Padding == default)
                    for (var c = 0; c < 4; c++)
                        Assert.Equal(truth[c], found[c], 1e-2);
            }
        }
    }

    private static Sample Unchanged(MemoryDataset data)
    {
        var sample = Scene(1);
        sample.Source = data;
        return new Mosaic(new(new HeightWidth(60, 80), Prob: 0)).Apply(sample, new RandomSource(0));
    }

    private static Sample Scene(int index)
    {
        var sample = TestScene.Create();
        sample.Index = index;
        return sample;
    }
}
