using System.Xml.Linq;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Visualization;
using Tessera.Framework.Visualization.Charts;

namespace Tessera.Tests.Framework.Visualization;

public sealed class DrawingTests
{
    [Fact]
    public void On_AnImage_GivesItBack()
    {
        var image = new Image(5, 7, 3);
        new Random(1).NextBytes(image.Bytes);
        using var drawing = Drawing.On(image);
        Assert.Equal(image.Bytes, drawing.ToImage().Bytes);
    }

    [Fact]
    public void Fill_WholePixels_AreExact()
    {
        using var drawing = Drawing.Pixels(4, 2, scale: 2);
        drawing.Fill(1, 0, 2, 1, new Color(10, 20, 30));
        var image = drawing.ToImage();
        Assert.Equal((4, 8), (image.Height, image.Width));
        Assert.Equal(4 * 2, Enumerable.Range(0, 32).Count(i => image.Bytes.AsSpan(3 * i, 3).SequenceEqual<byte>([10, 20, 30])));
        Assert.Equal(255, image.Bytes[0]);
    }

    [Fact]
    public void Text_LeavesInk_WhereItIsSaidTo()
    {
        using var drawing = Drawing.Pixels(200, 40);
        drawing.Text("Tessera", 190, 20, 16, Color.Black, TextAlign.End, TextAlign.Middle);
        var (width, _) = drawing.Measure("Tessera", 16);
        var image = drawing.ToImage();
        var columns = Enumerable.Range(0, 200).Where(x => Enumerable.Range(0, 40).Any(y => image.Bytes[3 * (y * 200 + x)] < 128)).ToArray();
        Assert.InRange(columns[0], 190 - width - 2, 190 - width + 4);
        Assert.InRange(columns[^1], 184, 191);
    }

    [Fact]
    public void Fit_ShortensToTheWidth()
    {
        using var drawing = Drawing.Pixels(10, 10);
        var text = drawing.Fit("a very long name of a class", 80, 12);
        Assert.EndsWith("…", text, StringComparison.Ordinal);
        Assert.InRange(drawing.Measure(text, 12).Width, 50, 80);
        Assert.Equal("short", drawing.Fit("short", 80, 12));
    }

    [Fact]
    public void Pixels_TooLarge_IsAUsersMistake() => Assert.Throws<UserErrorException>(() => Drawing.Pixels(40_000, 10));

    [Theory]
    [MemberData(nameof(Charts))]
    public void Chart_AnyNumbers_GivesAnSvgAndInk(Chart chart)
    {
        Assert.Equal("svg", XDocument.Parse(chart.Svg()).Root!.Name.LocalName);
        using var drawing = Drawing.Pixels(chart.Size.Width, chart.Size.Height);
        chart.Draw(drawing);
        Assert.True(drawing.ToImage().Bytes.Count(value => value < 128) > 100);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], chart.Png()[..4]);
    }

    public static TheoryData<Chart> Charts() => new(
        new LineChart { Title = "t", XLabel = "x", YLabel = "y", Curves = [new("a", [(0, 1), (1, double.NaN), (2, 3)]), new("b", [(1, 1)], Marks: true), new("", [], Dashed: true)] },
        new LineChart { Curves = [new("a", [(0, 1), (10, 100), (1000, -1)])], LogX = true, LogY = true },
        new ChartPage { Title = "page", Charts = [new LineChart { Curves = [] }, new LineChart { Curves = [new("a", [(0, 0), (1, 0)])] }] },
        new BarChart { Title = "t", Label = "l", Bars = [new("a", 1, (0.5, 2)), new("b", double.NaN), new("c", -3), new(new string('w', 300), 0)] },
        new BarChart { Bars = [new("a", 1), new("b", 1e6), new("zero", 0)], Log = true },
        new HeatMap { Title = "t", Rows = ["a", "b"], Columns = ["c"], Values = new[,] { { 1.0 }, { double.NaN } }, RowLabel = "truth", ColumnLabel = "predicted" },
        new HeatMap { Rows = [.. Enumerable.Range(0, 120).Select(i => $"class {i}")], Columns = ["x", "y"], Values = new double[120, 2] });

    [Fact]
    public void Save_OtherEnding_IsRefused_AndTheTwoAreWritten()
    {
        using var folder = new TemporaryFolder();
        var chart = new BarChart { Bars = [new("a", 1)] };
        Assert.Contains(".png or .svg", Assert.Throws<UserErrorException>(() => chart.Save(folder.At("a.jpg"))).Message, StringComparison.Ordinal);
        chart.Save(folder.At("new", "a.png"));
        chart.Save(folder.At("a.svg"));
        Assert.StartsWith("<?xml", File.ReadAllText(folder.At("a.svg")), StringComparison.Ordinal);
    }

    [Fact]
    public void Photograph_OtherTypes_BecomeBytes()
    {
        Assert.Equal([7, 7, 7], Photograph.Of(new Image(1, 1, 1, PixelType.UInt8, [7])).Bytes);
        Assert.Equal([0x12, 0x12, 0x12], Photograph.Of(new Image(1, 1, 1, PixelType.UInt16, [0x34, 0x12])).Bytes);
        Assert.Equal([3, 2, 1], Photograph.Of(new Image(1, 1, 3, PixelType.UInt8, [1, 2, 3]), ChannelOrder.Bgr).Bytes);
        var floats = new Image(1, 3, 1, PixelType.Float32);
        float[] values = [-2, 0, 2];
        values.CopyTo(floats.Pixels<float>());
        Assert.Equal([0, 0, 0, 127, 127, 127, 255, 255, 255], Photograph.Of(floats).Bytes);
    }
}
