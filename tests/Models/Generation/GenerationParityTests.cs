using System.Text.Json;
using Tessera.Framework.Metrics.Statistics;
using Tessera.Framework.Models;
using Tessera.Models.Generation;
using Tessera.Models.Generation.Denoising;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Generation;

/// <summary>Against the papers' layers, transcribed with PyTorch; see make_generation.py.</summary>
public sealed class GenerationParityTests
{
    private static readonly JsonElement Fixture = FixtureFile.Json("models", "generation.json");

    [Fact]
    public void Generator_FormulaWeights_MatchesPyTorch()
    {
        using var generator = Formula.Fill(new DcganGenerator(new(32, 10, 4, 5), Build.Classes(3)));
        generator.eval();
        using var scope = NewDisposeScope();
        AssertMatches("generator", generator.Draw(Formula.Values("noise.weight", 2, 10), tensor((long[])[2, 0])));
    }

    [Fact]
    public void Discriminator_FormulaWeights_MatchesPyTorch()
    {
        using var discriminator = Formula.Fill(new DcganDiscriminator(new(32, 4)));
        discriminator.eval();
        using var scope = NewDisposeScope();
        AssertMatches("discriminator", discriminator.call(Formula.Values("images", 2, 3, 32, 32)));
    }

    [Fact]
    public void SpectralDiscriminator_FormulaWeights_MatchesPyTorch()
    {
        using var discriminator = Formula.Fill(new DcganDiscriminator(new(32, 4, Norm: DiscriminatorNorm.Spectral)));
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 2, 3, 32, 32);
        discriminator.train();
        var found = discriminator.call(images);
        AssertMatches("spectral", found);
        found.square().sum().backward();
        var (_, weight) = discriminator.named_parameters().Single(entry => entry.name == "model.1.0.weight_orig");
        AssertMatches("spectral gradient", weight.grad!);
        discriminator.eval();
        AssertMatches("spectral evaluation", discriminator.call(images));
    }

    [Fact]
    public void UNet_FormulaWeights_MatchesPyTorch()
    {
        using var network = Formula.Fill(new DiffusionUNet(new(8, 8, [1, 2, 2], 2, [4], Groups: 4)));
        network.eval();
        using var scope = NewDisposeScope();
        AssertMatches("unet", network.call(Formula.Values("images", 2, 3, 8, 8), Formula.Values("embedding.weight", 2, 32)));
    }

    [Fact]
    public void Ddim_OfAKnownNoise_MatchesTheFormula()
    {
        using var model = (Diffusion)
            Build.From<VisionModel>(
                """
                {
                  "type": "Diffusion", "steps": 200, "sampling": { "clip": false },
                  "network": { "type": "DiffusionUNet", "size": 4, "channels": 4, "channel_mult": [1], "attention": [], "groups": 2 }
                }
                """,
                Build.Classes(3)
            );
        using var scope = NewDisposeScope();
        var x = Formula.Values("images", 1, 3, 4, 4).to(ScalarType.Float64);
        int[] times = [199, 130, 60, 0, -1];
        for (var i = 0; i < 4; i++)
            x = model.Step(
                x,
                (0.3 * x) + (0.1 * times[i] / 200),
                times[i],
                times[i + 1],
                () => throw new InvalidOperationException("No noise")
            );
        AssertMatches("ddim", x);
    }

    [Fact]
    public void Frechet_OfSamples_MatchesNumpy()
    {
        var (real, generated) = Samples();
        Assert.Equal(
            Fixture.GetProperty("frechet").GetDouble(),
            FeatureMoments.Of(real, 6).DistanceTo(FeatureMoments.Of(generated, 6)),
            1e-5
        );
    }

    private static (float[] Real, float[] Generated) Samples()
    {
        using var scope = NewDisposeScope();
        return (Formula.Values("images", 40, 6).Values<float>(), ((Formula.Values("generated", 30, 6) * 1.3) + 0.2).Values<float>());
    }

    private static void AssertMatches(string name, Tensor found)
    {
        var expected = Fixture.GetProperty(name);
        Assert.Equal(expected.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64()), found.shape);
        var flat = found.detach().to(ScalarType.Float64).flatten().Values<double>();
        var norm = expected.GetProperty("norm").GetDouble();
        Assert.Equal(norm, Math.Sqrt(flat.Sum(v => v * v)), 1e-5 * norm);
        var step = expected.GetProperty("step").GetInt32();
        var tolerance = 1e-5 * Math.Max(1, norm / Math.Sqrt(flat.Length));
        var i = 0;
        foreach (var value in expected.GetProperty("values").EnumerateArray())
            Assert.Equal(value.GetDouble(), flat[step * i++], tolerance);
    }
}
