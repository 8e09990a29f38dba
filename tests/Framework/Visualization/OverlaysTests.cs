using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization;

namespace Tessera.Tests.Framework.Visualization;

public sealed class OverlaysTests
{
    private static readonly Rgb[] s_colors = [new(200, 0, 0), new(0, 100, 0)];

    [Fact]
    public void Segmentation_HalfOpaque_IsTheMean()
    {
        var picture = new Image(1, 2, 3, PixelType.UInt8, [100, 100, 100, 0, 0, 0]);
        var map = new Image(1, 2, 1, PixelType.UInt8, [0, 1]);
        Assert.Equal([150, 50, 50, 0, 50, 0], Overlays.Segmentation(picture, map, s_colors, 0.5, contours: false).Bytes);
        Assert.Equal([100, 100, 100, 0, 0, 0], Overlays.Segmentation(picture, map, s_colors, 0, contours: false).Bytes);
        Assert.Equal([200, 0, 0, 0, 100, 0], Overlays.Segmentation(picture, map, s_colors, 1, contours: false).Bytes);
    }

    [Fact]
    public void Segmentation_Contours_OnlyWhereClassesMeet()
    {
        var picture = new Image(3, 4, 3);
        var map = new Image(3, 4, 1, PixelType.UInt8, [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1]);
        var plain = Overlays.Segmentation(picture, map, s_colors, 0.5, contours: false).Bytes;
        var drawn = Overlays.Segmentation(picture, map, s_colors).Bytes;
        for (var i = 0; i < 12; i++)
            Assert.Equal(i % 4 == 1, !plain.AsSpan(3 * i, 3).SequenceEqual(drawn.AsSpan(3 * i, 3)));
    }

    [Theory]
    [InlineData(PixelType.UInt8)]
    [InlineData(PixelType.UInt16)]
    public void Segmentation_Ignored_IsHatchedNotColoured(PixelType type)
    {
        var map = new Image(8, 8, 1, type);
        map.Bytes.AsSpan().Fill(255);
        var bytes = Overlays.Segmentation(new Image(8, 8, 3), map, s_colors).Bytes;
        Assert.Equal(2 * 8 * 3, bytes.Count(value => value == 64)); // two of eight diagonals, grey at half
        Assert.Equal(64 * 3 - 2 * 8 * 3, bytes.Count(value => value == 0));
        Assert.Empty(Overlays.ClassesIn(map, 2));
    }

    [Fact]
    public void Segmentation_OtherSize_IsRefused() =>
        Assert.Throws<ArgumentException>(() => Overlays.Segmentation(new Image(4, 4, 3), new Image(4, 5, 1), s_colors));

    [Fact]
    public void Masks_EachInItsColour()
    {
        var mask = new Image(1, 3, 1, PixelType.UInt8, [1, 1, 1]);
        var other = new Image(1, 3, 1, PixelType.UInt8, [0, 1, 1]);
        // Half of each, but nine tenths where the second one's outline is; the image's edge is none.
        Assert.Equal([100, 0, 0, 10, 90, 0, 50, 50, 0], Overlays.Masks(new Image(1, 3, 3), [mask, other], s_colors).Bytes);
    }

    [Fact]
    public void Detections_OutlineInTheClassesColour_ThresholdLeavesOut()
    {
        var found = new DetectionPrediction([20, 20, 60, 60, 80, 30, 110, 60], [0.9f, 0.2f], [1, 0]);
        var bytes = Overlays.Detections(new Image(96, 128, 3), found, ["a", "b"], s_colors, 0.5).Bytes;
        Assert.Equal([0, 75, 0], Pixel(bytes, 128, 20, 45)); // a line of 1.5 about 20 covers three quarters
        Assert.Equal([0, 0, 0], Pixel(bytes, 128, 40, 40));
        Assert.Equal([0, 0, 0], Pixel(bytes, 128, 80, 45));
        Assert.Equal([150, 0, 0], Pixel(Overlays.Detections(new Image(96, 128, 3), found, ["a", "b"], s_colors).Bytes, 128, 80, 45));
    }

    [Fact]
    public void Boxes_Names_StandAboveTheirBoxes_InReadableLetters()
    {
        using var drawing = Drawing.On(new Image(200, 300, 3));
        Overlays.Boxes(drawing, [50, 80, 250, 180], [0], ["鳥 bird"], [new(255, 217, 47)], [0.98f]);
        var image = drawing.ToImage();
        var label = (
            from y in Enumerable.Range(0, 79)
            from x in Enumerable.Range(0, 300)
            where image.At(x, y).Red > 0
            select (X: x, Y: y)
        ).ToArray();
        Assert.InRange(label.Min(pixel => pixel.X), 48, 50);
        Assert.InRange(label.Min(pixel => pixel.Y), 66, 70);
        using var ruler = Drawing.Pixels(1, 1);
        Assert.Equal(49 + ruler.Measure("鳥 bird 0.98", 9).Width + 4.5, label.Max(pixel => pixel.X), 2.0);
        Assert.InRange(label.Count(pixel => image.At(pixel.X, pixel.Y).Red < 100), 30, 200); // black letters on yellow
    }

    [Fact]
    public void Boxes_Ignored_AreDashed()
    {
        using var drawing = Drawing.On(new Image(100, 100, 3));
        Overlays.Boxes(drawing, [10, 20, 90, 90, 10, 20, 90, 90], [0, 1], ["", ""], [Rgb.White, Rgb.White], ignored: [true, true]);
        var image = drawing.ToImage();
        var side = Enumerable.Range(40, 40).Select(y => image.At(90, y).Red).ToArray();
        Assert.InRange(side.Count(value => value == 0), 10, 30);
        Assert.InRange(side.Count(value => value > 128), 10, 30);
    }

    [Fact]
    public void Boxes_OddOnes_AreNoFailure()
    {
        using var drawing = Drawing.On(new Image(64, 64, 3));
        Overlays.Boxes(
            drawing,
            [float.NaN, 0, 1, 1, -50, -50, 500, 500, 10, 10, 10, 10],
            [0, 7, -1],
            ["a\0\ud800"],
            s_colors,
            [0.5f, 0.4f, 0.3f]
        );
        Assert.NotEmpty(drawing.EncodePng());
    }

    [Fact]
    public void SideBySide_LegendBreaksIntoRows()
    {
        var image = new Image(100, 100, 3);
        using var few = Overlays.SideBySide([("a", image), ("b", image)], [("sky", s_colors[0])]);
        using var many = Overlays.SideBySide(
            [("a", image), ("b", image)],
            [.. Enumerable.Range(0, 12).Select(i => ($"class {i}", s_colors[i % 2]))]
        );
        Assert.Equal(few.Width, many.Width);
        Assert.True(many.Height >= few.Height + 40);
    }

    private static byte[] Pixel(byte[] bytes, int width, int x, int y) => bytes[(3 * (y * width + x))..(3 * (y * width + x) + 3)];
}
