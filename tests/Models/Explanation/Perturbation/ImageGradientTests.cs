using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Methods;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation.Perturbation;

/// <summary>FullGrad and guided backpropagation, whose maps are of the image.</summary>
public sealed class ImageGradientTests
{
    private const string ResNet = """{ "type": "ResNet", "depth": 18, "base_channels": 8 }""";
    private const string Deep =
        """{ "type": "ResNet", "depth": 50, "base_channels": 4, "stage_blocks": [1, 1, 1, 1], "stem": "deep", "avg_down": true }""";
    private const string Cifar = """{ "type": "CifarResNet", "depth": 8 }""";
    private const string HRNet =
        """{ "type": "HRNet", "channels": 4, "layer1_channels": 4, "stem_channels": 8, "stage_modules": [1, 1, 1], "stage_blocks": [1, 1, 1, 1], "classification": true }""";
    private const string ViT =
        """{ "type": "VisionTransformer", "embed_dim": 12, "depth": 2, "num_heads": 2, "image_size": 64, "patch_size": 8 }""";

    [Theory]
    [InlineData(ResNet)]
    [InlineData(Deep)]
    [InlineData(Cifar)]
    [InlineData(HRNet)]
    public void FullGrad_ConvolutionsNormsAndReLUs_AddUpToTheScore(string backbone)
    {
        using var model = Explained.Classifier(backbone).to(ScalarType.Float64);
        using var scope = NewDisposeScope();
        using var run = Run(model, ScalarType.Float64);
        var terms = FullGradTerms.Of(run);
        PerturbationTests.AssertNear(run.Scores.detach(), terms.Scores, 1e-12);
        PerturbationTests.AssertNear(terms.Scores, terms.Sum(), 1e-9);
        Assert.True(terms.AreWhole);
        // Without one of them they don't.
        var most = terms.Biases.Max(term => term.flatten(1).sum(1).abs().max().item<double>());
        Assert.True(most > 1e-3 * terms.Scores.abs().max().item<double>());
        Assert.All(model.parameters(), parameter => Assert.True(parameter.grad is null && parameter.requires_grad));
    }

    // Each layer's amounts scaled by their least and greatest over all channels, enlarged and added up.
    [Fact]
    public void FullGrad_Map_ScalesEachLayerAsAWhole()
    {
        using var model = new HandNet(HandRelu.Module);
        using var scope = NewDisposeScope();
        var images = Explained.Images(1, 5, 6);
        var target = Explained.Target(1);
        using var run = new ExplainedRun(model, images, target, MapLayers.Named(model, "first", images, target));
        var terms = FullGradTerms.Of(run);
        Assert.Equal(3, terms.Biases.Count);
        var expected = zeros(5, 6);
        foreach (var term in terms.Biases.Prepend(terms.Input))
        {
            var amounts = term[0].abs();
            var (least, most) = (amounts.min().item<float>(), amounts.max().item<float>());
            if (most > least)
                expected = expected + ((amounts - least) / (most - least)).sum([0]);
        }
        PerturbationTests.AssertNear(expected, new FullGrad(new()).Contributions(run)[0, 0], 1e-5);
    }

    [Fact]
    public void FullGrad_Transformer_IsRefusedWithWhatIsNotCovered()
    {
        using var model = Explained.Classifier(ViT);
        using var scope = NewDisposeScope();
        using var run = Run(model);
        var error = Assert.Throws<UserErrorException>(() => new FullGrad(new()).Contributions(run));
        Assert.Contains("Not covered: ", error.Message, StringComparison.Ordinal);
        Assert.Contains("norm1 (LayerNorm)", error.Message, StringComparison.Ordinal);
        Assert.Contains("\"partial\": true", error.Message, StringComparison.Ordinal);
        Assert.Equal([2, 1, 64, 64], new FullGrad(new(Partial: true)).Contributions(run).shape);
    }

    [Theory]
    [InlineData(HandRelu.Module)]
    [InlineData(HandRelu.Rectifier)]
    public void GuidedBackprop_TwoLayers_IsByHand(object second)
    {
        using var model = new HandNet((HandRelu)second);
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 3, 4);
        var target = Explained.Target(0, 1);
        using var run = new ExplainedRun(model, images, target, MapLayers.Named(model, "first", images, target));
        var gradient = new GuidedBackprop(new()).Gradient(run).Values<float>();
        var state = model.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.Values<float>());
        var pixels = images.Values<float>();
        var plain = false;
        for (var image = 0; image < 2; image++)
        for (var cell = 0; cell < 12; cell++)
        {
            var x = Enumerable.Range(0, 3).Select(channel => pixels[(image * 36) + (channel * 12) + cell]).ToArray();
            var a = Layer("first", x);
            var b = Layer("second", [.. a.Select(value => Math.Max(0, value))]);
            var atB = Enumerable.Range(0, 4).Select(i => state["last.weight"][(image * 4) + i]).ToArray();
            var throughB = Through(atB, b);
            var atA = Back("second", throughB, 4);
            var expected = Back("first", Through(atA, a), 3);
            for (var channel = 0; channel < 3; channel++)
                Assert.Equal(expected[channel], gradient[(image * 36) + (channel * 12) + cell], 1e-5f);
            plain |= atB.Zip(b).Any(pair => pair.First < 0 && pair.Second > 0);
        }
        Assert.True(plain, "the plain gradient would do as well");
        // Nothing is left behind.
        using var guide = grad_of(model, images);
        Assert.False(guide.allclose(new GuidedBackprop(new()).Gradient(run)));

        float[] Layer(string name, float[] given) =>
            [
                .. Enumerable
                    .Range(0, 4)
                    .Select(to =>
                        state[$"{name}.bias"][to]
                        + given.Select((value, from) => state[$"{name}.weight"][(to * given.Length) + from] * value).Sum()
                    ),
            ];

        float[] Back(string name, float[] given, int inputs) =>
            [
                .. Enumerable
                    .Range(0, inputs)
                    .Select(from => given.Select((value, to) => state[$"{name}.weight"][(to * inputs) + from] * value).Sum()),
            ];

        static float[] Through(float[] given, float[] before) => [.. given.Zip(before, (g, value) => value > 0 && g > 0 ? g : 0)];

        Tensor grad_of(HandNet net, Tensor given)
        {
            var x = given.detach().clone().requires_grad_(true);
            return Derivatives.Of(target.Of(net.Outputs(x), [0, 1]).sum(), [x])[0]!;
        }
    }

    [Theory]
    [InlineData(ResNet)]
    [InlineData(Deep)]
    [InlineData(Cifar)]
    [InlineData(HRNet)]
    public void GuidedBackprop_BackbonesWithReLUs_HaveAllOfThemGuided(string backbone)
    {
        using var model = Explained.Classifier(backbone);
        using var scope = NewDisposeScope();
        using var run = Run(model);
        var map = new GuidedBackprop(new()).Contributions(run);
        Assert.Equal([2, 3, 64, 64], map.shape);
        Assert.True(map.max().item<float>() > 0);
    }

    [Fact]
    public void GuidedBackprop_ReLUsOutOfReach_AreAnError()
    {
        using var model = new HandNet(HandRelu.Function);
        using var scope = NewDisposeScope();
        var images = Explained.Images(1, 3, 4);
        var target = Explained.Target(0);
        using var run = new ExplainedRun(model, images, target, MapLayers.Named(model, "first", images, target));
        var error = Assert.Throws<UserErrorException>(() => new GuidedBackprop(new()).Contributions(run));
        Assert.StartsWith("Guided backpropagation: 1 of the ReLUs of HandNet are neither", error.Message, StringComparison.Ordinal);
        Assert.Throws<UserErrorException>(() => new GuidedBackprop(new()).Contributions(run)); // counted once, told again
        Assert.Equal([1, 3, 3, 4], new GuidedBackprop(new(Partial: true)).Contributions(run).shape);

        using var transformer = Explained.Classifier(ViT);
        using var other = Run(transformer);
        Assert.Contains(
            "none that it could change",
            Assert.Throws<UserErrorException>(() => new GuidedBackprop(new()).Contributions(other)).Message
        );
    }

    private static ExplainedRun Run(VisionModel model, ScalarType type = ScalarType.Float32)
    {
        var images = Explained.Images(2, 64, 64).to(type);
        var target = Explained.Target(2, 4);
        return new ExplainedRun(model, images, target, MapLayers.Find(model, images, target));
    }
}
