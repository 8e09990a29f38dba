using Tessera.Framework.Data;
using Tessera.Framework.Visualization;

namespace Tessera.Tests.Framework.Visualization;

public sealed class TextTests
{
    [Theory]
    [InlineData(TextAlign.Start)]
    [InlineData(TextAlign.Middle)]
    [InlineData(TextAlign.End)]
    public void Text_Along_LiesWhereItIsSaidTo(TextAlign along)
    {
        using var drawing = Drawing.Pixels(240, 40);
        drawing.Text("HTessera H", 120, 30, 16, Rgb.Black, along);
        var (width, _) = drawing.Measure("HTessera H", 16);
        var (left, _, right, _) = drawing.ToImage().Bounds();
        var start = along switch
        {
            TextAlign.Start => 120,
            TextAlign.Middle => 120 - width / 2,
            _ => 120 - width,
        };
        Assert.InRange(left, start, start + 2.5); // a capital H has 1.6 units of room on both sides
        Assert.InRange(right, start + width - 3.5, start + width - 0.5);
    }

    [Fact]
    public void Text_Across_TopMiddleAndBaseline()
    {
        Assert.Equal((30 - 12, 29), Rows(TextAlign.End)); // capitals of 16 are 11.7 high and stand on the baseline
        var (top, bottom) = Rows(TextAlign.Middle);
        Assert.InRange((top + bottom + 1) / 2.0, 29.5, 30.5);
        using var ruler = Drawing.Pixels(1, 1);
        var (_, height) = ruler.Measure("H", 16);
        (top, bottom) = Rows(TextAlign.Start);
        Assert.InRange(top, 32, 34);
        Assert.InRange(bottom, 30 + 0.7 * height, 30 + 0.85 * height); // below it, room for the tail of a g

        static (int Top, int Bottom) Rows(TextAlign across)
        {
            using var drawing = Drawing.Pixels(40, 60);
            drawing.Text("HH", 5, 30, 16, Rgb.Black, across: across);
            var (_, top, _, bottom) = drawing.ToImage().Bounds();
            return (top, bottom);
        }
    }

    [Fact]
    public void Text_Turned_RunsDownwards()
    {
        using var drawing = Drawing.Pixels(60, 120);
        drawing.Text("Tessera", 30, 10, 16, Rgb.Black, degrees: 90);
        var (left, top, right, bottom) = drawing.ToImage().Bounds();
        Assert.InRange(left, 28, 31); // the baseline, from which capitals reach to the right
        Assert.InRange(right, 39, 43);
        Assert.InRange(top, 9, 12);
        Assert.InRange(bottom, 10 + drawing.Measure("Tessera", 16).Width - 4, 10 + drawing.Measure("Tessera", 16).Width + 1);
    }

    [Fact]
    public void Text_Bold_IsWiderAndDarker()
    {
        using var drawing = Drawing.Pixels(10, 10);
        Assert.True(drawing.Measure("Tessera", 16, bold: true).Width > 1.05 * drawing.Measure("Tessera", 16).Width);
        Assert.True(Drawn("Tessera", bold: true).Amount(255) > 1.3 * Drawn("Tessera").Amount(255));
    }

    [Fact]
    public void Text_Opacity_IsLessInk() =>
        Assert.Equal(0.5, Drawn("Tessera", opacity: 0.5).Amount(255) / Drawn("Tessera").Amount(255), 0.02);

    // Text for screens is often drawn thinner where it is dark, thicker where it is light.
    [Fact]
    public void Text_WhiteOnBlack_IsAsThickAsBlackOnWhite()
    {
        using var dark = Drawing.On(new Image(40, 200, 3));
        dark.Text("Hamburg 0.75", 5.3, 20, 11, Rgb.White);
        using var light = Drawing.Pixels(200, 40);
        light.Text("Hamburg 0.75", 5.3, 20, 11, Rgb.Black);
        Assert.InRange(light.ToImage().Amount(255), 100, 1000);
        Assert.Equal(1, dark.ToImage().Amount(0) / light.ToImage().Amount(255), 0.02);
    }

    [Fact]
    public void Text_Upright_StandsOnWholePixels()
    {
        foreach (var y in new[] { 20, 20.3, 20.5, 20.8 })
        {
            using var drawing = Drawing.Pixels(40, 40);
            drawing.Text("EEE", 5, y, 12, Rgb.Black);
            var image = drawing.ToImage();
            var (left, _, _, bottom) = image.Bounds(200);
            Assert.InRange(image.Least(left + 4, bottom), 0, 100); // the lower bar of the E is dark, not two grey rows
            Assert.Equal(255, image.Least(left + 4, bottom + 1));
        }
    }

    [Fact]
    public void Text_NoSignInTheFont_IsABox()
    {
        using var ruler = Drawing.Pixels(10, 10);
        // birds, halves of one, for private use, no character
        foreach (var text in new[] { "鳥", "\ud83d\udc26", "\ud83d", "\udc26", "\ue000", "\uffff" })
        {
            Assert.InRange(ruler.Measure(text, 16).Width, 6, 24);
            var (left, top, right, bottom) = Drawn(text).Bounds();
            Assert.InRange(right - left, 5, 20);
            Assert.InRange(bottom - top, 8, 20);
            using var svg = Drawing.Svg(100, 40);
            svg.Text(text, 10, 30, 16, Rgb.Black);
            Assert.Single(SvgTests.Paths(svg.EncodeSvg()));
        }
    }

    [Fact]
    public void Text_UnknownAmongKnown_EachIsThere()
    {
        Assert.Equal(3, Drawn("I 鳥 I").Runs());
        Assert.Equal(3, Drawn("日 本 語").Runs());
    }

    [Fact]
    public void Text_ManyScripts_AreNotBoxes()
    {
        var box = Drawn("鳥").Amount(255);
        foreach (var letter in new[] { "Å", "ß", "ł", "Ж", "Ω", "א", "ب", "Ђ", "✓", "→", "≤", "…", "×", "²", "µ", "°" })
        {
            Assert.InRange(Drawn(letter).Amount(255), 4, 150);
            Assert.NotEqual(box, Drawn(letter).Amount(255));
        }
    }

    [Fact]
    public void Text_ControlCharacters_AreSpaces()
    {
        Assert.Equal(Drawn("a b c").Bytes, Drawn("a\tb\nc").Bytes);
        Assert.Equal(Drawn("a b").Bytes, Drawn("a\0b").Bytes);
    }

    [Fact]
    public void Fit_ShortensToTheWidth()
    {
        using var drawing = Drawing.Pixels(10, 10);
        var text = drawing.Fit("a very long name of a class", 80, 12);
        Assert.EndsWith("…", text, StringComparison.Ordinal);
        Assert.InRange(drawing.Measure(text, 12).Width, 50, 80);
        Assert.Equal("short", drawing.Fit("short", 80, 12));
        Assert.Equal("…", drawing.Fit("short", 1, 12));
        Assert.Equal("…", drawing.Fit("", -1, 12));
    }

    [Fact]
    public void Fit_SurrogatePairs_StayWhole()
    {
        using var drawing = Drawing.Pixels(10, 10);
        var birds = string.Concat(Enumerable.Repeat("\ud83d\udc26", 20));
        for (var width = 0; width < 120; width += 3)
        {
            var text = drawing.Fit(birds, width, 12);
            Assert.True(text.Length % 2 == 1 && birds.StartsWith(text[..^1], StringComparison.Ordinal), $"{text.Length} at {width}");
        }
    }

    [Fact]
    public void Measure_PixelsAtAnyScaleAndSvg_AreTheSame()
    {
        using var pixels = Drawing.Pixels(10, 10);
        using var sharp = Drawing.Pixels(10, 10, scale: 2);
        using var page = Drawing.Svg(10, 10);
        foreach (var size in new[] { 7, 9.5, 12, 16 })
        {
            Assert.Equal(pixels.Measure("Hamburg 0.75", size), sharp.Measure("Hamburg 0.75", size));
            Assert.Equal(pixels.Measure("Hamburg 0.75", size), page.Measure("Hamburg 0.75", size));
        }
    }

    // From the font's tables: 2048 units to the size; A is 1401 wide, space 651, i 569; A bold 1585; the line reaches 1901 up and 483 down.
    [Fact]
    public void Measure_IsTheFontsOwn()
    {
        using var drawing = Drawing.Pixels(10, 10);
        Assert.Equal((1401 + 651 + 569) / 2048.0 * 20, drawing.Measure("A i", 20).Width, 0.01);
        Assert.Equal(1585 / 2048.0 * 20, drawing.Measure("A", 20, bold: true).Width, 0.01);
        Assert.Equal(19 + 5, drawing.Measure("", 20).Height);
    }

    [Fact]
    public void Fonts_CarryTheirLicence()
    {
        Assert.Equal(("DejaVu Sans", false), (EmbeddedFonts.Regular.FamilyName, EmbeddedFonts.Regular.IsBold));
        Assert.Equal(("DejaVu Sans", true), (EmbeddedFonts.Bold.FamilyName, EmbeddedFonts.Bold.IsBold));
        using var licence = new StreamReader(
            typeof(Drawing).Assembly.GetManifestResourceStream("Tessera.Framework.Visualization.Fonts.LICENSE")!
        );
        Assert.Contains("Bitstream Vera Fonts Copyright", licence.ReadToEnd(), StringComparison.Ordinal);
    }

    private static Image Drawn(string text, bool bold = false, double opacity = 1)
    {
        using var drawing = Drawing.Pixels(100, 40);
        drawing.Text(text, 10, 30, 16, Rgb.Black, bold: bold, opacity: opacity);
        return drawing.ToImage();
    }
}
