using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Losses;

/// <summary>
/// The factors of the Lovász extension. A pixel's error is p where it is of another class, 1 - p where it is of the class; so
/// Σ error · factor is Σ p · slope + constant, with the factor, or minus the factor, as slope.
/// </summary>
internal static class LovaszSlopes
{
    private const int Digit = 10; // bits
    private const uint One = 0x3F800000; // 1 as a float; errors lie in 0 .. 1, where bits rise with values

    /// <summary>By a radix sort for each class, over all cores.</summary>
    /// <param name="p">Probabilities, [classes, N].</param>
    /// <param name="labels">int64, [N].</param>
    /// <param name="chosen">The classes that count.</param>
    /// <param name="shares">What each of them is multiplied with.</param>
    /// <param name="counts">Pixels of every class.</param>
    /// <returns>[chosen, N], and a scalar.</returns>
    public static (Tensor Slopes, Tensor Constant) OnHost(Tensor p, Tensor labels, int[] chosen, double[] shares, long[] counts)
    {
        var (probabilities, truth) = (p.Values<float>(), labels.Values<long>());
        var pixels = truth.Length;
        var slopes = new float[(long)chosen.Length * pixels];
        var constants = new double[chosen.Length];
        Parallel.For(
            0,
            chosen.Length,
            k =>
                constants[k] = Fill(
                    probabilities.AsSpan(chosen[k] * pixels, pixels),
                    truth,
                    chosen[k],
                    counts[chosen[k]],
                    shares[k],
                    slopes.AsSpan(k * pixels, pixels)
                )
        );
        return (tensor(slopes, [chosen.Length, pixels]), tensor((float)constants.Sum()));
    }

    /// <summary>The same by the device's own operations.</summary>
    public static (Tensor Slopes, Tensor Constant) OnDevice(Tensor p, Tensor labels, int[] chosen, double[] shares, long[] counts)
    {
        using var scope = NewDisposeScope();
        var rows = new Tensor[chosen.Length];
        var constant = zeros([], ScalarType.Float32, p.device);
        for (var k = 0; k < chosen.Length; k++)
        {
            var count = counts[chosen[k]];
            var isClass = labels.eq(chosen[k]);
            var truth = isClass.to(ScalarType.Float32);
            var order = (truth - p[chosen[k]].detach()).abs().sort(0, descending: true).Indices;
            var sorted = truth.index_select(0, order);
            var left = count - sorted.cumsum(0, ScalarType.Float64); // the intersection of a prediction that is wrong up to here
            var union = arange(1, truth.shape[0] + 1, dtype: ScalarType.Float64, device: p.device) + left;
            var factors = (1 / union).where(sorted.gt(0), left / (union * (union - 1).clamp_min(1))) * shares[k];
            if (count == 0)
                factors[0] = shares[k];
            var inPlace = zeros_like(truth).scatter(0, order, factors.to(ScalarType.Float32));
            constant = constant + (inPlace * truth).sum();
            rows[k] = inPlace.neg().where(isClass, inPlace);
        }
        return scope.MoveToOuter(stack(rows), constant);
    }

    /// <returns>The constant.</returns>
    private static double Fill(ReadOnlySpan<float> p, ReadOnlySpan<long> labels, int wanted, long count, double share, Span<float> slopes)
    {
        var order = Descending(p, labels, wanted);
        var (missed, others, constant) = (0L, 0L, 0.0);
        foreach (var entry in order)
        {
            var at = (int)(uint)entry;
            double factor;
            if (labels[at] == wanted)
            {
                // The pixel stays in the union and is lost to the intersection.
                missed++;
                factor = share / (count + others);
                constant += factor;
                slopes[at] = -(float)factor;
                continue;
            }
            // The pixel joins the union. From nothing wrong, J = 0, to something wrong, J = 1, where there is no pixel of the class.
            double union = count + ++others;
            factor = count == 0 ? (others == 1 ? share : 0) : share * (count - missed) / (union * (union - 1));
            slopes[at] = (float)factor;
        }
        return constant;
    }

    /// <summary>Pixels by falling error: the lower half of each entry is the index.</summary>
    private static ulong[] Descending(ReadOnlySpan<float> p, ReadOnlySpan<long> labels, int wanted)
    {
        var (from, to) = (new ulong[p.Length], new ulong[p.Length]);
        for (var i = 0; i < p.Length; i++)
        {
            var error = Math.Clamp(labels[i] == wanted ? 1 - p[i] : p[i], 0, 1);
            from[i] = ((ulong)(One - (BitConverter.SingleToUInt32Bits(error) & 0x7FFFFFFF)) << 32) | (uint)i;
        }
        Span<int> starts = stackalloc int[1 << Digit];
        for (var shift = 32; shift < 32 + (3 * Digit); shift += Digit)
        {
            starts.Clear();
            foreach (var entry in from)
                starts[Bucket(entry, shift)]++;
            var sum = 0;
            foreach (ref var start in starts)
                (start, sum) = (sum, sum + start);
            foreach (var entry in from)
                to[starts[Bucket(entry, shift)]++] = entry;
            (from, to) = (to, from);
        }
        return from;

        static int Bucket(ulong entry, int shift) => (int)(entry >> shift) & ((1 << Digit) - 1);
    }
}
