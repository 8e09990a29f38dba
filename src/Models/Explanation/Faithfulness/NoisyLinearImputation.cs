using Tessera.Framework.Data;

namespace Tessera.Models.Explanation.Faithfulness;

/// <summary>Fills removed pixels from those that are left, so that neither a dark patch nor its outline tells the model what was
/// there.</summary>
/// <remarks>
/// Rong et al., "A Consistent and Efficient Evaluation Strategy for Attribution Methods" (ROAD), 2022, arXiv:2202.00449, section 4: each
/// removed pixel is the weighted mean of its eight neighbours, 1/6 for those at its sides and 1/12 for those at its corners, divided by
/// the weights' sum at the image's borders; then noise is added to it. Multiplied by that sum the equations are symmetric and positive
/// definite as long as one pixel is left, and conjugate gradients solve them.
/// </remarks>
public static class NoisyLinearImputation
{
    private const double Side = 1.0 / 6,
        Corner = 1.0 / 12,
        Tolerance = 1e-8; // of the residual, relative to the right side

    /// <param name="image">[C, H, W]; its removed pixels are overwritten.</param>
    /// <param name="removed">[H * W]; at least one pixel is left.</param>
    /// <param name="noise">Standard deviation of what is added, in the image's units.</param>
    /// <exception cref="ArgumentException">No pixel is left, or the lengths disagree.</exception>
    public static void Fill(Span<float> image, int height, int width, ReadOnlySpan<bool> removed, double noise, RandomSource random)
    {
        var pixels = height * width;
        if (removed.Length != pixels || pixels == 0 || image.Length % pixels != 0)
            throw new ArgumentException(
                $"{image.Length} values and {removed.Length} marks are not of {height} x {width} pixels.",
                nameof(removed)
            );
        var places = Places(removed);
        if (places.Length == pixels)
            throw new ArgumentException("Every pixel is removed: there is nothing to fill from.", nameof(removed));
        var equations = new Equations(places, height, width);
        for (var start = 0; start < image.Length && places.Length > 0; start += pixels)
        {
            var channel = image.Slice(start, pixels);
            var values = equations.Solve(channel, removed);
            for (var i = 0; i < places.Length; i++)
                channel[places[i]] = (float)(values[i] + (noise > 0 ? noise * random.Normal() : 0));
        }
    }

    private static int[] Places(ReadOnlySpan<bool> removed)
    {
        var places = new List<int>();
        for (var i = 0; i < removed.Length; i++)
            if (removed[i])
                places.Add(i);
        return [.. places];
    }

    /// <summary>One for each removed pixel: its weights' sum times itself, less the weighted removed neighbours, is the weighted
    /// others.</summary>
    private sealed class Equations
    {
        private readonly int[] _places;
        private readonly int[] _starts; // of each pixel's neighbours
        private readonly List<(int Pixel, int Unknown, double Weight)> _neighbours = []; // Unknown: -1 where it isn't removed
        private readonly double[] _sums;

        public Equations(int[] places, int height, int width)
        {
            _places = places;
            (_starts, _sums) = (new int[places.Length + 1], new double[places.Length]);
            var unknown = new int[height * width];
            Array.Fill(unknown, -1);
            for (var i = 0; i < places.Length; i++)
                unknown[places[i]] = i;
            for (var i = 0; i < places.Length; i++)
            {
                var (y, x) = Math.DivRem(places[i], width);
                for (var row = Math.Max(0, y - 1); row <= Math.Min(height - 1, y + 1); row++)
                for (var column = Math.Max(0, x - 1); column <= Math.Min(width - 1, x + 1); column++)
                {
                    if (row == y && column == x)
                        continue;
                    var weight = row == y || column == x ? Side : Corner;
                    var pixel = (row * width) + column;
                    _neighbours.Add((pixel, unknown[pixel], weight));
                    _sums[i] += weight;
                }
                _starts[i + 1] = _neighbours.Count;
            }
        }

        /// <summary>Conjugate gradients, scaled by the diagonal, from the mean of what is left.</summary>
        public double[] Solve(ReadOnlySpan<float> channel, ReadOnlySpan<bool> removed)
        {
            var n = _places.Length;
            var (values, residual, direction, image) = (new double[n], new double[n], new double[n], new double[n]);
            Array.Fill(values, MeanOfLeft(channel, removed));
            Multiply(values, image);
            var goal = 0.0;
            for (var i = 0; i < n; i++)
            {
                var known = 0.0;
                foreach (var (pixel, unknown, weight) in Of(i))
                    known += unknown < 0 ? weight * channel[pixel] : 0;
                goal += known * known;
                residual[i] = known - image[i];
                direction[i] = residual[i] / _sums[i];
            }
            goal *= Tolerance * Tolerance;
            var product = Scaled(residual);
            for (var step = 0; step < (2 * n) + 10 && Square(residual) > goal; step++)
            {
                Multiply(direction, image);
                var length = product / Dot(direction, image);
                for (var i = 0; i < n; i++)
                {
                    values[i] += length * direction[i];
                    residual[i] -= length * image[i];
                }
                var next = Scaled(residual);
                var turn = next / product;
                for (var i = 0; i < n; i++)
                    direction[i] = (residual[i] / _sums[i]) + (turn * direction[i]);
                product = next;
            }
            return values;
        }

        private ReadOnlySpan<(int Pixel, int Unknown, double Weight)> Of(int i) =>
            System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_neighbours)[_starts[i].._starts[i + 1]];

        private void Multiply(double[] values, double[] result)
        {
            for (var i = 0; i < values.Length; i++)
            {
                var sum = _sums[i] * values[i];
                foreach (var (_, unknown, weight) in Of(i))
                    if (unknown >= 0)
                        sum -= weight * values[unknown];
                result[i] = sum;
            }
        }

        private static double MeanOfLeft(ReadOnlySpan<float> channel, ReadOnlySpan<bool> removed)
        {
            var (sum, count) = (0.0, 0);
            for (var i = 0; i < channel.Length; i++)
            {
                if (removed[i])
                    continue;
                sum += channel[i];
                count++;
            }
            return sum / count;
        }

        private double Scaled(double[] residual)
        {
            var sum = 0.0;
            for (var i = 0; i < residual.Length; i++)
                sum += residual[i] * residual[i] / _sums[i];
            return sum;
        }

        private static double Square(double[] values) => Dot(values, values);

        private static double Dot(double[] a, double[] b)
        {
            var sum = 0.0;
            for (var i = 0; i < a.Length; i++)
                sum += a[i] * b[i];
            return sum;
        }
    }
}
