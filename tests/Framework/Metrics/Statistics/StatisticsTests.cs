using CsCheck;
using Tessera.Framework.Metrics.Statistics;

namespace Tessera.Framework.Tests.Metrics.Statistics;

/// <summary>Against numbers of SciPy 1.10.1, and arithmetic.</summary>
public sealed class StatisticsTests
{
    private static readonly double[] s_first = [0.812, 0.807, 0.815, 0.809, 0.811];
    private static readonly double[] s_second = [0.818, 0.810, 0.816, 0.815, 0.814];
    private static readonly double[] s_differences = [.. s_second.Zip(s_first, (b, a) => b - a)];

    [Fact]
    public void PairedT_OfSeeds_IsScipys()
    {
        // scipy.stats.ttest_rel(b, a): t = 3.91940, p = .0172564
        var test = PairedTTest.OfSeeds(s_differences);

        Assert.Equal(3.91940, test.T(), 5);
        Assert.Equal(0.0172564, test.PValue(), 7);
        Assert.Equal(4, test.Freedom);
        // Against its own bound the p value is .05: interval and test are one.
        Assert.Equal(0.05, test.PValue(test.Interval!.Value.Low), 8);
        Assert.Equal(0.05, test.PValue(test.Interval.Value.High), 8);
    }

    [Fact]
    public void PairedT_OfFolds_TakesTheSharedDataIntoAccount()
    {
        // mean d / √((1/5 + 1/4) s²); 2 (1 − F_t4(2.61293)) = .0592371
        var test = PairedTTest.OfFolds(s_differences, 0.25);

        Assert.Equal(2.61293, test.T(), 5);
        Assert.Equal(0.0592371, test.PValue(), 7);
        Assert.Equal(0.05, test.PValue(test.Interval!.Value.High), 8);
    }

    [Fact]
    public void PairedT_OfEqualRuns_ShowsNothing_OfAConstantGain_Everything()
    {
        Assert.Equal(1, PairedTTest.OfSeeds([0, 0, 0]).PValue(), 12);
        Assert.Equal(0, PairedTTest.OfSeeds([0.5, 0.5, 0.5]).PValue());
        Assert.True(double.IsNaN(PairedTTest.OfSeeds([0.1]).PValue()));
        Assert.Null(PairedTTest.OfSeeds([0.1, 0.2]).Interval);
        Assert.Throws<ArgumentOutOfRangeException>(() => PairedTTest.OfFolds([0.1, 0.2], 0));
    }

    [Fact]
    public void McNemar_IsExact()
    {
        // 2 Σ_{i ≤ 5} C(20, i) / 2^20 = 2 · 21,700 / 1,048,576
        Assert.Equal(0.0413895, McNemar.PValue(15, 5), 7);
        Assert.Equal(2.0 * 21_700 / 1_048_576, McNemar.PValue(5, 15), 12);
        Assert.Equal(1, McNemar.PValue(0, 0));
        Assert.Equal(1, McNemar.PValue(4, 4), 12);
    }

    [Fact]
    public void McNemar_OfAnySplit_IsTheSumOfBinomials() =>
        Gen.Select(Gen.Int[0, 30], Gen.Int[0, 30])
            .Sample(
                (first, second) =>
                {
                    var (n, fewer) = (first + second, Math.Min(first, second));
                    var (sum, ways) = (0.0, Math.Pow(0.5, n));
                    for (var i = 0; i <= fewer; i++)
                    {
                        sum += ways;
                        ways *= (n - i) / (i + 1.0);
                    }
                    Assert.Equal(Math.Min(1, 2 * sum), McNemar.PValue(first, second), 9);
                }
            );

    [Fact]
    public void Wilson_OfTenThousandImages_IsTheFixture()
    {
        var (low, high) = Wilson.Interval(8103, 10_000);

        Assert.Equal(0.802497, low, 6);
        Assert.Equal(0.817865, high, 6);
        Assert.Equal((0, true), (Wilson.Interval(0, 5).Low, Wilson.Interval(0, 5).High < 1));
        Assert.Equal(1, Wilson.Interval(5, 5).High, 12);
        Assert.True(double.IsNaN(Wilson.Interval(0, 0).Low));
    }

    [Fact]
    public void Wilcoxon_IsExact()
    {
        // All five differences are above 0: W = 0, p = 2 / 2^5.
        Assert.Equal((0, 0.0625), Wilcoxon.Test(s_differences));
        Assert.Equal(1, Wilcoxon.Test([0, 0]).PValue);
    }

    [Fact]
    public void Wilcoxon_IsWhatCountingAllSignsGives() =>
        Gen.Int[-4, 4]
            .Array[1, 10]
            .Sample(values =>
            {
                double[] sizes = [.. values.Where(value => value != 0).Select(value => (double)Math.Abs(value))];
                double Rank(double size) => sizes.Count(other => other < size) + ((sizes.Count(other => other == size) + 1) / 2.0);
                var all = sizes.Sum(Rank);
                double Least(double positive) => Math.Min(positive, all - positive);
                var observed = Least(values.Where(value => value > 0).Sum(value => Rank(value)));
                var asSmall = Enumerable
                    .Range(0, 1 << sizes.Length)
                    .Count(signs => Least(sizes.Where((_, i) => (signs >> i & 1) == 1).Sum(Rank)) <= observed);
                var (statistic, p) = Wilcoxon.Test([.. values.Select(value => (double)value)]);
                Assert.Equal(observed, statistic, 9);
                Assert.Equal((double)asSmall / (1 << sizes.Length), p, 9);
            });

    [Fact]
    public void Holm_RaisesTheSmallestMost()
    {
        // .01 · 3, then max(.03, .02 · 2), then max(.04, .04)
        var adjusted = Holm.Adjust([0.02, 0.01, 0.04]);
        Assert.Equal([0.04, 0.03, 0.04], adjusted.Select(value => Math.Round(value, 12)));
        Assert.Equal([0.4], Holm.Adjust([0.4]));
        Assert.Equal([1, double.NaN], Holm.Adjust([0.9, double.NaN]));
    }

    [Fact]
    public void Holm_IsNeverSmaller_KeepsTheOrder_AndNeverExceedsBonferroni() =>
        Gen.Double[0, 1]
            .Array[1, 8]
            .Sample(values =>
            {
                var adjusted = Holm.Adjust(values);
                for (var i = 0; i < values.Length; i++)
                {
                    Assert.InRange(adjusted[i], values[i], Math.Min(1, (values.Length * values[i]) + 1e-12));
                    for (var j = 0; j < values.Length; j++)
                        Assert.True(values[i] > values[j] || adjusted[i] <= adjusted[j]);
                }
            });

    [Fact]
    public void Tests_DoNotDependOnTheOrderOfRuns_AndTurnWithTheSign() =>
        Gen.Double[-1, 1]
            .Array[3, 8]
            .Sample(values =>
            {
                var test = PairedTTest.OfSeeds(values);
                Assert.Equal(test.PValue(), PairedTTest.OfSeeds([.. values.Reverse()]).PValue(), 9);
                var turned = PairedTTest.OfSeeds([.. values.Select(value => -value)]);
                Assert.Equal(test.T(), -turned.T(), 6);
                Assert.True(Math.Abs(PairedTTest.OfFolds(values, 0.25).T()) <= Math.Abs(test.T()) + 1e-12);
            });

    [Fact]
    public void PairedT_WhereNothingDiffers_IsWrongInFiveOfAHundred()
    {
        var random = new Random(7);
        const int Trials = 4000;
        var wrong = 0;
        for (var i = 0; i < Trials; i++)
        {
            double[] differences = [.. Enumerable.Range(0, 5).Select(_ => Normal(random))];
            if (PairedTTest.OfSeeds(differences).PValue() <= 0.05)
                wrong++;
        }
        Assert.InRange((double)wrong / Trials, 0.037, 0.063); // .05 ± 3.8 standard errors
    }

    [Fact]
    public void PairedT_OfFoldsThatShareData_IsTooBoldWithoutTheCorrection()
    {
        // Differences of folds are correlated by n_test / (n_train + n_test) = 1/5, as Nadeau and Bengio reckon: a shared part of √.2, an
        // own one of √.8.
        var random = new Random(11);
        const int Trials = 4000;
        var (plain, corrected) = (0, 0);
        for (var i = 0; i < Trials; i++)
        {
            var shared = Math.Sqrt(0.2) * Normal(random);
            double[] differences = [.. Enumerable.Range(0, 5).Select(_ => shared + (Math.Sqrt(0.8) * Normal(random)))];
            plain += PairedTTest.OfSeeds(differences).PValue() <= 0.05 ? 1 : 0;
            corrected += PairedTTest.OfFolds(differences, 0.25).PValue() <= 0.05 ? 1 : 0;
        }
        Assert.True((double)plain / Trials > 0.10, $"{plain} of {Trials}");
        Assert.InRange((double)corrected / Trials, 0.037, 0.063);
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
