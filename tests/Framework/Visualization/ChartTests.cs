using System.Xml.Linq;
using SkiaSharp;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Visualization;
using Tessera.Framework.Visualization.Charts;

namespace Tessera.Tests.Framework.Visualization;

public sealed class ChartTests
{
    private static readonly Rgb s_ink = new(40, 40, 40);

    [Theory]
    [MemberData(nameof(Charts))]
    public void Svg_HasTheTexts_AsOutlines(Chart chart, string[] texts)
    {
        var svg = chart.Svg();
        var root = XDocument.Parse(svg).Root!;
        Assert.Equal("svg", root.Name.LocalName);
        Assert.DoesNotContain(root.Descendants(), element => element.Name.LocalName is "text" or "tspan");
        var outlines = SvgTests.Paths(svg).Select(path => path.Attribute("d")!.Value).ToHashSet();
        foreach (var text in texts)
            Assert.True(Written(text).Any(outlines.Contains), $"'{text}' is not on the page.");
        Assert.DoesNotContain(Written("absent"), outlines.Contains);
    }

    [Theory]
    [MemberData(nameof(Charts))]
    public void Png_HasInk_AndNothingIsCutAtTheEdges(Chart chart, string[] texts)
    {
        _ = texts;
        using var decoded = SKBitmap.Decode(chart.Png());
        Assert.Equal(
            ((int)Math.Ceiling(2 * chart.Size.Width - 1e-9), (int)Math.Ceiling(2 * chart.Size.Height - 1e-9)),
            (decoded.Width, decoded.Height)
        );
        var image = Drawn(chart);
        Assert.True(image.Amount(255) > 100);
        var (left, top, right, bottom) = image.Bounds(254);
        Assert.InRange(left, 2, image.Width);
        Assert.InRange(top, 2, image.Height);
        Assert.InRange(right, 0, image.Width - 3);
        Assert.InRange(bottom, 0, image.Height - 3);
    }

    public static TheoryData<Chart, string[]> Charts() =>
        new()
        {
            {
                new LineChart
                {
                    Title = "title",
                    XLabel = "x label",
                    YLabel = "y label",
                    Curves =
                    [
                        new("first", [(0, 1), (1, double.NaN), (2, 3)]),
                        new("second", [(1, 1)], Marks: true),
                        new("", [], Dashed: true),
                    ],
                },
                ["title", "x label", "y label", "first", "second", "0.0", "2.0", "3.0"]
            },
            {
                new LineChart
                {
                    Curves = [new("a", [(1, 1), (10, 100), (1000, 2)])],
                    LogX = true,
                    LogY = true,
                },
                ["1", "10", "100", "1000"]
            },
            {
                new LineChart
                {
                    Curves = [new("a", [(0, 1), (10, 100), (1000, -1)])],
                    LogX = true,
                    LogY = true,
                },
                ["100"]
            },
            {
                new LineChart { Title = "日本語 鳥", Curves = [new("a", [(0, 1), (10, 100)])] },
                ["日本語 鳥"]
            },
            {
                new ChartPage
                {
                    Title = "page",
                    Charts = [new LineChart { Curves = [] }, new LineChart { Title = "of one", Curves = [new("a", [(0, 0), (1, 0)])] }],
                },
                ["page", "of one", "0.2", "1.0"]
            },
            {
                new BarChart
                {
                    Title = "title",
                    Label = "label",
                    Bars = [new("a", 1, (0.5, 2)), new("b", double.NaN), new("c", -3), new(new string('w', 300), 0), new("鳥", 0.25)],
                },
                ["title", "label", "a", "b", "c", "1", "n/a", "-3", "0.25", "鳥"]
            },
            {
                new BarChart
                {
                    Bars = [new("a", 1), new("b", 1e6), new("zero", 0)],
                    Log = true,
                    Format = "#,0",
                },
                ["a", "b", "zero", "1,000,000", "0"]
            },
            {
                new HeatMap
                {
                    Title = "t",
                    Rows = ["one", "two"],
                    Columns = ["three"],
                    Values = new[,]
                    {
                        { 1.5 },
                        { double.NaN },
                    },
                    RowLabel = "truth",
                    ColumnLabel = "predicted",
                },
                ["t", "one", "two", "three", "1.5", "truth", "predicted"]
            },
            {
                new HeatMap
                {
                    Rows = [.. Enumerable.Range(0, 120).Select(i => $"class {i}")],
                    Columns = ["x", "y"],
                    Values = new double[120, 2],
                },
                ["class 0", "class 119", "x", "y"]
            },
        };

    [Fact]
    public void BarChart_Bars_AreAsLongAsTheirValues()
    {
        Rgb first = new(200, 0, 0),
            second = new(0, 0, 200),
            third = new(0, 120, 0);
        var image = Drawn(new BarChart { Bars = [new("a", 1, Color: first), new("b", 2.5, Color: second), new("c", -0.5, Color: third)] });
        var (one, two, back) = (Reach(first), Reach(second), Reach(third));
        Assert.Equal(2.5, (double)two.Length / one.Length, 0.05);
        Assert.Equal(0.5, (double)back.Length / one.Length, 0.05);
        Assert.Equal(one.From, two.From);
        Assert.InRange(back.From + back.Length, one.From - 3, one.From); // the axis is between them

        (int From, int Length) Reach(Rgb color)
        {
            var columns = image.Where(color).Select(pixel => pixel.X).Distinct().ToArray();
            return (columns.Min(), columns.Length);
        }
    }

    [Fact]
    public void LineChart_Curve_GoesThroughItsPoints()
    {
        Rgb rising = new(200, 0, 0),
            level = new(0, 0, 200);
        Curve[] curves = [new("", [(0, 0), (10, 10)], rising), new("", [(0, 5), (4, 5), (6, double.NaN), (8, 5), (10, 5)], level)];
        var image = Drawn(
            new LineChart
            {
                Width = 400,
                Height = 300,
                Curves = curves,
            }
        );
        var line = image.Where(rising).ToArray();
        var (left, right) = (line.MinBy(pixel => pixel.X), line.MaxBy(pixel => pixel.X));
        Assert.True(left.Y > right.Y + 200);
        foreach (var (x, y) in line)
            Assert.InRange(y - (left.Y + (double)(right.Y - left.Y) * (x - left.X) / (right.X - left.X)), -3, 3);
        var columns = image.Where(level).Select(pixel => pixel.X).Distinct().Order().ToArray();
        var gap = columns.Zip(columns.Skip(1), (before, after) => after - before).Max();
        Assert.Equal(0.4, gap / (double)(right.X - left.X), 0.03); // nothing between 4 and 8
        Assert.All(image.Where(level), pixel => Assert.InRange(pixel.Y - (left.Y + right.Y) / 2.0, -3, 3));
    }

    [Fact]
    public void HeatMap_Cells_AreDarkerForMore()
    {
        var none = new[,]
        {
            { double.NaN, double.NaN },
            { double.NaN, double.NaN },
        };
        var map = new HeatMap
        {
            Rows = ["a", "b"],
            Columns = ["c", "d"],
            Values = new[,]
            {
                { 0, 1 },
                { 0.5, double.NaN },
            },
            Numbers = none,
        };
        var image = Drawn(map);
        foreach (var (color, count) in new[] { ("#f7fbff", 1), ("#08306b", 1), ("#6baed6", 1) })
            Assert.InRange(
                image.Where(Ink.Color(color)).Count(pixel => pixel.X < map.Size.Width - 80),
                0.9 * 46 * 46 * count,
                1.1 * 46 * 46 * count
            );
        var low = image.Where(Rgb.FromValue(0xf7fbff))[20];
        var high = image.Where(Rgb.FromValue(0x08306b)).First(pixel => pixel.X < map.Size.Width - 80);
        Assert.True(low.X < high.X && Math.Abs(low.Y - high.Y) < 10); // 0 is left of 1, in one row
        Assert.Equal(Rgb.White, image.At(high.X + 20, high.Y + 46 + 20)); // no number, no colour
    }

    [Fact]
    public async Task ManyThreads_DrawTheSame()
    {
        var charts = Charts().Select(row => (Chart)row[0]).ToArray();
        var expected = charts.Select(Both).ToArray();
        var drawn = await Task.WhenAll(Enumerable.Range(0, 3 * charts.Length).Select(i => Task.Run(() => Both(charts[i % charts.Length]))));
        for (var i = 0; i < drawn.Length; i++)
        {
            Assert.Equal(expected[i % charts.Length].Png, drawn[i].Png);
            Assert.Equal(expected[i % charts.Length].Svg, drawn[i].Svg);
        }

        static (byte[] Png, string Svg) Both(Chart chart) => (chart.Png(1), chart.Svg());
    }

    [Fact]
    public void Save_OtherEnding_IsRefused_AndTheTwoAreWritten()
    {
        using var folder = new TemporaryFolder();
        var chart = new BarChart { Bars = [new("a", 1)] };
        Assert.Contains(
            ".png or .svg",
            Assert.Throws<UserErrorException>(() => chart.Save(folder.At("a.jpg"))).Message,
            StringComparison.Ordinal
        );
        chart.Save(folder.At("new", "a.png"));
        chart.Save(folder.At("new", "a.SVG"));
        Assert.Equal(chart.Png(), File.ReadAllBytes(folder.At("new", "a.png")));
        Assert.Equal(chart.Svg(), File.ReadAllText(folder.At("new", "a.SVG")));
        Assert.Equal(2, Directory.GetFiles(folder.At("new")).Length);
    }

    [Fact]
    public void Save_TooLarge_IsAUsersMistake_AndLeavesNothing()
    {
        using var folder = new TemporaryFolder();
        var chart = new BarChart { Bars = [.. Enumerable.Range(0, 2000).Select(i => new Bar($"{i}", i))] };
        Assert.Contains(
            "picture has",
            Assert.Throws<UserErrorException>(() => chart.Save(folder.At("a.png"))).Message,
            StringComparison.Ordinal
        );
        Assert.Empty(Directory.GetFiles(folder.At("")));
    }

    /// <summary>A text's outlines in every way in which charts write: titles, labels, ticks, scales and names in small cells.</summary>
    private static IEnumerable<string> Written(string text)
    {
        foreach (var (size, bold) in new[] { (16.0, true), (13, false), (12, false), (11, false), (1400.0 / 120 - 2, false) })
        foreach (var along in Enum.GetValues<TextAlign>())
        foreach (var across in Enum.GetValues<TextAlign>())
        {
            using var drawing = Drawing.Svg(1000, 1000);
            drawing.Text(text, 500, 500, size, s_ink, along, across, bold);
            yield return SvgTests.Paths(drawing.EncodeSvg()).Single().Attribute("d")!.Value;
        }
    }

    private static Image Drawn(Chart chart)
    {
        using var drawing = Drawing.Pixels(chart.Size.Width, chart.Size.Height);
        chart.Draw(drawing);
        return drawing.ToImage();
    }
}
