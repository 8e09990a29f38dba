using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Models.Explanation.Attention;

namespace Tessera.Tests.Models.Explanation.Attention;

public sealed class ForegroundTests
{
    [Fact]
    public void Otsu_RandomMaps_EqualsTheBestOfAllCuts()
    {
        var random = new RandomSource(5);
        for (var round = 0; round < 200; round++)
        {
            var map = new float[2 + (int)(random.NextDouble() * 30)];
            for (var i = 0; i < map.Length; i++)
                map[i] = (float)Math.Round(random.NextDouble() * random.NextDouble(), round % 2 == 0 ? 1 : 6);
            var inside = AttentionForeground.Parse("otsu").Of(map);
            if (map.Distinct().Count() == 1)
            {
                Assert.DoesNotContain(true, inside);
                continue;
            }
            // The least sum of squares within both parts, over every cut.
            var best = map.Distinct().Order().Skip(1).Min(cut => Within(map, value => value >= cut));
            var least = map.Where((_, i) => inside[i]).Min();
            Assert.All(map.Select((value, i) => (value, i)), entry => Assert.Equal(entry.value >= least, inside[entry.i]));
            Assert.Equal(best, Within(map, value => value >= least), 1e-9);
        }

        static double Within(float[] map, Func<float, bool> inside) =>
            map.GroupBy(inside).Sum(part => part.Sum(value => Math.Pow(value - part.Average(v => (double)v), 2)));
    }

    [Fact]
    public void Mass_RandomMaps_IsTheSmallestSetWithTheShare()
    {
        var random = new RandomSource(6);
        for (var round = 0; round < 50; round++)
        {
            var map = Enumerable.Range(0, 9).Select(_ => (float)random.NextDouble()).ToArray();
            var inside = AttentionForeground.Parse("mass:0.6").Of(map);
            var (held, wanted) = (map.Where((_, i) => inside[i]).Sum(v => (double)v), 0.6 * map.Sum(v => (double)v));
            Assert.True(held >= wanted);
            // Of all sets of one place fewer, none holds as much.
            var fewer = inside.Count(i => i) - 1;
            for (var set = 0; set < 1 << map.Length; set++)
                if (System.Numerics.BitOperations.PopCount((uint)set) == fewer)
                    Assert.True(map.Where((_, i) => (set >> i & 1) == 1).Sum(v => (double)v) < wanted);
        }
    }

    [Fact]
    public void Value_IsOfTheScaledMap()
    {
        // Scaled: 0, .25, .5, 1.
        Assert.Equal([false, false, true, true], AttentionForeground.Parse("0.5").Of([2, 3, 4, 6]));
        Assert.DoesNotContain(true, AttentionForeground.Parse("0.5").Of([3, 3]));
    }

    [Theory]
    [InlineData("otsi")]
    [InlineData("1")]
    [InlineData("0")]
    [InlineData("-0.2")]
    [InlineData("mass:1")]
    [InlineData("mass:")]
    [InlineData("NaN")]
    public void Parse_OutOfRange_NamesWhatThereIs(string text)
    {
        var error = Assert.Throws<UserErrorException>(() => AttentionForeground.Parse(text));
        Assert.Contains($"\"{text}\" is no threshold", error.Message, StringComparison.Ordinal);
        Assert.Contains("mass:0.6", error.Message, StringComparison.Ordinal);
    }
}
