using Tessera.Framework.Visualization.Charts;

namespace Tessera.Tests.Framework.Visualization;

public sealed class ChartAxisTests
{
    [Theory]
    [InlineData(0, 1, 5, "0.0 0.2 0.4 0.6 0.8 1.0")]
    [InlineData(0.13, 2.2, 8, "0.0 0.5 1.0 1.5 2.0 2.5")]
    [InlineData(-3, 3, 6, "-3 -2 -1 0 1 2 3")]
    [InlineData(0, 367, 4, "0 100 200 300 400")]
    [InlineData(0.7001, 0.7023, 4, "0.700 0.701 0.702 0.703")]
    [InlineData(0, 2500000, 5, "0 500k 1M 1.5M 2M 2.5M")]
    [InlineData(5, 5, 4, "4.5 5.0 5.5")]
    public void Of_Values_RoundTicksWithLabelsThatTellThem(double low, double high, int wanted, string expected)
    {
        var axis = ChartAxis.Of([low, high], wanted);
        Assert.Equal(expected, string.Join(' ', axis.Ticks.Select(axis.Label)));
        Assert.InRange(axis.At(low), 0, 1);
        Assert.InRange(axis.At(high), 0, 1);
    }

    [Fact]
    public void Of_Logarithmic_EqualRatiosAreEqualDistances()
    {
        var axis = ChartAxis.Of([1, 10_000], 8, log: true);
        Assert.Equal(["1", "10", "100", "1000", "10k"], axis.Ticks.Select(axis.Label));
        Assert.Equal(0.25, axis.At(10), 12);
        Assert.False(axis.Shows(0));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Of_NothingFinite_StillHasAnAxis(bool log) =>
        Assert.NotEmpty(ChartAxis.Of([double.NaN, double.PositiveInfinity], 5, log).Ticks);
}
