using System.Numerics;

namespace Tessera.Framework.Data;

/// <summary>
/// The random numbers of one sample. Seeded by (seed, epoch, index) alone, so that augmentation does not depend on the
/// number of workers; handed to every transform, never global.
/// </summary>
/// <remarks>Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (SplitMix64).</remarks>
public sealed class RandomSource
{
    private ulong _state;

    public RandomSource(ulong state) => _state = state;

    /// <summary>The source of sample <paramref name="index"/> in <paramref name="epoch"/> of a run seeded with
    /// <paramref name="seed"/>.</summary>
    public static RandomSource For(long seed, long epoch, long index) => new(Mix(Mix(Mix((ulong)seed) + (ulong)epoch) + (ulong)index));

    public ulong NextUInt64() => Mix(_state += 0x9E3779B97F4A7C15UL);

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [low, high).</summary>
    public double Uniform(double low, double high) => low + (high - low) * NextDouble();

    /// <summary>Uniform in [0, count), without bias worth mentioning for count below 2^32.</summary>
    public int Next(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        return (int)Math.BigMul(NextUInt64(), (ulong)count, out _);
    }

    /// <summary>Uniform in [low, high).</summary>
    public int Next(int low, int high) => low + Next(high - low);

    /// <summary>True with the given probability.</summary>
    public bool Chance(double probability) => NextDouble() < probability;

    /// <summary>Standard normal, by Box and Muller.</summary>
    public double Normal() => Math.Sqrt(-2 * Math.Log(1 - NextDouble())) * Math.Cos(2 * Math.PI * NextDouble());

    /// <summary>The logarithm of a Gamma(shape, 1) variate; of a small shape the variate itself may be too small for a number.</summary>
    /// <remarks>Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", ACM TOMS 26, 2000.</remarks>
    /// <param name="shape">Above 0.</param>
    public double LogGamma(double shape)
    {
        if (shape < 1)
            return LogGamma(shape + 1) + (Math.Log(1 - NextDouble()) / shape);
        var d = shape - (1.0 / 3);
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = Normal();
            var v = 1 + (c * x);
            if (v <= 0)
                continue;
            v = v * v * v;
            if (Math.Log(1 - NextDouble()) < (0.5 * x * x) + d - (d * v) + (d * Math.Log(v)))
                return Math.Log(d * v);
        }
    }

    /// <summary>Shares that sum to 1, of the symmetric Dirichlet distribution; two of them are Beta(alpha, alpha) and its rest.</summary>
    /// <param name="alpha">Above 0; 1 is uniform.</param>
    /// <param name="count">How many.</param>
    public double[] Dirichlet(double alpha, int count)
    {
        var shares = new double[count];
        for (var i = 0; i < count; i++)
            shares[i] = LogGamma(alpha);
        var largest = shares.Max(); // in logarithms, since for a small alpha all may underflow
        var sum = 0.0;
        for (var i = 0; i < count; i++)
            sum += shares[i] = Math.Exp(shares[i] - largest);
        for (var i = 0; i < count; i++)
            shares[i] /= sum;
        return shares;
    }

    /// <summary>A random order of 0 .. count - 1 (Fisher and Yates).</summary>
    public int[] Permutation(int count)
    {
        var order = new int[count];
        for (var i = 0; i < count; i++)
            order[i] = i;
        for (var i = count - 1; i > 0; i--)
        {
            var j = Next(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }

    /// <summary>A source of its own, whose numbers do not disturb this one's.</summary>
    public RandomSource Split() => new(BitOperations.RotateLeft(NextUInt64(), 17) ^ 0xD1B54A32D192ED03UL);

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
