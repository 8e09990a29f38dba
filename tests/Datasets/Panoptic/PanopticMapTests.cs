using Tessera.Datasets.Synthetic;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Transforms;

namespace Tessera.Tests.Datasets.Panoptic;

/// <summary>Panoptic maps go wherever images go.</summary>
public sealed class PanopticMapTests
{
    public static TheoryData<string> Steps => [.. s_steps.Keys];

    private static readonly Dictionary<string, Transform> s_steps = new()
    {
        ["resize"] = new Resize(new ResizeOptions(new HeightWidth(37, 91))),
        ["random resize"] = new RandomResize(new RandomResizeOptions([0.5, 2])),
        ["flip"] = new RandomFlip(new(1)),
        ["crop"] = new RandomCrop(new RandomCropOptions(new HeightWidth(40, 100))),
        ["crop that seeks"] = new RandomCrop(new RandomCropOptions(new HeightWidth(20, 20), CatMaxRatio: 0.7)),
        ["center crop"] = new CenterCrop(new CenterCropOptions(new HeightWidth(30, 30))),
        ["resized crop"] = new RandomResizedCrop(new RandomResizedCropOptions(new HeightWidth(32, 32))),
        ["pad"] = new Pad(new PadOptions(new HeightWidth(90, 90), SegPadVal: 255)),
        ["rotate"] = new RandomRotate(new RandomRotateOptions([30, 40])),
        ["affine"] = new RandomAffine(new RandomAffineOptions()),
    };

    /// <summary>A panoptic map whose segments are the classes stays equal to the class map, whatever is done to both.</summary>
    [Theory]
    [MemberData(nameof(Steps))]
    public void Apply_GeometricStep_MovesTheMapAsItDoesClasses(string name)
    {
        for (var seed = 0UL; seed < 5; seed++)
        {
            var sample = TestScene.Create();
            sample.Truth.Panoptic = OfClasses(sample.Truth.SegmentationMap!);
            var moved = s_steps[name].Apply(sample, new RandomSource(seed));
            var classes = moved.Truth.SegmentationMap!;
            var panoptic = moved.Truth.Panoptic!;
            Assert.Equal((classes.Height, classes.Width), (panoptic.Height, panoptic.Width));
            Assert.Equal(moved.Image!.Size, (panoptic.Height, panoptic.Width));
            Assert.Equal(classes.Bytes, panoptic.Classes(3).Bytes);
        }
    }

    [Fact]
    public void Mosaic_KeepsSegmentsOfTheFourApart()
    {
        var data = new Shapes(new ShapesOptions(Count: 8, Size: 32, Task: DataTask.Panoptic));
        var sample = new Mosaic(new MosaicOptions(new HeightWidth(32, 32))).Apply(data.Open(0, training: true), new RandomSource(1));
        var map = sample.Truth.Panoptic!;
        Assert.Equal((64, 64), (map.Height, map.Width));
        Assert.Equal(4, map.Segments.Count(segment => segment.Label == 0)); // a background each
        var own = data.Get(0).Truth.Panoptic!.Segments;
        Assert.Equal(own.Select(segment => segment.Label), map.Segments.Take(own.Count).Select(segment => segment.Label));
    }

    [Fact]
    public void DetectionMixup_CantMixMaps()
    {
        var data = new Shapes(new ShapesOptions(Count: 8, Size: 32, Task: DataTask.Panoptic));
        var sample = data.Open(0, training: true);
        sample.Truth.Boxes = new Boxes([], [], []);
        Assert.Contains(
            "can't mix maps",
            Assert
                .Throws<UserErrorException>(() =>
                    new DetectionMixup(new DetectionMixupOptions(new HeightWidth(32, 32))).Apply(sample, new RandomSource(0))
                )
                .Message,
            StringComparison.Ordinal
        );
    }

    /// <summary>What is a segment of a shape is the shape's mask, and everything else is background.</summary>
    [Fact]
    public void Shapes_Panoptic_IsTheMasksOfDetection()
    {
        var panoptic = new Shapes(new ShapesOptions(Count: 20, Size: 40, Task: DataTask.Panoptic));
        var boxes = new Shapes(new ShapesOptions(Count: 20, Size: 40, Task: DataTask.Detection));
        Assert.Equal(["background", .. boxes.Info.Classes], panoptic.Info.Classes);
        Assert.Equal([false, .. boxes.Info.Classes.Select(_ => true)], panoptic.Info.Things!);
        for (var i = 0; i < 20; i++)
        {
            var (map, truth) = (panoptic.Get(i).Truth.Panoptic!, boxes.Get(i).Truth);
            var values = map.Map.Pixels<ushort>().ToArray();
            Assert.Equal(
                truth.Boxes!.Labels.Select(label => label + 1),
                map.Segments.Where(segment => segment.Label > 0).Select(segment => segment.Label)
            );
            foreach (var (segment, mask) in truth.InstanceMasks!.Index())
                Assert.Equal(mask.Bytes.Select(inside => inside == 1), values.Select(value => value == segment));
            Assert.DoesNotContain(PanopticMap.Void, values);
            Assert.Equal(map.Segments.Select(segment => segment.Label).Distinct(), panoptic.LabelsOf(i)!);
            for (var segment = 0; segment < truth.Boxes.Count; segment++)
            {
                var box = truth.Boxes.Corners.AsSpan(4 * segment, 4);
                var (x, y, width, height) = map.Boxes()[segment];
                Assert.Equal([x, y, x + width, y + height], box.ToArray().Select(side => (int)side));
            }
        }
    }

    [Fact]
    public void Constructor_WhatIsNoMap_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => new PanopticMap(new Image(2, 2, 1), []));
        var map = new Image(1, 2, 1, PixelType.UInt16);
        map.Pixels<ushort>()[1] = 1;
        Assert.Contains(
            "value 1",
            Assert.Throws<ArgumentException>(() => new PanopticMap(map, [new(0)])).Message,
            StringComparison.Ordinal
        );
    }

    private static PanopticMap OfClasses(Image classes)
    {
        var map = new Image(classes.Height, classes.Width, 1, PixelType.UInt16);
        for (var i = 0; i < classes.Bytes.Length; i++)
            map.Pixels<ushort>()[i] = classes.Bytes[i];
        return new PanopticMap(map, [new(0), new(1), new(2)]);
    }
}
