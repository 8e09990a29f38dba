using Tessera.Framework.Data;
using Tessera.Models.Losses;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Losses;

/// <summary>The energy of a dense random field, by a loop over all pairs of pixels.</summary>
public sealed class DenseEnergyTests
{
    [Fact]
    public void TwoPixels_ByHand()
    {
        using var scope = NewDisposeScope();
        // Colours 0 and 15 of one channel, one pixel apart: exp(−½ (1 + 1/100²)) = 0.606500. S = (0.8, 0.2) and (0.3, 0.7), gates 0.2 and 0.3.
        // Pixel 0: 0.8 · 0.2 (0.8 + 0.6065 · 0.3) + 0.2 · 0.2 (0.2 + 0.6065 · 0.7) = 0.157112 + 0.024982
        // Pixel 1: 0.3 · 0.3 (0.3 + 0.6065 · 0.8) + 0.7 · 0.3 (0.7 + 0.6065 · 0.2) = 0.070668 + 0.172473
        var colours = tensor(new float[] { 0, 15 }).view(1, 1, 1, 2);
        var shares = tensor(new float[] { 0.8f, 0.3f, 0.2f, 0.7f }).view(1, 2, 1, 2);
        var options = new DenseEnergyOptions(Scale: 1, Factor: 1);
        var labels = zeros([1, 1, 2], ScalarType.Int64);
        Assert.Equal(-0.425235, DenseEnergy.Of(colours, shares, labels, null, options).item<float>(), 1e-5);
        // Of an unknown label the gate is 1: pixel 0 counts five times as much.
        labels[0, 0, 0] = tensor(255L);
        Assert.Equal(-(5 * 0.182094) - 0.243141, DenseEnergy.Of(colours, shares, labels, null, options).item<float>(), 1e-5);
        // What is outside gives nothing and gets nothing: of pixel 1 alone 0.3 (0.09 + 0.49).
        var outside = tensor(new[] { true, false }).view(1, 1, 2);
        Assert.Equal(-0.174, DenseEnergy.Of(colours, shares, labels, outside, options).item<float>(), 1e-5);
        // The factor is of the sum, divided by the number of images alone.
        var two = DenseEnergy.Of(
            cat([colours, colours]),
            cat([shares, shares]),
            zeros([2, 1, 2], ScalarType.Int64),
            null,
            options with
            {
                Factor = 3,
            }
        );
        Assert.Equal(3 * -0.425235, two.item<float>(), 1e-5);
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(0.5)]
    public void Random_EqualsTheLoopOverAllPairs_WithItsPublishedGradient(double scale)
    {
        using var scope = NewDisposeScope();
        var random = new RandomSource(7);
        const int images = 2,
            classes = 3,
            height = 8,
            width = 6;
        for (var round = 0; round < 3; round++)
        {
            float[] colours = [.. Enumerable.Range(0, images * 3 * height * width).Select(_ => (float)random.Uniform(0, 60))];
            var shares = tensor([.. Enumerable.Range(0, images * classes * height * width).Select(_ => (float)random.Uniform(-2, 2))])
                .view(images, classes, height, width)
                .softmax(1)
                .detach()
                .requires_grad_(true);
            long[] labels = [.. Enumerable.Range(0, images * height * width).Select(_ => random.Chance(0.3) ? 255L : 1L)];
            bool[] outside = [.. Enumerable.Range(0, images * height * width).Select(i => i % width >= width - 2 && i < height * width)];
            var options = new DenseEnergyOptions(SigmaXy: 4, Scale: scale, Factor: 0.01);
            var loss = DenseEnergy.Of(
                tensor(colours).view(images, 3, height, width),
                shares,
                tensor(labels).view(images, height, width),
                tensor(outside).view(images, height, width),
                options
            );
            loss.backward();
            var values = shares.detach().data<float>().ToArray();
            var (energy, gradient) = Loop(colours, values, labels, outside, images, classes, height, width, options);
            Assert.Equal(energy, loss.item<float>(), Math.Abs(energy) * 1e-5);
            Assert.Equal(gradient.Length, values.Length);
            foreach (var (expected, found) in gradient.Zip(shares.grad!.data<float>().ToArray()))
                Assert.Equal(expected, found, 1e-6);
        }
    }

    [Fact]
    public void ManyPixels_InBlocks_AreSummedOverAllPairs()
    {
        using var scope = NewDisposeScope();
        var (features, values) = (randn(3001, 5), rand(2, 3001)); // several blocks, the last one short
        var found = DenseEnergy.Filtered(features, values);
        Assert.Equal([2, 3001], found.shape);
        foreach (var i in new long[] { 0, 698, 699, 1500, 3000 })
        {
            var alike = ((features - features[i]).pow(2).sum(1) * -0.5).to(ScalarType.Float64).exp();
            var expected = (values.to(ScalarType.Float64) * alike).sum(1);
            for (var k = 0; k < 2; k++)
                Assert.Equal(expected[k].item<double>(), found[k, i].item<float>(), 1e-3);
        }
    }

    [Fact]
    public void Autocast_ChangesNothing()
    {
        using var scope = NewDisposeScope();
        var (colours, labels) = (rand(1, 3, 8, 8) * 255, zeros([1, 8, 8], ScalarType.Int64));
        var shares = randn(1, 4, 8, 8).softmax(1);
        var exact = Energy();
        using (Autocast.IsAvailable ? Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16) : Autocast.Unchanged)
            Assert.Equal(exact, Energy());

        float Energy() => DenseEnergy.Of(colours, shares, labels).item<float>();
    }

    // Pixels of the smaller size: colours, labels and padding those of the upper left pixel, shares the mean of their four.
    private static (double Energy, double[] Gradient) Loop(
        float[] colours,
        float[] shares,
        long[] labels,
        bool[] outside,
        int images,
        int classes,
        int height,
        int width,
        DenseEnergyOptions options
    )
    {
        var step = options.Scale == 1 ? 1 : 2;
        var (energy, gradient) = (0.0, new double[shares.Length]);
        var places = (from y in Enumerable.Range(0, height / step) from x in Enumerable.Range(0, width / step) select (y, x)).ToArray();
        for (var b = 0; b < images; b++)
        {
            foreach (var i in places)
            {
                var gate =
                    labels[Pixel(b, i)] == 255
                        ? 1
                        : Math.Max(0, (outside[Pixel(b, i)] ? 0 : 1) - Enumerable.Range(0, classes).Max(k => Share(b, k, i)));
                if (outside[Pixel(b, i)])
                    continue;
                for (var k = 0; k < classes; k++)
                {
                    var sum = 0.0;
                    foreach (var j in places)
                        if (!outside[Pixel(b, j)])
                            sum += Math.Exp(-0.5 * Distance(b, i, j)) * Share(b, k, j);
                    energy -= Share(b, k, i) * gate * sum * options.Factor / images;
                    for (var dy = 0; dy < step; dy++)
                    for (var dx = 0; dx < step; dx++)
                        gradient[At(b, k, classes, (i.y * step) + dy, (i.x * step) + dx)] -=
                            2 * gate * sum * options.Factor / images / (step * step);
                }
            }
        }
        return (energy, gradient);

        int At(int b, int c, int channels, int y, int x) => (((((b * channels) + c) * height) + y) * width) + x;

        int Pixel(int b, (int y, int x) at) => At(b, 0, 1, at.y * step, at.x * step);

        double Share(int b, int k, (int y, int x) at) =>
            (
                from dy in Enumerable.Range(0, step)
                from dx in Enumerable.Range(0, step)
                select (double)shares[At(b, k, classes, (at.y * step) + dy, (at.x * step) + dx)]
            ).Average();

        double Distance(int b, (int y, int x) i, (int y, int x) j)
        {
            var reach = options.SigmaXy * options.Scale;
            var squares = Math.Pow((i.y - j.y) / reach, 2) + Math.Pow((i.x - j.x) / reach, 2);
            for (var c = 0; c < 3; c++)
                squares += Math.Pow(
                    (colours[At(b, c, 3, i.y * step, i.x * step)] - (double)colours[At(b, c, 3, j.y * step, j.x * step)])
                        / options.SigmaRgb,
                    2
                );
            return squares;
        }
    }
}
