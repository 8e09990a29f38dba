using SkiaSharp;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Visualization;

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
        drawing.Fill(1, 0, 2, 1, new Rgb(10, 20, 30));
        var image = drawing.ToImage();
        Assert.Equal((4, 8), (image.Height, image.Width));
        Assert.Equal(4 * 2, Enumerable.Range(0, 32).Count(i => image.Bytes.AsSpan(3 * i, 3).SequenceEqual<byte>([10, 20, 30])));
        Assert.Equal(255, image.Bytes[0]);
    }

    [Fact]
    public void Fill_PartsOfPixels_CountByTheirArea()
    {
        using var drawing = Drawing.Pixels(4, 3);
        drawing.Fill(1, 0.25, 1.5, 1, Rgb.Black);
        var image = drawing.ToImage();
        Assert.Equal(0.25 * 255, image.Least(1, 0), 1.5);
        Assert.Equal(0.75 * 255, image.Least(1, 1), 1.5);
        Assert.Equal((1 - 0.5 * 0.75) * 255, image.Least(2, 0), 1.5);
        Assert.Equal(255, image.Least(3, 0));
    }

    [Fact]
    public void Opacity_MixesWithWhatIsBelow()
    {
        using var drawing = Drawing.On(new Image(1, 3, 3, PixelType.UInt8, [100, 100, 100, 100, 100, 100, 100, 100, 100]));
        drawing.Fill(0, 0, 1, 1, new Rgb(200, 0, 100), opacity: 0.5);
        drawing.Fill(1, 0, 1, 1, new Rgb(200, 0, 100), opacity: 0);
        drawing.Fill(2, 0, 1, 1, new Rgb(200, 0, 100), opacity: 7);
        var image = drawing.ToImage();
        Assert.Equal(150, image.At(0, 0).Red, 1.0);
        Assert.Equal(50, image.At(0, 0).Green, 1.0);
        Assert.Equal(new Rgb(100, 100, 100), image.At(1, 0));
        Assert.Equal(new Rgb(200, 0, 100), image.At(2, 0));
    }

    [Fact]
    public void OutlineDiscAndArea_CoverWhatTheyShould()
    {
        using var drawing = Drawing.Pixels(60, 30);
        drawing.Outline(3, 3, 10, 10, Rgb.Black, 2);
        drawing.Disc(30, 15, 8, Rgb.Black);
        drawing.Area([(45, 5), (55, 5), (55, 25)], Rgb.Black);
        var image = drawing.ToImage();
        Assert.Equal([0, 0, 255, 0, 0], new[] { 2, 3, 8, 12, 13 }.Select(x => image.Least(x, 8)));
        Assert.Equal(255, image.Least(1, 8));
        var all = Enumerable.Range(0, 30).Sum(y => Enumerable.Range(20, 20).Sum(x => 255 - image.Least(x, y))) / 255.0;
        Assert.Equal(Math.PI * 64, all, 2.0);
        Assert.Equal((0, 255), (image.Least(53, 8), image.Least(47, 20)));
    }

    [Fact]
    public void Path_Dashes_LeaveGaps_AndTheNextLineIsWhole()
    {
        using var drawing = Drawing.Pixels(40, 10);
        drawing.Path([(0, 3), (40, 3)], Rgb.Black, 2, dash: 5);
        drawing.Path([(0, 8), (40, 8)], Rgb.Black, 2);
        var image = drawing.ToImage();
        Assert.Equal([0, 255, 0, 255], new[] { 2, 7, 12, 17 }.Select(x => image.Least(x, 3)));
        Assert.All(Enumerable.Range(0, 40), x => Assert.Equal(0, image.Least(x, 8)));
    }

    // Boxes of a broken annotation: what is shown must not take as long as the line would be.
    [Fact]
    public void Path_FarBeyondThePage_IsQuick()
    {
        using var drawing = Drawing.Pixels(40, 40);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        drawing.Path([(-1e9, 10), (1e9, 10), (1e9, 1e9), (-1e9, 1e9), (-1e9, 10)], Rgb.Black, 2, dash: 3);
        drawing.Path([(20, -1e8), (20, 1e8)], Rgb.Black, 2);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 10);
        Assert.Equal(0, drawing.ToImage().Least(20, 30));
    }

    [Fact]
    public void Within_ClipsUntilItEnds_ThoughDrawingFails()
    {
        using var drawing = Drawing.Pixels(20, 20);
        drawing.Within(5, 5, 5, 5, () => drawing.Fill(0, 0, 20, 20, Rgb.Black));
        Assert.Equal((5, 5, 9, 9), drawing.ToImage().Bounds());
        Assert.Throws<TimeoutException>(() => drawing.Within(0, 0, 1, 1, () => throw new TimeoutException()));
        drawing.Fill(15, 15, 2, 2, Rgb.Black);
        Assert.Equal((5, 5, 16, 16), drawing.ToImage().Bounds());
    }

    [Fact]
    public void Draw_Enlarged_SquaresOrSteps()
    {
        var image = new Image(1, 2, 3, PixelType.UInt8, [0, 0, 0, 200, 200, 200]);
        using var drawing = Drawing.Pixels(20, 4);
        drawing.Draw(image, 0, 0, 20, 2, smooth: false);
        drawing.Draw(image, 0, 2, 20, 2);
        var pixels = drawing.ToImage();
        Assert.Equal([0, 0, 200, 200], new[] { 0, 9, 10, 19 }.Select(x => pixels.Least(x, 1)));
        var row = Enumerable.Range(0, 20).Select(x => pixels.Least(x, 3)).ToArray();
        Assert.Equal((0, 200), (row[0], row[19]));
        Assert.Equal(row.Order(), row);
        Assert.InRange(row[9], 70, 100); // 0.45 of the way
    }

    [Fact]
    public void Draw_Smaller_IsTheMean()
    {
        var stripes = new Image(48, 48, 3);
        for (var i = 0; i < 48 * 48; i++)
            stripes.Bytes.AsSpan(3 * i, 3).Fill(i % 2 == 0 ? (byte)0 : (byte)200);
        using var drawing = Drawing.Pixels(40, 40);
        drawing.Draw(stripes, 2, 2, 10, 10);
        drawing.Draw(stripes, 14, 2, 24, 36); // half as wide, shorter by a quarter
        var image = drawing.ToImage();
        foreach (var (left, right, bottom) in new[] { (3, 11, 11), (15, 37, 37) })
            for (var y = 3; y < bottom; y++)
            for (var x = left; x < right; x++)
                Assert.InRange(image.Least(x, y), 85, 115);
        Assert.Equal(255, image.Least(1, 5));
        Assert.Equal(255, image.Least(12, 5));
    }

    [Fact]
    public void EncodePng_IsThePixels()
    {
        using var drawing = Drawing.Pixels(30, 20, scale: 1.5);
        drawing.Text("png", 2, 15, 12, new Rgb(200, 20, 60));
        var file = drawing.EncodePng();
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], file[..4]);
        Assert.Equal([0, 0, 0, 45, 0, 0, 0, 30, 8, 2], file[16..26]); // width, height, 8 bits, RGB
        using var decoded = SKBitmap.Decode(file);
        var image = drawing.ToImage();
        Assert.InRange(image.Amount(255), 50, 500);
        for (var y = 0; y < 30; y++)
        for (var x = 0; x < 45; x++)
        {
            var color = image.At(x, y);
            Assert.Equal(new SKColor(color.Red, color.Green, color.Blue), decoded.GetPixel(x, y));
        }
    }

    [Fact]
    public void Pixels_PartOfOneAtTheEdge_IsWhite()
    {
        using var drawing = Drawing.Pixels(10.3, 4.2);
        Assert.All(drawing.ToImage().Bytes, value => Assert.Equal(255, value));
    }

    [Theory]
    [InlineData(40_000, 10, 1)]
    [InlineData(100_000, 100_000, 1)]
    [InlineData(20_000, 10, 2)]
    [InlineData(30_000, 30_000, 1)] // each side would do
    [InlineData(1e300, 1, 1)]
    [InlineData(double.NaN, 10, 1)]
    [InlineData(10, double.PositiveInfinity, 1)]
    [InlineData(0, 10, 1)]
    [InlineData(10, -10, 1)]
    public void Pixels_SizeThatCantBe_IsAUsersMistake(double width, double height, double scale)
    {
        // what the first call compiles and loads is allocated on this thread, too
        Assert.Throws<UserErrorException>(() => Drawing.Pixels(width, height, scale));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(
            "picture has",
            Assert.Throws<UserErrorException>(() => Drawing.Pixels(width, height, scale)).Message,
            StringComparison.Ordinal
        );
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void NotFinite_IsLeftOut()
    {
        using var drawing = Drawing.Pixels(20, 20);
        foreach (var odd in new[] { double.NaN, double.NegativeInfinity, double.MaxValue })
        {
            drawing.Fill(odd, 2, 3, 4, Rgb.Black);
            drawing.Disc(5, odd, 5, Rgb.Black);
            drawing.Path([(0, 0), (odd, 10), (20, 20)], Rgb.Black);
            drawing.Text("text", 5, odd, 12, Rgb.Black);
            drawing.Text("text", 5, 5, odd, Rgb.Black);
            drawing.Draw(new Image(30, 30, 3), 0, 0, odd, 10);
        }
        Assert.Equal(0, drawing.ToImage().Amount(255));
    }

    [Fact]
    public void Disposed_DrawsNoMore()
    {
        var drawing = Drawing.Pixels(10, 10);
        drawing.Dispose();
        Assert.Throws<InvalidOperationException>(() => drawing.Fill(0, 0, 1, 1, Rgb.Black));
        Assert.Throws<InvalidOperationException>(drawing.EncodePng);
        Assert.Throws<InvalidOperationException>(drawing.EncodeSvg);
        Assert.Throws<InvalidOperationException>(() => drawing.Measure("a", 12));
        drawing.Dispose();
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
