using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Running;
using Tessera.Models.Generation.Denoising;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Generation;

[Collection(ProcessWide.Name)]
public sealed class DiffusionTests
{
    private static readonly DataInfo Three = Build.Classes(3);

    [Fact]
    public void UNet_HasTheLayersOfItsLevels()
    {
        using var network = new DiffusionUNet(new(8, 4, [1, 2], 1, [4], Groups: 2));
        // Down: 4 channels at 8 x 8, 8 at 4 x 4 with attention; the middle; up: two blocks a level, each with what was kept on the way down.
        long[] parts =
        [
            Convolution(3, 4, 3),
            Block(4, 4),
            Convolution(4, 4, 3), // halves
            Block(4, 8) + Attention(8),
            Block(8, 8) + Attention(8) + Block(8, 8),
            Block(8 + 8, 8) + Attention(8),
            Block(8 + 4, 8) + Attention(8),
            Convolution(8, 8, 3), // after the doubling
            Block(8 + 4, 4),
            Block(4 + 4, 4),
            (2 * 4) + Convolution(4, 3, 3),
        ];
        Assert.Equal(parts.Sum(), network.parameters().Sum(p => p.numel()));
        using var scope = NewDisposeScope();
        var noise = network.call(Formula.Values("images", 2, 3, 8, 8), Formula.Values("embedding.weight", 2, 16));
        Assert.Equal([2, 3, 8, 8], noise.shape);
        Assert.Equal(0, noise.abs().max().ToDouble()); // the last convolution begins at zero

        static long Convolution(int from, int to, int kernel) => (from * to * kernel * kernel) + to;
        static long Block(int from, int to) =>
            (2 * from)
            + Convolution(from, to, 3)
            + ((16 + 1) * to)
            + (2 * to)
            + Convolution(to, to, 3)
            + (from == to ? 0 : Convolution(from, to, 1));
        static long Attention(int channels) => (2 * channels) + Convolution(channels, 3 * channels, 1) + Convolution(channels, channels, 1);
    }

    [Fact]
    public void UNet_ReachesEveryParameterAndReadsTheEmbedding()
    {
        using var network = Formula.Fill(new DiffusionUNet(new(8, 4, [1, 2], 1, [4], Groups: 2)));
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 2, 3, 8, 8);
        var first = network.call(images, Formula.Values("embedding.weight", 2, 16));
        Assert.False(first.equal(network.call(images, Formula.Values("other.weight", 2, 16))).all().ToBoolean());
        (first * Formula.Values("images", first.shape)).sum().backward();
        foreach (var (name, parameter) in network.named_parameters())
        {
            Assert.True(parameter.grad is not null, name);
            Assert.True(parameter.grad!.isfinite().all().ToBoolean() && parameter.grad.abs().sum().ToDouble() > 0, name);
        }
    }

    [Fact]
    public void Noisy_HasTheMomentsOfTheDiffusion()
    {
        using var model = Model();
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        var images = full([2000, 3, 8, 8], 0.6f);
        var schedule = new NoiseSchedule(NoiseCourse.Linear, 20);
        foreach (var t in new[] { 0, 7, 19 })
        {
            var noisy = model.Noisy(images, full([2000], (long)t, ScalarType.Int64), randn(images.shape)).Values<float>();
            var mean = noisy.Average(v => (double)v);
            Assert.Equal(Math.Sqrt(schedule.Left(t)) * 0.6, mean, 0.01);
            Assert.Equal(1 - schedule.Left(t), noisy.Average(v => (v - mean) * (v - mean)), 0.01);
        }
    }

    [Fact]
    public void Waves_AreSinesThenCosinesOfFallingRates()
    {
        using var scope = NewDisposeScope();
        var found = Diffusion.Waves(tensor((long[])[0, 3]), 4).Values<float>(); // rates 1 and 10000^(-1/2) = 0.01
        float[] expected = [0, 0, 1, 1, MathF.Sin(3), MathF.Sin(0.03f), MathF.Cos(3), MathF.Cos(0.03f)];
        Assert.Equal(expected, found, (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public void Ddim_WithoutNoise_DependsOnTheFirstNoiseAlone_AndWithAllOfIt_IsAncestral()
    {
        var still = Images("""{ "sampler": "ddim", "steps": 5, "eta": 0 }""", 4, out var drawn);
        Assert.Equal(192, drawn); // 3 · 8 · 8 numbers, once
        Assert.Equal(still, Images("""{ "sampler": "ddim", "steps": 5, "eta": 0 }""", 4, out _));
        Assert.NotEqual(still, Images("""{ "sampler": "ddim", "steps": 5, "eta": 0 }""", 5, out _));
        var noisy = Images("""{ "sampler": "ddim", "steps": 5, "eta": 1 }""", 4, out drawn);
        Assert.Equal(5 * 192, drawn); // the first and after each step but the last
        var ancestral = Images("""{ "sampler": "ancestral", "steps": 5 }""", 4, out drawn);
        Assert.Equal(5 * 192, drawn);
        Assert.Equal(ancestral, noisy, (a, b) => Math.Abs(a - b) < 1e-4);
        Assert.NotEqual(still, noisy);
    }

    [Fact]
    public void Guidance_GoesOnFromWhatIsToldWithoutAClass()
    {
        var plain = Images("""{ "steps": 3 }""", 4, out _);
        Assert.Equal(plain, Images("""{ "steps": 3, "guidance": 1 }""", 4, out _));
        Assert.NotEqual(plain, Images("""{ "steps": 3, "guidance": 3 }""", 4, out _));
        // 0 draws without the class, so that both classes give the same image.
        Assert.Equal(
            Images("""{ "steps": 3, "guidance": 0 }""", 4, out _, label: 0),
            Images("""{ "steps": 3, "guidance": 0 }""", 4, out _, label: 2)
        );
        Assert.NotEqual(plain, Images("""{ "steps": 3 }""", 4, out _, label: 2));
    }

    [Fact]
    public void Training_OnOneBatch_LowersItsLossAndReachesEveryParameter()
    {
        using var model = Model();
        using var step = new TrainStep(
            new StepParts
            {
                Model = model,
                Optimizers = new Dictionary<string, OptimizerFactory> { ["optimizer"] = new Adam(new AdamOptions(0.005)) },
            }
        );
        random.manual_seed(5);
        using var batch = Batch(16);
        step.TrainMode();
        var before = model.named_parameters().ToDictionary(p => p.name, p => p.parameter.detach().clone());
        var losses = new List<double>();
        for (var i = 0; i < 120; i++)
        {
            using var scope = NewDisposeScope();
            losses.Add(step.Run(batch, new Progress(i, 120, 0, 1))["noise_mse"].ToDouble());
        }
        Assert.Equal(1, losses[0], 0.15); // the network begins with zeros, and the noise has variance 1
        Assert.True(losses.TakeLast(10).Average() < 0.6, $"{losses.TakeLast(10).Average()}");
        foreach (var (name, parameter) in model.named_parameters())
            Assert.False(parameter.equal(before[name]).all().ToBoolean(), $"{name} did not move");
    }

    [Fact]
    public void Predict_GivesTheSameAtEachEvaluation()
    {
        using var model = Formula.Fill(Model());
        model.eval();
        using var batch = Batch(4);
        using var mode = no_grad();
        var first = model.Predict(batch).Cast<ScorePrediction>().ToArray();
        Assert.All(first, p => Assert.Equal("noise_mse", p.Name));
        Assert.Equal(first, model.Predict(batch).Cast<ScorePrediction>());
    }

    [Theory]
    [InlineData("""{ "size": 6, "channel_mult": [1, 2, 2] }""", "can't be halved 2 times")]
    [InlineData("""{ "size": 8, "channels": 4, "groups": 3 }""", "groups 3 doesn't divide")]
    [InlineData("""{ "size": 8, "attention": [5] }""", "have the heights 8, 4, 2")]
    public void Network_ThatCantBe_IsNamed(string options, string said) =>
        Assert.Contains(
            said,
            Assert.Throws<UserErrorException>(() => Build.From<NoiseNetwork>(options[..^1] + """, "type": "DiffusionUNet" }""")).Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("""{ "steps": 21 }""", "only 20 steps")]
    [InlineData("""{ "guidance": 2 }""", "label_dropout above 0", "\"label_dropout\": 0,")]
    public void Sampling_ThatCantBe_IsNamed(string sampling, string said, string more = "") =>
        Assert.Contains(said, Assert.Throws<UserErrorException>(() => Model(sampling, more)).Message, StringComparison.Ordinal);

    private static float[] Images(string sampling, long seed, out int numbers, long label = 0)
    {
        using var model = Formula.Fill(Model(sampling));
        model.eval();
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        var noise = new NoiseStreams([seed], CPU);
        var values = model.Generate(tensor((long[])[label]), noise).Values<float>();
        numbers = Drawn(seed, noise);
        return values;
    }

    /// <summary>How many numbers were taken: the next one tells.</summary>
    private static int Drawn(long seed, NoiseStreams noise)
    {
        var next = noise.Normal(1).Values<float>()[0];
        var all = new NoiseStreams([seed], CPU).Normal(3000).Values<float>();
        return Array.IndexOf(all, next);
    }

    private static Batch Batch(int count)
    {
        var batch = Build.Batch(count, 8, Three);
        using var scope = NewDisposeScope();
        batch.Images = batch.Images.clamp_min(-1).clamp_max(1).DetachFromDisposeScope();
        return batch;
    }

    private static Diffusion Model(string sampling = "{}", string more = "") =>
        (Diffusion)
            Build.From<VisionModel>(
                $$"""
                {
                  "type": "Diffusion", "steps": 20, {{more}} "sampling": {{sampling}},
                  "network": { "type": "DiffusionUNet", "size": 8, "channels": 4, "channel_mult": [1, 2], "blocks": 1, "attention": [4], "groups": 2 }
                }
                """,
                Three
            );
}
