using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Models.Detection.Transformers;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection.Transformers;

/// <summary>Sampling against its definition, and its gradients against differences and the authors' code (make_rtdetr.py).</summary>
public sealed class DeformableSamplingTests
{
    private static readonly (int Height, int Width)[] s_sizes = [(4, 5), (2, 3)];

    [Fact]
    public void Of_RandomInputs_IsTheDefinition_AndSoAreItsGradients()
    {
        const int images = 2,
            heads = 3,
            width = 2,
            queries = 4,
            points = 2;
        var cells = s_sizes.Sum(size => size.Height * size.Width);
        var random = new RandomSource(7);
        double[] Numbers(int count, double low, double high) =>
            [.. Enumerable.Range(0, count).Select(_ => low + ((high - low) * random.NextDouble()))];
        var (values, places, weights) = (
            Numbers(images * cells * heads * width, -1, 1),
            Numbers(images * queries * heads * 2 * points * 2, -0.2, 1.2),
            Numbers(images * queries * heads * 2 * points, -1, 1)
        );
        using var scope = NewDisposeScope();
        var inputs = new[]
        {
            tensor(values).view(images, cells, heads, width).requires_grad_(),
            tensor(places).view(images, queries, heads, 2, points, 2).requires_grad_(),
            tensor(weights).view(images, queries, heads, 2, points).requires_grad_(),
        };
        var sums = DeformableSampling.Of(inputs[0], s_sizes, inputs[1], inputs[2]);
        Assert.Equal([images, queries, heads * width], sums.shape);
        var expected = Definition();
        Assert.All(expected.Zip(sums.data<double>().ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-12));

        var factors = Numbers(expected.Length, -1, 1);
        var gradients = autograd.grad([(sums * tensor(factors).view(sums.shape)).sum()], inputs);
        foreach (var (numbers, gradient) in new[] { values, places, weights }.Zip(gradients))
        {
            var of = gradient.contiguous().data<double>().ToArray();
            for (var i = 0; i < numbers.Length; i += 7)
            {
                const double step = 1e-6;
                var at = numbers[i];
                numbers[i] = at + step;
                var above = Definition().Zip(factors, (a, b) => a * b).Sum();
                numbers[i] = at - step;
                var below = Definition().Zip(factors, (a, b) => a * b).Sum();
                numbers[i] = at;
                Assert.Equal((above - below) / (2 * step), of[i], 1e-5);
            }
        }

        double[] Definition()
        {
            var result = new double[images * queries * heads * width];
            for (var image = 0; image < images; image++)
            for (var query = 0; query < queries; query++)
            for (var head = 0; head < heads; head++)
            for (var level = 0; level < 2; level++)
            for (var point = 0; point < points; point++)
            {
                var place = (((((image * queries) + query) * heads) + head) * 2 + level) * points + point;
                var start = level == 0 ? 0 : s_sizes[0].Height * s_sizes[0].Width;
                for (var channel = 0; channel < width; channel++)
                    result[((((image * queries) + query) * heads) + head) * width + channel] +=
                        weights[place] * Between(image, head, channel, start, s_sizes[level], places[place * 2], places[(place * 2) + 1]);
            }
            return result;
        }

        // The value between four cells, whose centres lie at halves; cells outside are 0.
        double Between(int image, int head, int channel, int start, (int Height, int Width) size, double x, double y)
        {
            var (column, row, sum) = ((x * size.Width) - 0.5, (y * size.Height) - 0.5, 0.0);
            for (var r = (int)Math.Floor(row); r <= Math.Floor(row) + 1; r++)
            for (var c = (int)Math.Floor(column); c <= Math.Floor(column) + 1; c++)
                if (r >= 0 && c >= 0 && r < size.Height && c < size.Width)
                    sum +=
                        (1 - Math.Abs(row - r))
                        * (1 - Math.Abs(column - c))
                        * values[((((image * cells) + start + (r * size.Width) + c) * heads) + head) * width + channel];
            return sum;
        }
    }

    [Fact]
    public void Of_FormulaInputs_HasTheAuthorsSumsAndGradients()
    {
        var expected = FixtureFile.Json("models", "rtdetr.json").GetProperty("sampling");
        using var scope = NewDisposeScope();
        var inputs = new[]
        {
            Formula.Values("sampling.values", 2, 26, 2, 3),
            (Formula.Values("sampling.places", 2, 3, 2, 2, 2, 2) * 0.6) + 0.5,
            Formula.Values("sampling.weights", 2, 3, 2, 2, 2),
        };
        foreach (var input in inputs)
            input.requires_grad_();
        var sums = DeformableSampling.Of(inputs[0], s_sizes, inputs[1], inputs[2]);
        ParityTests.AssertClose(expected.GetProperty("sums"), sums.contiguous(), "sums", 1e-5);
        var factors = Formula.Values("sampling.factors", [1, .. sums.shape, 1]).view(sums.shape);
        var gradients = autograd.grad([(sums * factors).sum()], inputs);
        foreach (var (i, gradient) in gradients.Index())
            ParityTests.AssertClose(expected.GetProperty("gradients")[i], gradient.contiguous(), $"gradient {i}", 1e-4);
    }
}
