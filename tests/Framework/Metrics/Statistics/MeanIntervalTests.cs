using Tessera.Framework.Metrics.Statistics;

namespace Tessera.Framework.Tests.Metrics.Statistics;

public sealed class MeanIntervalTests
{
    [Fact]
    public void Of_FiveRuns_GivesMeanDeviationAndTInterval()
    {
        // s² = ((.0012)² + (−.0038)² + (.0042)² + (−.0018)² + (.0002)²) / 4 = 3.68e-5 / 4; t(.975, 4) = 2.776445
        var result = MeanInterval.Of([0.812, 0.807, 0.815, 0.809, 0.811]);

        Assert.Equal(0.8108, result.Mean, 12);
        Assert.Equal(0.00303315, result.Deviation, 8);
        Assert.Equal(0.00376615, result.Interval!.Value.High - result.Mean, 8);
        Assert.Equal(0.00376615, result.Mean - result.Interval.Value.Low, 8);
        Assert.Equal(5, result.Count);
    }

    [Fact]
    public void Of_TwoRuns_GivesNoInterval()
    {
        var result = MeanInterval.Of([0.5, 0.7]);

        Assert.Equal(0.6, result.Mean, 12);
        Assert.Equal(Math.Sqrt(0.02), result.Deviation, 12);
        Assert.Null(result.Interval);
    }

    [Fact]
    public void Of_OneRun_HasNoDeviation()
    {
        var result = MeanInterval.Of([0.5]);

        Assert.Equal(0.5, result.Mean);
        Assert.True(double.IsNaN(result.Deviation));
        Assert.Null(result.Interval);
    }

    [Fact]
    public void Of_NoRunOrOneThatIsNotFinite_IsNaN()
    {
        Assert.True(double.IsNaN(MeanInterval.Of([]).Mean));
        var withNaN = MeanInterval.Of([0.5, double.NaN, 0.7, 0.8]);
        Assert.True(double.IsNaN(withNaN.Mean));
        Assert.Null(withNaN.Interval);
    }
}
