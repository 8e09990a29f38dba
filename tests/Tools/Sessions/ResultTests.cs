using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization;
using Tessera.Pictures;
using Tessera.Results;

namespace Tessera.Tests.Tools.Sessions;

public sealed class ResultTests
{
    private static readonly string[] s_names = ["cat", "dog", "fox"];

    [Fact]
    public void Classes_AreRankedByScore()
    {
        var raw = new ClassPrediction([0.2f, 0.7f, 0.1f], 1);
        var result = Assert.IsType<Classification>(Result.Of(raw, new DataInfo(s_names, DataTask.Classification)));
        Assert.Equal([new(1, "dog", 0.7f), new(0, "cat", 0.2f), new ClassScore(2, "fox", 0.1f)], result.Ranked);
        Assert.Same(raw, result.Raw);
    }

    [Fact]
    public void Boxes_HaveClassNameAndScore()
    {
        var raw = new DetectionPrediction([1, 2, 11, 22, 0, 0, 5, 4], [0.9f, 0.4f], [2, 0]);
        var result = Assert.IsType<Detections>(Result.Of(raw, new DataInfo(s_names, DataTask.Detection)));
        Assert.Equal(
            [new(new BoundingBox(1, 2, 11, 22), 2, "fox", 0.9f), new Detection(new BoundingBox(0, 0, 5, 4), 0, "cat", 0.4f)],
            result.Objects
        );
        Assert.Equal((10f, 20f), (result.Objects[0].Box.Width, result.Objects[0].Box.Height));
    }

    [Theory]
    [InlineData(PixelType.UInt8)]
    [InlineData(PixelType.UInt16)]
    public void Map_TellsClassesAndShares(PixelType type)
    {
        var map = new Image(2, 4, 1, type);
        ushort[] values = [0, 0, 2, 2, 0, 0, 0, 2]; // five cats, three foxes
        for (var i = 0; i < values.Length; i++)
        {
            if (type == PixelType.UInt8)
                map.Pixels<byte>()[i] = (byte)values[i];
            else
                map.Pixels<ushort>()[i] = values[i];
        }
        var result = Assert.IsType<Segmentation>(Result.Of(new SegmentationPrediction(map), new DataInfo(s_names, DataTask.Segmentation)));
        Assert.Equal([new(0, "cat", 5 / 8.0), new ClassShare(2, "fox", 3 / 8.0)], result.Shares());
        Assert.Equal((2, 0), (result.ClassAt(2, 0), result.ClassAt(2, 1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => result.ClassAt(4, 0));
    }

    [Fact]
    public void Numbers_HaveTheirTargetsNames()
    {
        var result = Assert.IsType<Regression>(
            Result.Of(new RegressionPrediction([1.5f, -2]), new DataInfo(["height", "width"], DataTask.Regression))
        );
        Assert.Equal([new(0, "height", 1.5f), new TargetValue(1, "width", -2)], result.Values);
    }

    [Fact]
    public void Drawing_OutlinesThePartsThatWereLookedAt()
    {
        var data = new DataInfo(s_names, DataTask.Classification);
        var black = new Image(200, 240, 3);
        var scores = new float[s_names.Length];
        scores[1] = 1;
        using var plain = PredictionDrawing.Draw(black, new ClassPrediction(scores, 1), data);
        using var parts = PredictionDrawing.Draw(black, new ClassPrediction(scores, 1) { Parts = [40, 60, 140, 160] }, data);
        var (without, with) = (plain.ToImage(), parts.ToImage());
        Assert.Equal((without.Height, without.Width), (with.Height, with.Width));
        var changed = Enumerable.Range(0, with.Height * with.Width).Where(i => with.Bytes[3 * i] != without.Bytes[3 * i]).ToArray();
        var (columns, rows) = (changed.Select(i => i % with.Width).ToArray(), changed.Select(i => i / with.Width).ToArray());
        // A frame of 100 by 100 pixels: its lines, and nothing within.
        Assert.InRange(columns.Max() - columns.Min(), 100, 104);
        Assert.InRange(rows.Max() - rows.Min(), 100, 104);
        Assert.InRange(changed.Length, 800, 1700);
    }

    [Fact]
    public void Drawing_HasTheBoxInItsClassesColour()
    {
        var data = new DataInfo(s_names, DataTask.Detection);
        var black = new Image(200, 240, 3);
        var raw = new DetectionPrediction([40, 60, 140, 160, 10, 10, 30, 30], [0.9f, 0.1f], [1, 0]);
        using var drawing = PredictionDrawing.Draw(black, raw, data);
        var picture = drawing.ToImage();
        var (color, (red, green, blue)) = (ClassColors.Of(data)[1], At(100, 160)); // the lower edge, one and a half pixels wide
        Assert.True(red > 0);
        Assert.Equal(color.Green / (double)color.Red, green / (double)red, 0.05);
        Assert.Equal(color.Blue / (double)color.Red, blue / (double)red, 0.05);
        Assert.Equal(((byte)0, (byte)0, (byte)0), At(100, 100)); // within the box
        Assert.Equal(((byte)0, (byte)0, (byte)0), At(20, 30)); // scores less than is drawn

        (byte, byte, byte) At(int x, int y)
        {
            var i = 3 * (y * picture.Width + x);
            return (picture.Bytes[i], picture.Bytes[i + 1], picture.Bytes[i + 2]);
        }
    }
}
