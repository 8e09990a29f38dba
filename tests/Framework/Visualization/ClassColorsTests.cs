using Tessera.Framework.Data;
using Tessera.Framework.Visualization;

namespace Tessera.Tests.Framework.Visualization;

public sealed class ClassColorsTests
{
    // From the challenge's development kit: background, aeroplane, bicycle, bird, …, tv monitor.
    [Theory]
    [InlineData(0, "#000000")]
    [InlineData(1, "#800000")]
    [InlineData(2, "#008000")]
    [InlineData(3, "#808000")]
    [InlineData(7, "#808080")]
    [InlineData(8, "#400000")]
    [InlineData(20, "#004080")]
    [InlineData(255, "#e0e0c0")]
    public void Pascal_Index_IsTheChallengesColour(int index, string expected) =>
        Assert.Equal(expected, ClassColors.Pascal(256)[index].ToString(), ignoreCase: true);

    [Fact]
    public void Distinct_200_AreDistinct_AndFewerAreTheirBeginning()
    {
        var many = ClassColors.Distinct(200);
        Assert.Equal(200, many.Distinct().Count());
        Assert.Equal(many.Take(30), ClassColors.Distinct(30));
        Assert.DoesNotContain(Rgb.White, many);
        Assert.DoesNotContain(Rgb.Black, many);
    }

    [Fact]
    public void Distinct_Twenty_LieFarApart()
    {
        var colors = ClassColors.Distinct(20);
        for (var i = 0; i < colors.Length; i++)
        for (var j = 0; j < i; j++)
            Assert.True(
                Math.Abs(colors[i].Red - colors[j].Red)
                    + Math.Abs(colors[i].Green - colors[j].Green)
                    + Math.Abs(colors[i].Blue - colors[j].Blue)
                    >= 50,
                $"{colors[i]} {colors[j]}"
            );
    }

    [Fact]
    public void PaletteBytes_ClassesThenIgnored()
    {
        var bytes = ClassColors.PaletteBytes([new(1, 2, 3), new(4, 5, 6)]);
        Assert.Equal(768, bytes.Length);
        Assert.Equal([1, 2, 3, 4, 5, 6, 224, 224, 192], bytes[..9]);
        Assert.Equal([224, 224, 192], bytes[^3..]);
    }

    [Theory]
    [InlineData("#ffffff", "#000000")]
    [InlineData("#ffd92f", "#000000")]
    [InlineData("#1f77b4", "#ffffff")]
    public void Readable_IsTheOtherEnd(string color, string expected) => Assert.Equal(Ink.Color(expected), Ink.Color(color).Readable);
}
