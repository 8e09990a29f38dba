using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Methods;
using Tessera.Models.Layers;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation.Perturbation;

/// <summary>Methods that run the model on something else, against what follows by arithmetic.</summary>
public sealed class PerturbationTests
{
    private const string ResNet = """{ "type": "ResNet", "depth": 18, "base_channels": 8 }""";

    // score_c = w · (x ⊙ Â_c) + b, where the channel is a colour of the image itself.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(16)]
    public void ScoreCam_LinearModel_IsByHand(int batch)
    {
        using var model = Explained.Classifier(
            """{ "type": "Pixels" }""",
            """{ "type": "LinearHead", "pooling": "none", "map_size": 35 }"""
        );
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 5, 7);
        images[1, 2] = 0.25; // a colour that is the same everywhere hides the image
        var target = Explained.Target(2, 4);
        var layer = MapLayers.Named(model, "backbone", images, target) with { Output = 0 };
        using var run = new ExplainedRun(model, images, target, layer);
        var map = new ScoreCam(new(batch)).Contributions(run);
        var (weight, bias) = (model.state_dict()["head.fc.weight"].Values<float>(), model.state_dict()["head.fc.bias"].Values<float>());
        var pixels = images.Values<float>();
        for (var image = 0; image < 2; image++)
        {
            var label = image == 0 ? 2 : 4;
            var scores = new double[3];
            for (var channel = 0; channel < 3; channel++)
            {
                var own = pixels.AsSpan((image * 105) + (channel * 35), 35).ToArray();
                var (least, most) = (own.Min(), own.Max());
                scores[channel] = bias[label];
                for (var i = 0; i < 105; i++)
                {
                    var mask = most == least ? 0 : (own[i % 35] - least) / (most - least);
                    scores[channel] += weight[(label * 105) + i] * pixels[(image * 105) + i] * mask;
                }
            }
            var sum = scores.Sum(Math.Exp);
            for (var channel = 0; channel < 3; channel++)
                AssertNear(images[image, channel] * (Math.Exp(scores[channel]) / sum), map[image, channel], 1e-5);
        }
    }

    [Fact]
    public void ScoreCamAndAblationCam_ManyChannels_NeverHoldMoreThanTheirBatch()
    {
        using var model = new HandNet(HandRelu.Module);
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 6, 6);
        var target = Explained.Target(0, 1);
        var layer = MapLayers.Named(model, "first", images, target);
        using var run = new ExplainedRun(model, images, target, layer);
        Assert.Equal(2, model.MostImages);
        _ = new ScoreCam(new(3)).Contributions(run);
        _ = new AblationCam(new(3)).Contributions(run);
        Assert.Equal(3, model.MostImages);
    }

    // Behind an average and a linear layer, y - y without channel c = W[k, c] · mean(A_c), whatever the sign of y.
    [Theory]
    [InlineData(1)]
    [InlineData(32)]
    public void AblationCam_PooledLinear_WeighsByTheLinearLayerTimesTheMean(int batch)
    {
        using var model = Explained.Classifier(ResNet).to(ScalarType.Float64);
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 64, 96).to(ScalarType.Float64);
        using (no_grad())
            model.state_dict()["head.fc.bias"].copy_(tensor((double[])[0, 0, -10, 0, 10]));
        var target = Explained.Target(2, 4);
        using var run = new ExplainedRun(model, images, target, MapLayers.Find(model, images, target));
        var scores = run.Scores.Values<double>();
        Assert.True(scores[0] < 0 && scores[1] > 0);
        var weight = model.state_dict()["head.fc.weight"].index_select(0, tensor((long[])[2, 4])) * run.Activation.mean([2, 3]);
        AssertNear(weight.unsqueeze(2).unsqueeze(3) * run.Activation, new AblationCam(new(batch)).Contributions(run), 1e-10);
    }

    // In the middle of a network: against the definition, one run for each channel.
    [Fact]
    public void AblationCam_AnyLayer_IsTheFallOfTheScore()
    {
        using var model = Explained.Classifier(ResNet).to(ScalarType.Float64);
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 64, 64).to(ScalarType.Float64);
        var target = Explained.Target(1, 3);
        using var run = new ExplainedRun(model, images, target, MapLayers.Named(model, "backbone.layer2", images, target));
        var map = new AblationCam(new(5)).Contributions(run);
        for (var channel = 0; channel < run.Activation.shape[1]; channel++)
        {
            var without = run.ScoresWith(images, [0, 1], given => Zeroed(given, channel));
            var weight = (run.Scores.detach() - without).view(2, 1, 1);
            AssertNear(weight * run.Activation.select(1, channel), map.select(1, channel), 1e-9);
        }
    }

    // A planted product of two narrow factors is found again, but for order and scale.
    [Fact]
    public void Factors_PlantedProduct_IsFound()
    {
        using var scope = NewDisposeScope();
        var w = zeros(30, 3, ScalarType.Float64);
        for (var row = 0; row < 30; row++)
            w[row, row % 3] = 1 + (row % 7);
        var h = Formula.Values("images", 3, 20).to(ScalarType.Float64).clamp_min(0); // its zeros make it the only one
        var v = w.matmul(h);
        var (left, right) = NonnegativeFactors.Of(v, 3, 500);
        Assert.True(left.ge(0).all().item<bool>() && right.ge(0).all().item<bool>());
        AssertNear(v, left.matmul(right), 1e-3);
        // Each row is made of one component alone.
        var share = left.amax([1]) / left.sum(1);
        Assert.True(share.amin([0]).item<double>() > 0.99);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Dff_PooledLinear_ConceptsAddUpAndMatterAsTheyAreWeighed(bool shared)
    {
        using var model = Explained.Classifier(ResNet).to(ScalarType.Float64);
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 96, 96).to(ScalarType.Float64);
        var target = Explained.Target(2, 4);
        using var run = new ExplainedRun(model, images, target, MapLayers.Find(model, images, target));
        var method = new Dff(new(4, shared));
        var concepts = method.Concepts(run);
        Assert.Equal([2, 4, 3, 3], concepts.Maps.shape);
        Assert.True(concepts.Maps.ge(0).all().item<bool>() && concepts.Vectors.ge(0).all().item<bool>());
        Assert.Equal(shared, concepts.Vectors[0].sub(concepts.Vectors[1]).abs().max().item<double>() == 0);

        // Nearer than the mean alone would be.
        var made = concepts.Maps.flatten(2).transpose(1, 2).matmul(concepts.Vectors).transpose(1, 2).reshape(run.Activation.shape);
        made = made + concepts.Floor.unsqueeze(2).unsqueeze(3);
        var left = (run.Activation - made).square().sum().item<double>();
        var spread = (run.Activation - run.Activation.mean([2, 3], keepdim: true)).square().sum().item<double>();
        Assert.True(left < 0.5 * spread, $"{left:g3} of {spread:g3} left");

        // Behind an average, a concept matters as its vector is weighed, times the mean of its map.
        var weight = model.state_dict()["head.fc.weight"];
        var own = weight.index_select(0, tensor((long[])[2, 4])).unsqueeze(1); // [B, 1, C]
        var effects = (own * concepts.Vectors).sum(2) * concepts.Maps.mean([2, 3]);
        AssertNear(effects, concepts.Effects, 1e-9);
        var everywhere = (concepts.Vectors + concepts.Floor.unsqueeze(1)).matmul(weight.t()) + model.state_dict()["head.fc.bias"];
        AssertNear(everywhere, concepts.Logits!, 1e-9);

        // The map is that of the concept that matters most.
        var map = method.Contributions(run);
        for (var image = 0; image < 2; image++)
        {
            var most = effects[image].argmax().item<long>();
            AssertNear(concepts.Maps[image, most] * concepts.Vectors[image, most].sum(), map[image].sum([0]), 1e-9);
        }
    }

    [Fact]
    public void Dff_MoreConceptsThanPlaces_LeavesSomeEmpty()
    {
        using var model = Explained.Classifier(ResNet);
        using var scope = NewDisposeScope();
        var images = Explained.Images(1, 64, 32);
        var target = Explained.Target(2);
        using var run = new ExplainedRun(model, images, target, MapLayers.Find(model, images, target));
        var concepts = new Dff(new(7)).Concepts(run);
        Assert.True(concepts.Maps.isfinite().all().item<bool>());
        Assert.True(concepts.Maps.amax([2, 3]).gt(0).sum().item<long>() <= run.Activation.shape[2] * run.Activation.shape[3]);
    }

    private static Tensor Zeroed(Tensor map, int channel)
    {
        var changed = map.clone();
        changed[.., channel] = 0;
        return changed;
    }

    internal static void AssertNear(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        var difference = (expected - actual).detach().abs().max().to(ScalarType.Float64).item<double>();
        var size = expected.detach().abs().max().to(ScalarType.Float64).item<double>();
        Assert.True(size > 0, "nothing to compare");
        Assert.True(difference <= tolerance * size, $"differs by {difference:g3} of {size:g3}");
    }
}
