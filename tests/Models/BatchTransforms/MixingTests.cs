using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Models.BatchTransforms;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.BatchTransforms;

public sealed class MixingTests
{
    private static readonly DataInfo _info = Build.Classes(4);

    [Fact]
    public void Mixup_ImagesAndLabels_MixByTheSameShare()
    {
        using var batch = ConstantImages();
        new Mixup(new(Alpha: 1)).Apply(batch, _info, new RandomSource(3));
        // Image i was i everywhere and had label i, so that the labels' mean index must be the pixel's value.
        AssertLabelsExplainPixels(batch);
        var labels = batch.SoftLabels!.data<float>().ToArray();
        Assert.Contains(labels, value => value is > 0.01f and < 0.99f);
    }

    [Fact]
    public void CutMix_ImagesAndLabels_MixByArea()
    {
        for (var seed = 0UL; seed < 20; seed++)
        {
            using var batch = ConstantImages();
            new CutMix(new()).Apply(batch, _info, new RandomSource(seed));
            AssertLabelsExplainPixels(batch); // the mean pixel
            var pixels = batch.Images.data<float>().ToArray();
            Assert.All(pixels, pixel => Assert.Equal(Math.Round(pixel), pixel)); // cut, not blended
        }
    }

    [Fact]
    public void Mixup_SameSource_GivesSameBatch()
    {
        using var first = ConstantImages();
        using var second = ConstantImages();
        new Mixup(new()).Apply(first, _info, new RandomSource(9));
        new Mixup(new()).Apply(second, _info, new RandomSource(9));
        Assert.Equal(first.Images.data<float>().ToArray(), second.Images.data<float>().ToArray());
        Assert.Equal(first.SoftLabels!.data<float>().ToArray(), second.SoftLabels!.data<float>().ToArray());
    }

    [Fact]
    public void Mixup_ProbabilityZero_ChangesNothing()
    {
        using var batch = ConstantImages();
        new Mixup(new(Prob: 0)).Apply(batch, _info, new RandomSource(9));
        Assert.Null(batch.SoftLabels);
        Assert.Equal(2, batch.Images[2, 0, 0, 0].item<float>());
    }

    [Fact]
    public void Mixup_RegressionTargets_AreMixed()
    {
        using var batch = ConstantImages();
        batch.Labels = null;
        batch.Targets = tensor(
            new float[,]
            {
                { 0 },
                { 1 },
                { 2 },
                { 3 },
            }
        );
        new Mixup(new(Alpha: 1)).Apply(batch, Build.Classes(1, DataTask.Regression), new RandomSource(4));
        for (var i = 0; i < 4; i++)
            Assert.Equal(batch.Images[i, 0, 0, 0].item<float>(), batch.Targets![i, 0].item<float>(), 1e-5f);
    }

    [Fact]
    public void Mixup_SegmentationMaps_IsTheUsersMistake()
    {
        using var batch = ConstantImages();
        batch.SegmentationMaps = zeros(4, 8, 8, dtype: ScalarType.Int64);
        Assert.Contains(
            "can't mix maps",
            Assert.Throws<UserErrorException>(() => new Mixup(new()).Apply(batch, _info, new RandomSource(1))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void BatchChoice_Weights_DecideHowOften()
    {
        var (cut, runs) = (0, 400);
        var choice = new BatchChoice(new([1, 3]), [new Mixup(new(Alpha: 1)), new CutMix(new())]);
        for (var seed = 0UL; seed < (ulong)runs; seed++)
        {
            using var batch = ConstantImages();
            choice.Apply(batch, _info, new RandomSource(seed));
            if (batch.Images.data<float>().ToArray().All(pixel => pixel == MathF.Round(pixel)))
                cut++;
        }
        Assert.InRange(cut, 0.67 * runs, 0.83 * runs); // 3/4, within 4 standard deviations
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(1)]
    [InlineData(5)]
    public void Beta_Samples_HaveTheDistributionsMoments(double alpha)
    {
        var random = new RandomSource(7);
        var samples = Enumerable.Range(0, 20_000).Select(_ => BetaDistribution.Sample(alpha, random)).ToArray();
        Assert.All(samples, x => Assert.InRange(x, 0, 1));
        var variance = 1 / (4 * ((2 * alpha) + 1)); // of Beta(a, a)
        Assert.Equal(0.5, samples.Average(), 4 * Math.Sqrt(variance / samples.Length));
        Assert.InRange(samples.Average(x => (x - 0.5) * (x - 0.5)) / variance, 0.95, 1.05);
    }

    private static void AssertLabelsExplainPixels(Batch batch)
    {
        using var scope = NewDisposeScope();
        var expected = batch.SoftLabels!.matmul(arange(4, dtype: ScalarType.Float32));
        Assert.True(batch.Images.mean([1, 2, 3]).sub(expected).abs().max().item<float>() < 1e-5f);
        Assert.True(batch.SoftLabels.sum(1).sub(1).abs().max().item<float>() < 1e-5f);
    }

    // Image i is i everywhere, and has label i.
    private static Batch ConstantImages() =>
        new()
        {
            Images = arange(4, dtype: ScalarType.Float32).reshape(4, 1, 1, 1).expand(4, 3, 8, 8).contiguous(),
            Labels = arange(4, dtype: ScalarType.Int64),
            Samples = [.. Enumerable.Range(0, 4).Select(i => new Sample { Index = i, Name = $"{i}" })],
        };
}
