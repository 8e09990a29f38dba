using Tessera.Torch;
using Tessera.Torch.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Optim;

public sealed class GradientsTests : IDisposable
{
    private readonly int _threads = get_num_threads();

    public void Dispose() => set_num_threads(_threads);

    private static Tensor[] Some()
    {
        manual_seed(11);
        return [randn(3, 5), randn(70001), tensor(2f), ChannelsLast.Lay(randn(4, 3, 5, 5)), zeros(0), randn(19)];
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(1000.0)]
    public void ClipNorm_ManySizes_AsPyTorchDefinesIt(double limit)
    {
        using var scope = NewDisposeScope();
        var (gradients, before) = (Some(), Some());
        Gradients.ClipNorm(gradients, limit);
        var norm = Math.Sqrt(before.Sum(gradient => gradient.to(ScalarType.Float64).square().sum().ToDouble()));
        var factor = Math.Min(1, limit / (norm + 1e-6));
        foreach (var (clipped, original) in gradients.Zip(before))
            Assert.True(clipped.allclose(original * factor, rtol: 1e-6, atol: 1e-7));
        Assert.Equal(limit > norm, gradients[1].Equals(before[1]));
    }

    /// <summary>Where one gradient isn't flat float32 memory, operators do it for all.</summary>
    [Fact]
    public void ClipNorm_GradientWithGaps_SameResult()
    {
        using var scope = NewDisposeScope();
        var (flat, gaps) = (Some(), Some());
        gaps[0] = stack([gaps[0], gaps[0]], -1).select(-1, 0);
        Gradients.ClipNorm(flat, 0.5);
        Gradients.ClipNorm(gaps, 0.5);
        foreach (var (a, b) in flat.Zip(gaps))
            Assert.True(a.allclose(b, rtol: 1e-5, atol: 1e-7));
    }

    [Fact]
    public void ClipNorm_OneThreadOrMore_SameBits()
    {
        using var scope = NewDisposeScope();
        set_num_threads(1);
        var alone = Some();
        Gradients.ClipNorm(alone, 0.5);
        foreach (var threads in (int[])[2, 3])
            for (var again = 0; again < 5; again++)
            {
                set_num_threads(threads);
                var together = Some();
                Gradients.ClipNorm(together, 0.5);
                foreach (var (a, b) in alone.Zip(together))
                    Assert.True(a.Equals(b));
            }
    }

    /// <summary>The square of 1e30 is no float32.</summary>
    [Fact]
    public void ClipNorm_LargeGradients_DontOverflow()
    {
        using var scope = NewDisposeScope();
        var gradient = full(16, 1e30f, dtype: ScalarType.Float32);
        Gradients.ClipNorm([gradient], 1);
        Assert.Equal(0.25f, gradient[0].item<float>(), 1e-6f); // 16 equal elements of norm 1
    }

    [Fact]
    public void ClipNorm_NotANumber_SpreadsIt()
    {
        using var scope = NewDisposeScope();
        var (bad, good) = (tensor(new[] { 1f, float.NaN }), ones(3));
        Gradients.ClipNorm([bad, good], 1);
        Assert.True(good.isnan().all().item<bool>());
    }

    [Fact]
    public void RunningAverage_TensorsOfManyKinds_AsOperators()
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        Tensor[] averages = [randn(70001), ChannelsLast.Lay(randn(2, 3, 4, 5)), randn(3, 4), randn(5, dtype: ScalarType.Float64)];
        Tensor[] values = [randn(70001), ChannelsLast.Lay(randn(2, 3, 4, 5)), randn(4, 3).t(), randn(5, dtype: ScalarType.Float64)];
        var expected = averages.Zip(values, (average, value) => 0.9 * average + 0.1 * value).ToArray();
        new RunningAverage().Update(averages.Zip(values), 0.9);
        foreach (var (average, wanted) in averages.Zip(expected))
            Assert.True(average.allclose(wanted, rtol: 1e-6, atol: 1e-6));
    }
}
