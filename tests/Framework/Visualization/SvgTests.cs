using System.Xml.Linq;
using SkiaSharp;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Visualization;

namespace Tessera.Tests.Framework.Visualization;

public sealed class SvgTests
{
    [Fact]
    public void Page_HasASizeAndAViewBox_AndIsWhite()
    {
        using var drawing = Drawing.Svg(120.5, 40);
        var root = XDocument.Parse(drawing.EncodeSvg()).Root!;
        Assert.Equal(["svg", "121", "40", "0 0 121 40"], Values(root, "width", "height", "viewBox"));
        var page = Assert.Single(root.Elements());
        Assert.Equal(["rect", "white", "121", "40"], Values(page, "fill", "width", "height"));
    }

    [Fact]
    public void Text_IsOutlines_WhereTheyBelong()
    {
        using var drawing = Drawing.Svg(300, 60);
        drawing.Text("HxH <&> \"'", 200, 40, 16, new Rgb(10, 20, 30), TextAlign.End);
        var svg = drawing.EncodeSvg();
        Assert.DoesNotContain("<text", svg, StringComparison.Ordinal);
        Assert.DoesNotContain("font", svg, StringComparison.Ordinal);
        var path = Assert.Single(Paths(svg));
        Assert.Equal("#0A141E", path.Attribute("fill")?.Value);
        Assert.Equal("translate(200 40)", path.Attribute("transform")?.Value);
        using var outline = SKPath.ParseSvgPathData(path.Attribute("d")!.Value);
        using var same = Drawing.Svg(1, 1);
        var (width, _) = same.Measure("HxH <&> \"'", 16);
        Assert.Equal(-width + 201.0 / 2048 * 16, outline.TightBounds.Left, 0.02); // H begins 201 of the font's units from its left end
        Assert.InRange(outline.TightBounds.Right, -4, 0);
        Assert.Equal(-1520.0 / 2048 * 16, outline.TightBounds.Top, 0.02); // the height of &
    }

    [Fact]
    public void Draw_Image_IsInThePage_SquarePixelsWhereAsked()
    {
        var image = new Image(2, 3, 3, PixelType.UInt8, [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0, 0, 255, 255, 255, 0, 255]);
        using var drawing = Drawing.Svg(300, 60);
        drawing.Draw(image, 0, 0, 30, 20);
        drawing.Draw(image, 40, 0, 30, 20, smooth: false);
        drawing.Draw(image, 80, 0, 30, 20);
        var images = XDocument.Parse(drawing.EncodeSvg()).Descendants().Where(element => element.Name.LocalName == "image").ToArray();
        Assert.Equal([null, "pixelated", null], images.Select(element => element.Attribute("image-rendering")?.Value));
        var data = images[1].Attribute(XName.Get("href", "http://www.w3.org/1999/xlink"))!.Value;
        Assert.StartsWith("data:image/png;base64,", data, StringComparison.Ordinal);
        using var decoded = SKBitmap.Decode(Convert.FromBase64String(data[(data.IndexOf(',', StringComparison.Ordinal) + 1)..]));
        Assert.Equal(new SKColor(0, 0, 255), decoded.GetPixel(2, 0));
        Assert.Equal(new SKColor(255, 255, 0), decoded.GetPixel(0, 1));
    }

    [Fact]
    public void ShapesAndClips_AreElements()
    {
        using var drawing = Drawing.Svg(100, 100);
        drawing.Fill(1, 2, 3, 4, Rgb.Gray, opacity: 0.5);
        drawing.Disc(50, 50, 5, Rgb.Black);
        drawing.Within(10, 10, 20, 20, () => drawing.Line(0, 0, 100, 100, new Rgb(1, 2, 3), 2, dash: 5));
        var elements = XDocument.Parse(drawing.EncodeSvg()).Descendants().ToArray();
        var rectangle = elements.Single(element => element.Name.LocalName == "rect" && element.Attribute("fill")?.Value == "gray");
        Assert.Equal(["rect", "1", "2", "3", "4"], Values(rectangle, "x", "y", "width", "height"));
        Assert.StartsWith("0.50", rectangle.Attribute("fill-opacity")?.Value, StringComparison.Ordinal);
        Assert.Contains(elements, element => element.Name.LocalName is "ellipse" or "circle");
        Assert.Contains(elements, element => element.Name.LocalName == "clipPath");
        var dashes = elements.Single(element => element.Name.LocalName == "path" && element.Parent!.Attribute("clip-path") is not null);
        Assert.Equal("#010203", dashes.Attribute("fill")?.Value);
        Assert.InRange(dashes.Attribute("d")!.Value.Count(c => c == 'M'), 2, 15); // as areas: the dashes within the clip, at least
    }

    [Fact]
    public void NothingFinite_IsLeftOut()
    {
        foreach (var odd in new[] { double.NaN, double.PositiveInfinity, double.MaxValue })
        {
            using var drawing = Drawing.Svg(100, 100);
            drawing.Fill(odd, 2, 3, 4, Rgb.Black);
            drawing.Outline(1, 2, odd, 4, Rgb.Black);
            drawing.Disc(odd, 50, 5, Rgb.Black);
            drawing.Path([(0, 0), (odd, 10), (20, 20)], Rgb.Black);
            drawing.Area([(0, 0), (odd, 10), (20, 20)], Rgb.Black);
            drawing.Text("text", odd, 10, 12, Rgb.Black);
            drawing.Text("text", 10, 10, odd, Rgb.Black);
            drawing.Draw(new Image(2, 2, 3), odd, 0, 10, 10);
            drawing.Within(0, odd, 10, 10, () => { });
            var svg = drawing.EncodeSvg();
            var page = Assert.Single(XDocument.Parse(svg).Root!.Elements());
            Assert.Equal("white", page.Attribute("fill")?.Value);
        }
    }

    [Theory]
    [InlineData(double.NaN, 1)]
    [InlineData(1, double.PositiveInfinity)]
    [InlineData(0, 1)]
    [InlineData(1, -1)]
    public void Svg_NoSize_IsAUsersMistake(double width, double height) =>
        Assert.Throws<UserErrorException>(() => Drawing.Svg(width, height));

    [Fact]
    public void Encoded_TakesNoMore()
    {
        using var drawing = Drawing.Svg(100, 100);
        Assert.Throws<InvalidOperationException>(drawing.EncodePng);
        Assert.Throws<InvalidOperationException>(drawing.ToImage);
        drawing.EncodeSvg();
        Assert.Throws<InvalidOperationException>(() => drawing.Fill(0, 0, 1, 1, Rgb.Black));
        Assert.Throws<InvalidOperationException>(() => drawing.Text("a", 0, 0, 12, Rgb.Black));
        Assert.Throws<InvalidOperationException>(() => drawing.Draw(new Image(1, 1, 3), 0, 0, 1, 1));
        Assert.Throws<InvalidOperationException>(drawing.EncodeSvg);
    }

    /// <summary>The elements that draw outlines, letters among them.</summary>
    internal static IReadOnlyList<XElement> Paths(string svg) =>
        [
            .. XDocument
                .Parse(svg)
                .Descendants()
                .Where(element => element.Name.LocalName == "path" && element.Attribute("d")?.Value.Length > 0),
        ];

    private static string[] Values(XElement element, params string[] attributes) =>
        [element.Name.LocalName, .. attributes.Select(name => element.Attribute(name)?.Value ?? "")];
}
