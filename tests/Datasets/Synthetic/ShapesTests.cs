using Tessera.Datasets.Synthetic;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Xunit.Abstractions;

namespace Tessera.Tests.Datasets.Synthetic;

public sealed class ShapesTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(DataTask.Classification)]
    [InlineData(DataTask.Segmentation)]
    public void Get_DependsOnSeedSplitAndIndexAlone(DataTask task)
    {
        var options = new ShapesOptions(Count: 50, Task: task, CacheMb: 0);
        var (one, other) = (new Shapes(options), new Shapes(options with { CacheMb = 16 }));
        var forward = Enumerable.Range(0, 50).Select(i => one.Get(i).Image!.Decode().Bytes).ToArray();
        foreach (var round in new[] { 0, 1 }) // the second round reads the cache
        foreach (var index in Enumerable.Range(0, 50).Reverse())
            Assert.Equal(forward[index], other.Get(index).Image!.Decode().Bytes);
        Assert.NotEqual(forward[0], forward[1]);
        Assert.NotEqual(forward[0], new Shapes(options with { Seed = 1 }).Get(0).Image!.Decode().Bytes);
        Assert.NotEqual(forward[0], new Shapes(options with { Split = ShapesSplit.Val }).Get(0).Image!.Decode().Bytes);
    }

    [Fact]
    public void Get_Cached_IsACopy()
    {
        var data = new Shapes(new ShapesOptions(Count: 2, Truth: true));
        var first = data.Get(0);
        var expected = (byte[])first.Image!.Decode().Bytes.Clone();
        Array.Clear(first.Image.Decode().Bytes);
        Array.Clear(first.Truth.InstanceMasks![0].Bytes);
        Assert.Equal(expected, data.Get(0).Image!.Decode().Bytes);
        Assert.Contains((byte)1, data.Get(0).Truth.InstanceMasks![0].Bytes);
    }

    [Fact]
    public void LabelOf_IsTheSamplesLabel_AndClassesAreEven()
    {
        var data = new Shapes(new ShapesOptions(Count: 3000));
        Assert.Equal(10, data.Info.Classes.Count);
        for (var i = 0; i < 100; i++)
            Assert.Equal(data.Get(i).Truth.Label, data.LabelOf(i));
        // 300 of each expected, standard deviation sqrt(3000 * 0.1 * 0.9) = 16.4.
        Assert.All(Enumerable.Range(0, 3000).CountBy(i => data.LabelOf(i)!.Value), pair => Assert.InRange(pair.Value, 215, 385));
    }

    [Fact]
    public void Truth_OfSeveralTasks_ComesFromTheSameScene()
    {
        var options = new ShapesOptions(Count: 60, Size: 64, Task: DataTask.Detection, Truth: true);
        var detection = new Shapes(options);
        var segmentation = new Shapes(options with { Task = DataTask.Segmentation });
        var multiLabel = new Shapes(options with { Task = DataTask.MultiLabel, Truth = false });
        Assert.Equal("background", segmentation.Info.Classes[0]);
        var several = 0;
        for (var index = 0; index < 60; index++)
        {
            var (boxes, masks) = (detection.Get(index).Truth.Boxes!, detection.Get(index).Truth.InstanceMasks!);
            Assert.Equal(boxes.Count, masks.Count);
            Assert.Equal(
                masks.Select(mask => mask.Bytes),
                detection.Get(index).Truth.BoxAnnotation!.Masks!.Select(mask => mask.ToImage().Bytes)
            );
            several += boxes.Count > 1 ? 1 : 0;
            Assert.Equal(detection.Get(index).Image!.Decode().Bytes, segmentation.Get(index).Image!.Decode().Bytes);
            Assert.Equal(detection.Get(index).Image!.Decode().Bytes, multiLabel.Get(index).Image!.Decode().Bytes);

            // The map is the union of the masks, which don't overlap; boxes are tight; labels are what is in the map.
            var map = new byte[64 * 64];
            for (var k = 0; k < masks.Count; k++)
            {
                for (var i = 0; i < map.Length; i++)
                {
                    if (masks[k].Bytes[i] == 0)
                        continue;
                    Assert.Equal(0, map[i]);
                    map[i] = (byte)(boxes.Labels[k] + 1);
                }
                Assert.Equal(TightBox(masks[k]), boxes.Corners[(4 * k)..(4 * k + 4)]);
            }
            Assert.Equal(map, segmentation.Get(index).Truth.SegmentationMap!.Bytes);
            Assert.Equal(
                boxes.Labels.Distinct().Order(),
                multiLabel.Get(index).Truth.MultiLabel!.Index().Where(pair => pair.Item == 1).Select(pair => pair.Index)
            );
            Assert.Equal(boxes.Labels.Distinct().Order(), multiLabel.LabelsOf(index)!.Order());
        }
        Assert.InRange(several, 30, 55);
    }

    [Fact]
    public void Masks_HaveTheAreaOfTheirShape()
    {
        // Without clutter, a circle of diameter d squeezed by s in [0.78, 1] covers pi / 4 * d * d * s pixels, if it is inside.
        var data = new Shapes(
            new ShapesOptions(Count: 40, Size: 128, Classes: ["circle"], MinScale: 0.4, MaxScale: 0.4, Clutter: 0, Truth: true)
        );
        var full = Math.PI / 4 * Math.Pow(0.4 * 128, 2);
        for (var index = 0; index < 40; index++)
        {
            var area = data.Get(index).Truth.InstanceMasks![0].Bytes.Sum(value => value);
            Assert.InRange(area, 0.72 * full, 1.01 * full); // up to a tenth of the radius may be cut off by the border
        }
    }

    [Fact]
    public void Regression_TargetsLieWhereTheShapeIs()
    {
        var options = new ShapesOptions(Count: 20, Size: 96, Classes: ["circle"], Task: DataTask.Regression, Truth: true);
        var data = new Shapes(options);
        for (var index = 0; index < 20; index++)
        {
            var (targets, corners) = (data.Get(index).Truth.Targets!, data.Get(index).Truth.Boxes!.Corners);
            Assert.InRange(targets[0] * 96, corners[0], corners[2]);
            Assert.InRange(targets[1] * 96, corners[1], corners[3]);
            Assert.InRange((corners[2] - corners[0]) / 96, 0.7 * targets[2], 1.03 * targets[2]);
        }
    }

    [Fact]
    public void Classes_Unknown_SuggestsTheNearest() =>
        Assert.StartsWith(
            "Shapes can't draw \"squar\". Did you mean \"square\"?",
            Assert.Throws<UserErrorException>(() => new Shapes(new ShapesOptions(Classes: ["squar"]))).Message
        );

    /// <summary>The mark changes a small part of the image, within its shape; the class is the pair.</summary>
    [Fact]
    public void Marks_MakeClassesThatDifferInADetail()
    {
        var options = new ShapesOptions(
            Count: 40,
            Size: 96,
            Classes: ["circle", "star"],
            Marks: ["cross", "triangle"],
            Clutter: 0,
            Noise: 0,
            Truth: true
        );
        var data = new Shapes(options);
        string[] names = ["circle with cross", "circle with triangle", "star with cross", "star with triangle"];
        Assert.Equal(names, data.Info.Classes);
        Assert.Equal([0, 1, 2, 3], Enumerable.Range(0, 40).Select(i => data.LabelOf(i)!.Value).Distinct().Order());
        // Of one shape and one mark the scenes are those without marks, but for the mark.
        var one = options with
        {
            Classes = ["circle"],
            Marks = ["cross", "square"],
            MarkScale = 0.2,
        };
        var plain = new Shapes(one with { Marks = null });
        var marked = new Shapes(one);
        for (var index = 0; index < 40; index++)
        {
            var (before, after) = (plain.Get(index), marked.Get(index));
            var corners = before.Truth.Boxes!.Corners;
            Assert.Equal(corners, after.Truth.Boxes!.Corners);
            var (a, b) = (before.Image!.Decode().Bytes, after.Image!.Decode().Bytes);
            var changed = Enumerable.Range(0, 96 * 96).Where(i => !a.AsSpan(3 * i, 3).SequenceEqual(b.AsSpan(3 * i, 3))).ToArray();
            var area = before.Truth.InstanceMasks![0].Bytes.Count(value => value != 0);
            // A square of radius 0.2 has 0.08 of a circle's squared radius, 0.025 of its area; a cross less.
            Assert.InRange(changed.Length / (double)area, 0.005, 0.1);
            Assert.All(changed, i => Assert.InRange(i % 96, corners[0] - 1, corners[2] + 1));
            Assert.All(changed, i => Assert.InRange(i / 96, corners[1] - 1, corners[3] + 1));
        }
    }

    [Fact]
    public void Marks_Unknown_SuggestsTheNearest() =>
        Assert.StartsWith(
            "Shapes can't draw \"crosss\". Did you mean \"cross\"?",
            Assert.Throws<UserErrorException>(() => new Shapes(new ShapesOptions(Marks: ["circle", "crosss"]))).Message
        );

    [Fact]
    public void LinearClassifierOnPixels_StaysFarBelowSixtyPercent()
    {
        var (train, test) = (
            new Shapes(new ShapesOptions(Count: 1000)),
            new Shapes(new ShapesOptions(Count: 500, Split: ShapesSplit.Test))
        );
        var model = SoftmaxRegression.Train(train, 1000, epochs: 6);
        var learnt = model.Accuracy(train, 1000);
        Assert.True(learnt > 0.6, "the classifier has not learnt what it saw, so it proves nothing");
        var accuracy = model.Accuracy(test, 500);
        output.WriteLine($"{accuracy:F3} of the test images, {learnt:F3} of those it learnt from");
        Assert.InRange(accuracy, 0, 0.35);
    }

    private static float[] TightBox(Image mask)
    {
        var set = Enumerable
            .Range(0, mask.Bytes.Length)
            .Where(i => mask.Bytes[i] != 0)
            .Select(i => (X: i % mask.Width, Y: i / mask.Width))
            .ToArray();
        return set.Length == 0
            ? [mask.Width, mask.Height, 0, 0]
            : [set.Min(p => p.X), set.Min(p => p.Y), set.Max(p => p.X) + 1, set.Max(p => p.Y) + 1];
    }
}
