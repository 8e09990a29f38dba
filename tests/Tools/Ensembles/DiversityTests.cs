using Tessera.Ensembles;

namespace Tessera.Tests.Tools.Ensembles;

public sealed class DiversityTests
{
    private static readonly bool[] s_first = Rights("1111111000"),
        s_second = Rights("1111001110"),
        s_third = Rights("1101110101");

    // N11 5, N00 1, N10 2, N01 2: Q = (5 - 4) / (5 + 4); ρ = 1 / √(7 · 3 · 7 · 3) = 1 / 21; chance agreement .49 + .09 = .58, so that
    // κ = (.6 - .58) / .42.
    [Fact]
    public void Pair_IsAsByHand()
    {
        var pair = PairCounts.Of(s_first, s_second);
        Assert.Equal(new PairCounts(5, 1, 2, 2), pair);
        Assert.Equal(0.1111, pair.Q, 4);
        Assert.Equal(0.0476, pair.Correlation, 4);
        Assert.Equal(0.4, pair.Disagreement, 12);
        Assert.Equal(0.1, pair.DoubleFault, 12);
        Assert.Equal(0.02 / 0.42, pair.Kappa, 12);
    }

    // (4, 0, 3, 3): Q = -9 / 9; ρ = -9 / 21.
    [Fact]
    public void PairThatNeverErrsTogether_HasTheLeastQ()
    {
        var pair = PairCounts.Of(s_second, s_third);
        Assert.Equal(new PairCounts(4, 0, 3, 3), pair);
        Assert.Equal(-1, pair.Q, 12);
        Assert.Equal(-0.4286, pair.Correlation, 4);
        Assert.Equal(0, pair.DoubleFault);
    }

    [Fact]
    public void Pair_OfAMemberThatIsAlwaysRight_HasNoCorrelation()
    {
        var pair = PairCounts.Of([true, true], [true, false]);
        Assert.True(double.IsNaN(pair.Q) && double.IsNaN(pair.Correlation));
        Assert.Equal(0.5, pair.Disagreement);
        Assert.True(double.IsNaN(default(PairCounts).Disagreement));
        Assert.Throws<ArgumentException>(() => PairCounts.Of([true], [true, false]));
    }

    [Fact]
    public void Pair_TurnedRound_IsTheSame_AndSumsAsItsCases()
    {
        var random = new Random(1);
        for (var run = 0; run < 50; run++)
        {
            var (a, b) = (Draw(), Draw());
            var (pair, turned) = (PairCounts.Of(a, b), PairCounts.Of(b, a));
            Assert.Equal(pair.Q, turned.Q);
            Assert.Equal(pair.Kappa, turned.Kappa);
            Assert.Equal(Pearson(a, b), pair.Correlation, 9);
            Assert.Equal(pair, PairCounts.Of(a.AsSpan(0, 7), b.AsSpan(0, 7)) + PairCounts.Of(a.AsSpan(7), b.AsSpan(7)));
        }
        bool[] Draw() => [.. Enumerable.Range(0, 20).Select(i => i < 2 ? i == 0 : random.Next(3) > 0)];
    }

    [Fact]
    public void Majority_OfIndependentMembers_IsCondorcets()
    {
        Assert.Equal(0.784, IndependentMembers.Majority([0.7, 0.7, 0.7]), 12); // .7³ + 3 · .7² · .3
        Assert.Equal(0.83692, IndependentMembers.Majority([0.7, 0.7, 0.7, 0.7, 0.7]), 12);
        Assert.Equal(0.7, IndependentMembers.Majority([0.7, 0.7]), 12); // .49 + half of .42
        Assert.Equal((0.9 * 0.8) + (0.9 * 0.2 * 0.6) + (0.1 * 0.8 * 0.6), IndependentMembers.Majority([0.9, 0.8, 0.6]), 12);
    }

    [Theory] // against the sum over the whole matrix of covariances, m σ² + m (m - 1) ρ σ² over m²
    [InlineData(4, 0.3, 2)]
    [InlineData(1, 1, 5)]
    [InlineData(2.5, 0, 3)]
    public void Variance_OfTheMean_IsTheCovariancesSum(double variance, double correlation, int members)
    {
        double sum = 0;
        for (var i = 0; i < members; i++)
        for (var j = 0; j < members; j++)
            sum += i == j ? variance : correlation * variance;
        Assert.Equal(sum / (members * members), IndependentMembers.VarianceOfMean(variance, correlation, members), 12);
    }

    [Fact]
    public void Ambiguity_IsAnIdentity()
    {
        var random = new Random(2);
        for (var run = 0; run < 100; run++)
        {
            var members = random.Next(1, 6);
            var raw = Enumerable.Range(0, members).Select(_ => random.NextDouble() + 0.01).ToArray();
            var ambiguity = new Ambiguity([.. raw.Select(weight => weight / raw.Sum())]);
            for (var i = 0; i < 10; i++)
                ambiguity.Add([.. raw.Select(_ => (random.NextDouble() * 20) - 10)], random.NextDouble());
            Assert.Equal(ambiguity.EnsembleError, ambiguity.MeanError - ambiguity.MeanAmbiguity, 9);
            Assert.True(ambiguity.EnsembleError <= ambiguity.MeanError + 1e-12);
        }
        var two = new Ambiguity([0.5, 0.5]); // truth 1, predictions 0 and 4: errors 1 and 9, mean 2 with error 1, ambiguity 4
        two.Add([0, 4], 1);
        Assert.Equal((5.0, 4.0, 1.0), (two.MeanError, two.MeanAmbiguity, two.EnsembleError));
    }

    private static double Pearson(bool[] a, bool[] b)
    {
        var (x, y) = (a.Select(v => v ? 1.0 : 0).ToArray(), b.Select(v => v ? 1.0 : 0).ToArray());
        var (mx, my) = (x.Average(), y.Average());
        return x.Zip(y, (u, v) => (u - mx) * (v - my)).Sum() / Math.Sqrt(x.Sum(u => (u - mx) * (u - mx)) * y.Sum(v => (v - my) * (v - my)));
    }

    private static bool[] Rights(string text) => [.. text.Select(letter => letter == '1')];
}
