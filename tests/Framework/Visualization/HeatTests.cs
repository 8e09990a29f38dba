using Tessera.Framework.Data;
using Tessera.Framework.Visualization;

namespace Tessera.Tests.Framework.Visualization;

public sealed class HeatTests
{
    [Fact]
    public void Colors_BecomeLighter_InStepsThatLookAlike()
    {
        var places = HeatColors.All.Select(Lab).ToArray();
        Assert.Equal(256, places.Length);
        var steps = places.Zip(places.Skip(1)).Select(pair => Distance(pair.First, pair.Second)).ToArray();
        // Eight colours at a time: one alone is rounded to whole levels of the screen.
        var lengths = Enumerable.Range(0, 31).Select(i => steps[(8 * i)..(8 * (i + 1))].Sum()).ToArray();
        Assert.All(lengths, length => Assert.InRange(length / lengths.Average(), 0.8, 1.2));
        Assert.All(Enumerable.Range(0, 31), i => Assert.True(places[8 * (i + 1)].L > places[8 * i].L + 0.005));
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(double.NaN, 0)]
    [InlineData(0, 0)]
    [InlineData(1, 255)]
    [InlineData(7, 255)]
    public void Color_OutsideTheScale_IsThatOfItsEnd(double share, int index) => Assert.Equal(HeatColors.All[index], HeatColors.Of(share));

    [Fact]
    public void Over_APixel_DependsOnItsOwnGreyAndValueOnly()
    {
        var (dark, light) = (new Image(1, 2, 3), new Image(1, 2, 3));
        new byte[] { 90, 90, 90, 10, 10, 10 }.CopyTo(dark.Bytes, 0);
        new byte[] { 90, 90, 90, 250, 250, 250 }.CopyTo(light.Bytes, 0);
        var (one, other) = (Heat.Over(dark, [0.3f, 0], 0, 1), Heat.Over(light, [0.3f, 1], 0, 1));
        Assert.Equal(one.Bytes[..3], other.Bytes[..3]);
        // 0.4 of the grey and 0.6 of the colour.
        Assert.Equal((byte)Math.Round((0.4 * 90) + (0.6 * HeatColors.Of(0.3).Red)), one.Bytes[0], 1.0);
    }

    [Fact]
    public void Over_WithoutValue_ShowsThePictureAsItIs()
    {
        var picture = new Image(1, 2, 3);
        new byte[] { 200, 10, 30, 200, 10, 30 }.CopyTo(picture.Bytes, 0);
        var shown = Heat.Over(picture, [float.NaN, 1], 0, 1);
        Assert.Equal(picture.Bytes[..3], shown.Bytes[..3]);
        Assert.NotEqual(picture.Bytes[3..], shown.Bytes[3..]);
    }

    [Fact]
    public void Alone_HasTheValuesColors_AndGreyWhereThereIsNone()
    {
        var shown = Heat.Alone([2, 4, float.NaN], 1, 3, 2, 4);
        Assert.Equal([HeatColors.All[0].Red, HeatColors.All[0].Green, HeatColors.All[0].Blue], shown.Bytes[..3]);
        Assert.Equal([HeatColors.All[255].Red, HeatColors.All[255].Green, HeatColors.All[255].Blue], shown.Bytes[3..6]);
        Assert.True(shown.Bytes[6] == shown.Bytes[7] && shown.Bytes[7] == shown.Bytes[8]);
        Assert.Throws<ArgumentException>(() => Heat.Alone([1, 2], 1, 3, 0, 1));
    }

    private static double Distance((double L, double A, double B) x, (double L, double A, double B) y) =>
        Math.Sqrt(((x.L - y.L) * (x.L - y.L)) + ((x.A - y.A) * (x.A - y.A)) + ((x.B - y.B) * (x.B - y.B)));

    // Ottosson's Oklab, from a screen's colours.
    private static (double L, double A, double B) Lab(Rgb color)
    {
        double r = Linear(color.Red),
            g = Linear(color.Green),
            b = Linear(color.Blue);
        var l = Math.Cbrt((0.4122214708 * r) + (0.5363325363 * g) + (0.0514459929 * b));
        var m = Math.Cbrt((0.2119034982 * r) + (0.6806995451 * g) + (0.1073969566 * b));
        var s = Math.Cbrt((0.0883024619 * r) + (0.2817188376 * g) + (0.6299787005 * b));
        return (
            (0.2104542553 * l) + (0.7936177850 * m) - (0.0040720468 * s),
            (1.9779984951 * l) - (2.4285922050 * m) + (0.4505937099 * s),
            (0.0259040371 * l) + (0.7827717662 * m) - (0.8086757660 * s)
        );

        static double Linear(byte value) => value <= 10 ? value / 255.0 / 12.92 : Math.Pow(((value / 255.0) + 0.055) / 1.055, 2.4);
    }
}
