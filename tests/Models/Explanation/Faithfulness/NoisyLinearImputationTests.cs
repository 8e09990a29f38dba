using Tessera.Framework.Data;
using Tessera.Models.Explanation.Faithfulness;

namespace Tessera.Tests.Models.Explanation.Faithfulness;

public sealed class NoisyLinearImputationTests
{
    [Theory]
    [InlineData(8, 8, 0.1)]
    [InlineData(8, 8, 0.5)]
    [InlineData(8, 8, 0.9)]
    [InlineData(5, 9, 0.7)]
    [InlineData(1, 12, 0.6)]
    public void Filled_pixels_solve_the_equations_of_dense_elimination(int height, int width, double share)
    {
        var random = new RandomSource(7);
        var (pixels, image) = (height * width, new float[2 * height * width]);
        for (var i = 0; i < image.Length; i++)
            image[i] = (float)random.Normal();
        var removed = new bool[pixels];
        foreach (var place in random.Permutation(pixels)[..(int)(share * pixels)])
            removed[place] = true;
        var expected = Dense(image, height, width, removed);

        NoisyLinearImputation.Fill(image, height, width, removed, 0, random);

        for (var i = 0; i < image.Length; i++)
            Assert.Equal(expected[i], image[i], 1e-5);
    }

    [Fact]
    public void A_pixel_between_two_is_their_mean_and_a_corner_weighs_half_of_a_side()
    {
        float[] row = [1, 0, 4];
        NoisyLinearImputation.Fill(row, 1, 3, [false, true, false], 0, new RandomSource(0));
        Assert.Equal(2.5f, row[1], 1e-6f);

        float[] square = [9, 1, 2, 5]; // (1/6 · 1 + 1/6 · 2 + 1/12 · 5) / (5/12) = 11/5
        NoisyLinearImputation.Fill(square, 2, 2, [true, false, false, false], 0, new RandomSource(0));
        Assert.Equal(2.2f, square[0], 1e-6f);
        Assert.Equal([1f, 2f, 5f], square[1..]);
    }

    [Fact]
    public void An_even_slope_is_filled_without_a_trace()
    {
        const int side = 20;
        var (image, removed) = (new float[side * side], new bool[side * side]);
        for (var i = 0; i < image.Length; i++)
        {
            var (y, x) = Math.DivRem(i, side);
            image[i] = (0.3f * y) - (0.7f * x);
            removed[i] = y is > 2 and < 17 && x is > 4 and < 16;
        }
        var before = (float[])image.Clone();
        NoisyLinearImputation.Fill(image, side, side, removed, 0, new RandomSource(0));
        for (var i = 0; i < image.Length; i++)
            Assert.Equal(before[i], image[i], 1e-4);
    }

    [Fact]
    public void Noise_has_the_deviation_asked_for_and_touches_removed_pixels_alone()
    {
        const int side = 40;
        var (image, removed) = (new float[side * side], new bool[side * side]);
        Array.Fill(image, 3);
        for (var i = 0; i < removed.Length; i++)
            removed[i] = i % 2 == 0;
        NoisyLinearImputation.Fill(image, side, side, removed, 0.5, new RandomSource(3));
        var filled = image.Where((_, i) => removed[i]).Select(value => value - 3.0).ToArray();
        Assert.All(image.Where((_, i) => !removed[i]), value => Assert.Equal(3, value));
        // 800 values: mean within 4 · 0.5 / √800, deviation within 4 · 0.5 / √1600.
        Assert.InRange(filled.Average(), -0.071, 0.071);
        Assert.InRange(Math.Sqrt(filled.Average(value => value * value)), 0.45, 0.55);
    }

    [Fact]
    public void Nothing_left_or_another_size_is_an_error()
    {
        var image = new float[4];
        Assert.Throws<ArgumentException>(() => NoisyLinearImputation.Fill(image, 2, 2, [true, true, true, true], 0, new RandomSource(0)));
        Assert.Throws<ArgumentException>(() => NoisyLinearImputation.Fill(image, 2, 3, new bool[6], 0, new RandomSource(0)));
    }

    /// <summary>Each channel by Gauss's elimination of the equations as the paper has them: rows divided by their weights' sum.</summary>
    private static double[] Dense(float[] image, int height, int width, bool[] removed)
    {
        var pixels = height * width;
        var result = image.Select(value => (double)value).ToArray();
        var matrix = new double[pixels, pixels + 2];
        for (var i = 0; i < pixels; i++)
        {
            matrix[i, i] = 1;
            if (!removed[i])
            {
                (matrix[i, pixels], matrix[i, pixels + 1]) = (image[i], image[pixels + i]);
                continue;
            }
            var sum = 0.0;
            foreach (var (_, weight) in Around(i))
                sum += weight;
            foreach (var (j, weight) in Around(i))
                matrix[i, j] -= weight / sum;
        }
        for (var p = 0; p < pixels; p++)
        {
            var pivot = Enumerable.Range(p, pixels - p).MaxBy(row => Math.Abs(matrix[row, p]));
            for (var c = 0; c < pixels + 2; c++)
                (matrix[p, c], matrix[pivot, c]) = (matrix[pivot, c], matrix[p, c]);
            for (var row = 0; row < pixels; row++)
            {
                var factor = matrix[row, p] / matrix[p, p];
                if (row == p || factor == 0)
                    continue;
                for (var c = p; c < pixels + 2; c++)
                    matrix[row, c] -= factor * matrix[p, c];
            }
        }
        for (var i = 0; i < pixels; i++)
            (result[i], result[pixels + i]) = (matrix[i, pixels] / matrix[i, i], matrix[i, pixels + 1] / matrix[i, i]);
        return result;

        IEnumerable<(int Pixel, double Weight)> Around(int i)
        {
            foreach (var (dy, dx) in from dy in new[] { -1, 0, 1 } from dx in new[] { -1, 0, 1 } where dy != 0 || dx != 0 select (dy, dx))
            {
                var (y, x) = ((i / width) + dy, (i % width) + dx);
                if (y >= 0 && y < height && x >= 0 && x < width)
                    yield return ((y * width) + x, dy * dx == 0 ? 2 : 1);
            }
        }
    }
}
