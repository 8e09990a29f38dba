using Tessera.Framework.Data;

namespace Tessera.Framework.Metrics;

/// <summary>What a value would have been on other images of the same kind: the images are drawn anew, with repetition.</summary>
/// <remarks>Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.</remarks>
public static class Bootstrap
{
    private const double Tail = 0.025;

    /// <summary>The 2.5 and 97.5 percentiles of several values over the drawings; NaN where a value is never defined.</summary>
    /// <param name="images">How many there are; each drawing takes as many.</param>
    /// <param name="compute">Given the drawn images' numbers, writes the values.</param>
    /// <param name="values">How many values.</param>
    public static (double Low, double High)[] Intervals(
        int images,
        int repetitions,
        long seed,
        int values,
        Action<int[], double[]> compute
    ) => Array.ConvertAll(Draws(images, repetitions, seed, values, compute), Interval);

    /// <summary>Several values of every drawing, each list sorted; a value that a drawing leaves undefined (NaN) is left out of its
    /// list.</summary>
    /// <param name="images">How many there are; each drawing takes as many.</param>
    /// <param name="values">How many values.</param>
    /// <param name="compute">Given the drawn images' numbers, writes the values.</param>
    public static List<double>[] Draws(int images, int repetitions, long seed, int values, Action<int[], double[]> compute)
    {
        var results = Enumerable.Range(0, values).Select(_ => new List<double>(repetitions)).ToArray();
        var random = new RandomSource((ulong)seed);
        var (drawn, found) = (new int[images], new double[values]);
        for (var i = 0; i < repetitions && images > 0; i++)
        {
            for (var n = 0; n < images; n++)
                drawn[n] = random.Next(images);
            compute(drawn, found);
            for (var v = 0; v < values; v++)
                if (!double.IsNaN(found[v]))
                    results[v].Add(found[v]);
        }
        foreach (var result in results)
            result.Sort();
        return results;
    }

    /// <summary>The 2.5 and 97.5 percentiles; NaN where there is no value.</summary>
    /// <param name="sorted">Of <see cref="Draws"/>.</param>
    public static (double Low, double High) Interval(List<double> sorted) => (Quantile(sorted, Tail), Quantile(sorted, 1 - Tail));

    private static double Quantile(List<double> sorted, double fraction)
    {
        if (sorted.Count == 0)
            return double.NaN;
        var at = fraction * (sorted.Count - 1);
        var below = (int)at;
        return below + 1 == sorted.Count ? sorted[below] : sorted[below] + ((at - below) * (sorted[below + 1] - sorted[below]));
    }
}
