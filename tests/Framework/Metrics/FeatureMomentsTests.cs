using Tessera.Framework.Metrics.Statistics;

namespace Tessera.Tests.Framework.Metrics;

public sealed class FeatureMomentsTests
{
    [Fact]
    public void Distance_OfNormalsWithDiagonalCovariance_IsByHand()
    {
        var first = new FeatureMoments(
            [0, 0],
            new double[,]
            {
                { 1, 0 },
                { 0, 4 },
            }
        );
        var second = new FeatureMoments(
            [3, 4],
            new double[,]
            {
                { 9, 0 },
                { 0, 16 },
            }
        );
        // ‖μ‖² = 25; tr = 1 + 4 + 9 + 16; √(Σ1 Σ2) = diag(3, 8)
        Assert.Equal(25 + 30 - (2 * 11), first.DistanceTo(second), 9);
        Assert.Equal(33, second.DistanceTo(first), 9);
        Assert.Equal(0, first.DistanceTo(first), 9);
    }

    [Fact]
    public void Distance_OfCovariancesThatDontCommute_IsByHand()
    {
        var first = new FeatureMoments(
            [0, 0],
            new double[,]
            {
                { 2, 1 },
                { 1, 2 },
            }
        );
        var second = new FeatureMoments(
            [0, 0],
            new double[,]
            {
                { 1, 0 },
                { 0, 3 },
            }
        );
        // Σ1 Σ2 = [[2, 3], [1, 6]]; of a 2 x 2 matrix tr √M = √(tr M + 2 √det M) = √(8 + 2 · 3)
        Assert.Equal(4 + 4 - (2 * Math.Sqrt(14)), first.DistanceTo(second), 9);
        Assert.Equal(8 - (2 * Math.Sqrt(14)), second.DistanceTo(first), 9);
    }

    [Fact]
    public void Distance_OfASingularCovariance_IsFinite()
    {
        var flat = new FeatureMoments(
            [1, 1],
            new double[,]
            {
                { 1, 1 },
                { 1, 1 },
            }
        );
        Assert.Equal(0, flat.DistanceTo(flat), 6);
        // Against a point: ‖μ‖² + tr Σ
        Assert.Equal(2 + 2, flat.DistanceTo(new FeatureMoments([0, 0], new double[2, 2])), 9);
    }

    [Fact]
    public void Of_Samples_HasTheirMeanAndUnbiasedCovariance()
    {
        // mean (1, 2); variances 4 · 1 / 3 and 4 · 4 / 3, no covariance
        var found = FeatureMoments.Of([0, 0, 2, 0, 0, 4, 2, 4], 2);
        var expected = new FeatureMoments(
            [1, 2],
            new double[,]
            {
                { 4 / 3.0, 0 },
                { 0, 16 / 3.0 },
            }
        );
        Assert.Equal(0, found.DistanceTo(expected), 9);
        Assert.Equal(
            1,
            found.DistanceTo(
                new FeatureMoments(
                    [1, 3],
                    new double[,]
                    {
                        { 4 / 3.0, 0 },
                        { 0, 16 / 3.0 },
                    }
                )
            ),
            9
        );
        Assert.Throws<ArgumentException>(() => FeatureMoments.Of([1, 2], 2));
        Assert.Throws<ArgumentException>(() => FeatureMoments.Of([1, 2, 3], 2));
    }
}
