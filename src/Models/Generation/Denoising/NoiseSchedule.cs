namespace Tessera.Models.Generation.Denoising;

/// <summary>How noise grows over a diffusion's steps.</summary>
public enum NoiseCourse
{
    /// <summary>β rises evenly from 0.0001 to 0.02 over 1,000 steps; over T steps both are 1000 / T times as large.</summary>
    Linear,

    /// <summary>ᾱ follows a squared cosine: less noise at the beginning and at the end than linear.</summary>
    Cosine,
}

/// <summary>The variances of a diffusion: step t adds noise of variance β(t), after which √ᾱ(t) of the image is left.</summary>
/// <remarks>
/// Ho et al., "Denoising Diffusion Probabilistic Models", 2020, arXiv:2006.11239, equations 2, 4 and 7; the cosine: Nichol and Dhariwal,
/// "Improved Denoising Diffusion Probabilistic Models", 2021, arXiv:2102.09672, equation 17, with β at most 0.999. Times count from 0, the
/// first step; -1 is the image itself.
/// </remarks>
public sealed class NoiseSchedule
{
    private const double First = 0.0001,
        Last = 0.02,
        UsualSteps = 1000,
        Offset = 0.008,
        Most = 0.999;

    private readonly double[] _betas;
    private readonly double[] _left;

    /// <param name="steps">T, from 2 on.</param>
    public NoiseSchedule(NoiseCourse course, int steps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 2);
        _betas = new double[steps];
        _left = new double[steps];
        var product = 1.0;
        for (var t = 0; t < steps; t++)
        {
            _betas[t] = Math.Min(
                Most,
                course == NoiseCourse.Linear
                    ? UsualSteps / steps * (First + (Last - First) * t / (steps - 1))
                    : 1 - Cosine(t + 1, steps) / Cosine(t, steps)
            );
            _left[t] = product *= 1 - _betas[t];
        }
    }

    /// <summary>T.</summary>
    public int Steps => _betas.Length;

    /// <summary>β(t).</summary>
    public double Beta(int t) => _betas[t];

    /// <summary>ᾱ(t), the product of 1 - β up to t: the share of the image in the variance; 1 for t = -1.</summary>
    public double Left(int t) => t < 0 ? 1 : _left[t];

    /// <summary>What is known of x(s) from x(t) and the image: a normal around Image · x(0) + Noisy · x(t).</summary>
    /// <remarks>Equation 7, for any s &lt; t: what lies between counts as one step of variance 1 - ᾱ(t) / ᾱ(s).</remarks>
    /// <param name="t">From 0.</param>
    /// <param name="s">Before t; -1 for the image.</param>
    public (double Image, double Noisy, double Variance) Posterior(int t, int s)
    {
        var (leftT, leftS) = (Left(t), Left(s));
        var beta = 1 - leftT / leftS;
        return (Math.Sqrt(leftS) * beta / (1 - leftT), Math.Sqrt(1 - beta) * (1 - leftS) / (1 - leftT), beta * (1 - leftS) / (1 - leftT));
    }

    /// <summary>Times to sample at, evenly spread, the last first.</summary>
    /// <param name="count">At most <see cref="Steps"/>; from 2 on the first is T - 1 and the last 0.</param>
    public int[] Times(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Steps);
        return count == 1
            ? [Steps - 1]
            : [.. Enumerable.Range(0, count).Select(i => (int)Math.Round((double)(Steps - 1) * (count - 1 - i) / (count - 1)))];
    }

    private static double Cosine(int t, int steps)
    {
        var cosine = Math.Cos(((double)t / steps + Offset) / (1 + Offset) * Math.PI / 2);
        return cosine * cosine;
    }
}
