namespace Tessera.Datasets.Images.Resampling;

/// <summary>A <see cref="ResampleKernel"/> with 16-bit integer weights, laid out for the vector units.</summary>
internal sealed class FixedPointKernel
{
    /// <param name="kernel">The weights.</param>
    /// <param name="group">Taps are padded with zeros to a multiple of this.</param>
    public FixedPointKernel(ResampleKernel kernel, int group)
    {
        Starts = kernel.Starts;
        Taps = (kernel.Taps + group - 1) / group * group;
        Length = kernel.Length;
        var largest = 0.0;
        foreach (var weight in kernel.Weights)
            largest = Math.Max(largest, Math.Abs(weight));
        // The finest step at which the largest weight fits 16 bits and a sum over 8-bit pixels fits 32.
        var bits = 20;
        while (bits > 1 && largest * (1 << bits) > short.MaxValue)
            bits--;
        Bits = bits;
        Weights = new short[(long)Length * Taps];
        for (var x = 0; x < Length; x++)
        {
            var row = Weights.AsSpan(x * Taps, Taps);
            var sum = 0;
            var best = 0;
            for (var k = 0; k < kernel.Counts[x]; k++)
            {
                row[k] = (short)Math.Round(kernel.Weights[x * kernel.Taps + k] * (1 << bits));
                sum += row[k];
                if (row[k] > row[best])
                    best = k;
            }
            // Rounding must not change the sum, or flat areas would shift.
            row[best] = (short)Math.Clamp(row[best] + (1 << bits) - sum, short.MinValue, short.MaxValue);
        }
    }

    public int[] Starts { get; }

    /// <summary>Weights per target position.</summary>
    public int Taps { get; }

    public int Length { get; }

    /// <summary>Fraction bits of a weight.</summary>
    public int Bits { get; }

    /// <summary>[Length, Taps].</summary>
    public short[] Weights { get; }
}
