using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Transforms;

/// <summary>Sizes of images whose ratio is kept, against mmcv's rule: the larger number bounds the longer side, the smaller the
/// shorter.</summary>
public sealed class KeepRatioTests
{
    /// <summary>mmcv.imrescale's: scale = min(1333 / longer, 800 / shorter), sides int(side * scale + 0.5).</summary>
    [Theory]
    [InlineData(480, 640, 800, 1067)]
    [InlineData(640, 480, 1067, 800)]
    [InlineData(333, 1000, 444, 1333)]
    [InlineData(1000, 333, 1333, 444)]
    [InlineData(100, 100, 800, 800)]
    public void Resize_Sides_DoesNotDependOnHowTheImageStands(int height, int width, int newHeight, int newWidth)
    {
        foreach (var size in new[] { new HeightWidth(800, 1333), new HeightWidth(1333, 800) })
            Assert.Equal((newHeight, newWidth), Apply(new Resize(new ResizeOptions(size, KeepRatio: true)), height, width));
    }

    /// <summary>An upright image in a lying frame: its height is bounded by the frame's, scale 800 / 640.</summary>
    [Fact]
    public void Resize_Size_FitsHeightIntoHeight()
    {
        Assert.Equal(
            (800, 600),
            Apply(new Resize(new ResizeOptions(new HeightWidth(800, 1333), KeepRatio: true, Fit: ResizeFit.Size)), 640, 480)
        );
        Assert.Equal(
            (800, 1067),
            Apply(new Resize(new ResizeOptions(new HeightWidth(800, 1333), KeepRatio: true, Fit: ResizeFit.Size)), 480, 640)
        );
    }

    /// <summary>mmcv's RandomResize: the frame times the ratio, in whole pixels (here int(800 · 0.7) = 560 and int(1333 · 0.7) = 933), then
    /// as above.</summary>
    [Theory]
    [InlineData(640, 480, 747, 560)]
    [InlineData(480, 640, 560, 747)]
    [InlineData(1000, 200, 933, 187)]
    public void RandomResize_Sides_IsTheSameRule(int height, int width, int newHeight, int newWidth) =>
        Assert.Equal(
            (newHeight, newWidth),
            Apply(new RandomResize(new RandomResizeOptions([0.7, 0.7], new HeightWidth(800, 1333))), height, width)
        );

    [Fact]
    public void RandomResize_Size_FitsHeightIntoHeight() =>
        Assert.Equal(
            (560, 420),
            Apply(new RandomResize(new RandomResizeOptions([0.7, 0.7], new HeightWidth(800, 1333), ResizeFit.Size)), 640, 480)
        );

    private static (int, int) Apply(Transform transform, int height, int width)
    {
        var sample = transform.Apply(
            new Sample
            {
                Index = 0,
                Name = "x",
                Image = new(new Image(height, width, 1)),
            },
            new RandomSource(1)
        );
        return (sample.Image!.Decode().Height, sample.Image.Decode().Width);
    }
}
