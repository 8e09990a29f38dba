using Tessera.Models.Generation.Denoising;

namespace Tessera.Tests.Models.Generation;

public sealed class NoiseScheduleTests
{
    [Fact]
    public void Linear_OfThePapersLength_HasItsValues()
    {
        var schedule = new NoiseSchedule(NoiseCourse.Linear, 1000);
        Assert.Equal(0.0001, schedule.Beta(0), 12);
        Assert.Equal(0.02, schedule.Beta(999), 12);
        Assert.Equal(0.0001 + (0.0199 / 999), schedule.Beta(1), 12); // evenly
        Assert.Equal(1, schedule.Left(-1));
        Assert.Equal(0.9999, schedule.Left(0), 12);
        Assert.Equal(0.9999 * (1 - schedule.Beta(1)), schedule.Left(1), 12);
        Assert.Equal(4.0358e-5, schedule.Left(999), 1e-9);
    }

    [Fact]
    public void Linear_OfAnotherLength_EndsWithAsMuchNoise()
    {
        var schedule = new NoiseSchedule(NoiseCourse.Linear, 250);
        Assert.Equal(0.0004, schedule.Beta(0), 12); // 1000 / 250 times as much
        Assert.Equal(0.08, schedule.Beta(249), 12);
        Assert.InRange(schedule.Left(249), 2e-5, 6e-5);
    }

    [Fact]
    public void Cosine_FollowsTheSquaredCosine()
    {
        var schedule = new NoiseSchedule(NoiseCourse.Cosine, 1000);
        // cos²(0.508 / 1.008 · π / 2) / cos²(0.008 / 1.008 · π / 2)
        Assert.Equal(Math.Pow(Math.Cos(0.508 / 1.008 * Math.PI / 2) / Math.Cos(0.008 / 1.008 * Math.PI / 2), 2), schedule.Left(499), 9);
        Assert.Equal(4.12e-5, schedule.Beta(0), 1e-6);
        Assert.Equal(0.999, schedule.Beta(999));
        Assert.InRange(schedule.Left(999), 0, 1e-8);
    }

    [Theory]
    [InlineData(5, 4)] // one step
    [InlineData(19, 3)] // many at once
    public void Posterior_IsThatOfTheTwoNormals(int t, int s)
    {
        var schedule = new NoiseSchedule(NoiseCourse.Linear, 20);
        const double Image = 0.7,
            Noisy = -0.4;
        var (image, noisy, variance) = schedule.Posterior(t, s);

        // By brute force: the density of x(s) given the image times that of x(t) given x(s), over a fine grid.
        var step = 1.0;
        for (var i = s + 1; i <= t; i++)
            step *= 1 - schedule.Beta(i);
        double mass = 0,
            first = 0,
            second = 0;
        for (var x = -8.0; x <= 8; x += 0.0005)
        {
            var density =
                Normal(x, Math.Sqrt(schedule.Left(s)) * Image, 1 - schedule.Left(s)) * Normal(Noisy, Math.Sqrt(step) * x, 1 - step);
            mass += density;
            first += density * x;
            second += density * x * x;
        }
        var mean = first / mass;
        Assert.Equal(mean, (image * Image) + (noisy * Noisy), 6);
        Assert.Equal((second / mass) - (mean * mean), variance, 6);

        static double Normal(double x, double mean, double variance) =>
            Math.Exp(-(x - mean) * (x - mean) / (2 * variance)) / Math.Sqrt(2 * Math.PI * variance);
    }

    [Fact]
    public void Posterior_OfTheImage_IsTheImage()
    {
        var (image, noisy, variance) = new NoiseSchedule(NoiseCourse.Cosine, 10).Posterior(0, -1);
        Assert.Equal((1, 0, 0), (Math.Round(image, 12), noisy, variance));
    }

    [Fact]
    public void Times_AreSpreadEvenly_FromTheLastToTheFirst()
    {
        var schedule = new NoiseSchedule(NoiseCourse.Linear, 10);
        Assert.Equal([9, 6, 3, 0], schedule.Times(4));
        Assert.Equal([9], schedule.Times(1));
        Assert.Equal([9, 8, 7, 6, 5, 4, 3, 2, 1, 0], schedule.Times(10));
        Assert.Throws<ArgumentOutOfRangeException>(() => schedule.Times(11));
    }
}
