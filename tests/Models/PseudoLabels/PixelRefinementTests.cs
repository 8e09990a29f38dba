using Tessera.Framework.Errors;
using Tessera.Models.PseudoLabels;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.PseudoLabels;

/// <summary>Pixel-adaptive refinement against its formula, pixel by pixel.</summary>
public sealed class PixelRefinementTests
{
    private static readonly int[] s_dilations = [1, 2, 4, 8, 12, 24];

    [Fact]
    public void Refine_IsTheFormula()
    {
        using var scope = NewDisposeScope();
        var random = new Random(7);
        var image = Enumerable.Range(0, 3 * 64).Select(_ => (double)random.Next(256)).ToArray();
        var masks = Enumerable.Range(0, 2 * 64).Select(_ => random.NextDouble()).ToArray();
        var refined = new PixelRefinement(new PixelRefinementOptions(Iterations: 3)).Refine(Map(image, 3), Map(masks, 2));
        var expected = masks;
        for (var i = 0; i < 3; i++)
            expected = Round(image, expected);
        var values = refined.Values<double>();
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], values[i], 10);
    }

    [Fact]
    public void Refine_ByDefault_IsTenRounds()
    {
        using var scope = NewDisposeScope();
        var random = new Random(8);
        var image = rand(3, 9, 7, dtype: ScalarType.Float64);
        var masks = rand(2, 9, 7, dtype: ScalarType.Float64);
        var one = new PixelRefinement(new PixelRefinementOptions(Iterations: 1));
        var expected = masks;
        for (var i = 0; i < 10; i++)
            expected = one.Refine(image, expected);
        Assert.True((new PixelRefinement().Refine(image, masks) - expected).abs().max().item<double>() < 1e-12);
    }

    [Fact]
    public void Weights_SumToOne_AndAMaskThatIsTheSameEverywhereStays()
    {
        using var scope = NewDisposeScope();
        var image = rand(3, 12, 10) * 255;
        var refinement = new PixelRefinement();
        var weights = refinement.Weights(image);
        Assert.Equal([48, 12, 10], weights.shape);
        Assert.True((weights.sum(dim: 0) - 1).abs().max().item<float>() < 1e-5f);
        Assert.True((refinement.Refine(image, full([1, 12, 10], 0.3f)) - 0.3f).abs().max().item<float>() < 1e-5f);
        var masks = rand(2, 12, 10);
        var refined = refinement.Refine(image, masks);
        Assert.True(refined.min().item<float>() >= masks.min().item<float>() - 1e-6f);
        Assert.True(refined.max().item<float>() <= masks.max().item<float>() + 1e-6f);
    }

    [Fact]
    public void ImageOfOneColour_KeepsAMirroredMaskMirrored_AndTheMeanOfItsMiddle()
    {
        // All neighbours weigh the same but for their distance, so that a mask that is a line through the middle (the same on both sides)
        // keeps its symmetry, and a straight slope keeps its value in the middle: what is added on one side is missing on the other.
        using var scope = NewDisposeScope();
        var image = full([3, 9, 61], 100f);
        var slope = arange(0, 61, dtype: ScalarType.Float32).expand(1, 9, 61) / 60;
        var refined = new PixelRefinement().Refine(image, slope);
        Assert.Equal(0.5, refined[0, 4, 30].item<float>(), 4);
        Assert.True((refined + refined.flip(2) - 1).abs().max().item<float>() < 1e-4f);
    }

    [Fact]
    public void Refine_StopsAtAnEdge()
    {
        // Left half dark, right half bright; a mask that fills the left but for one pixel in four comes to be almost full there, and stays
        // low on the right.
        using var scope = NewDisposeScope();
        var image = zeros(3, 16, 16);
        image.narrow(2, 8, 8).fill_(255);
        var mask = zeros(1, 16, 16);
        mask.narrow(2, 0, 8).fill_(1);
        mask[0, 4, 3] = 0;
        var refined = new PixelRefinement().Refine(image, mask);
        Assert.True(refined.narrow(2, 0, 8).min().item<float>() > 0.8f);
        Assert.True(refined.narrow(2, 8, 8).max().item<float>() < 0.1f);
    }

    [Fact]
    public void Dilations_OutOfBounds_AreTheUsersMistake() =>
        Assert.Throws<UserErrorException>(() => new PixelRefinement(new PixelRefinementOptions(Dilations: [0])));

    private static Tensor Map(double[] values, int channels) => tensor(values, [channels, 8, 8]);

    // Pixel by pixel as the formula has it; the weights divided by 1.01.
    private static double[] Round(double[] image, double[] masks)
    {
        var result = new double[masks.Length];
        var neighbours = (
            from d in s_dilations
            from y in (int[])[-d, 0, d]
            from x in (int[])[-d, 0, d]
            where (y, x) != (0, 0)
            select (Down: y, Right: x)
        ).ToArray();
        var distances = neighbours.Select(n => Math.Sqrt((n.Down * n.Down) + (n.Right * n.Right))).ToArray();
        var byPlace = Softmax([.. distances.Select(d => -Math.Pow(d / Deviation(distances) / 0.3, 2))]);
        for (var y = 0; y < 8; y++)
        for (var x = 0; x < 8; x++)
        {
            var logits = new double[48];
            for (var c = 0; c < 3; c++)
            {
                var around = neighbours.Select(n => At(image, c, y + n.Down, x + n.Right)).ToArray();
                var deviation = Deviation(around) + 1e-8;
                for (var n = 0; n < 48; n++)
                    logits[n] -= Math.Pow(Math.Abs(around[n] - At(image, c, y, x)) / deviation / 0.3, 2) / 3;
            }
            var byColour = Softmax(logits);
            for (var k = 0; k < 2; k++)
            for (var n = 0; n < 48; n++)
                result[(k * 64) + (y * 8) + x] +=
                    (byColour[n] + (0.01 * byPlace[n])) / 1.01 * At(masks, k, y + neighbours[n].Down, x + neighbours[n].Right);
        }
        return result;

        static double At(double[] map, int channel, int y, int x) => map[(channel * 64) + (Math.Clamp(y, 0, 7) * 8) + Math.Clamp(x, 0, 7)];
    }

    private static double Deviation(double[] values) =>
        Math.Sqrt(values.Sum(value => Math.Pow(value - values.Average(), 2)) / (values.Length - 1));

    private static double[] Softmax(double[] logits)
    {
        var powers = logits.Select(logit => Math.Exp(logit - logits.Max())).ToArray();
        return [.. powers.Select(power => power / powers.Sum())];
    }
}
