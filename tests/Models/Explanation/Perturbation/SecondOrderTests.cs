using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Methods;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation.Perturbation;

/// <summary>Shapley-CAM and Finer-CAM against differences of scores and closed forms.</summary>
public sealed class SecondOrderTests
{
    private const string ResNet = """{ "type": "ResNet", "depth": 18, "base_channels": 8 }""";
    private const string ViT =
        """{ "type": "VisionTransformer", "embed_dim": 12, "depth": 2, "num_heads": 2, "image_size": 32, "patch_size": 8 }""";
    private const string Swin =
        """{ "type": "SwinTransformer", "embed_dim": 12, "depths": [2, 2], "num_heads": [1, 2], "window_size": 4 }""";

    // w_c = mean over places of (g - H·A / 2): along channel c by differences of scores, the second part by mixed differences.
    [Theory]
    [InlineData(ResNet, "backbone.layer2")]
    [InlineData(ViT, "backbone.blocks.0")]
    [InlineData(Swin, "backbone.layers.0.blocks.1")]
    public void ShapleyCam_AnyLayer_WeighsAsDifferencesOfScoresSay(string backbone, string layer)
    {
        using var model = Explained.Classifier(backbone).to(ScalarType.Float64);
        using var scope = NewDisposeScope();
        var images = Explained.Images(1, 32, 32).to(ScalarType.Float64);
        var target = Explained.Target(2);
        var found = model.named_modules().Any(entry => entry.name == layer)
            ? MapLayers.Named(model, layer, images, target)
            : MapLayers.Find(model, images, target);
        using var run = new ExplainedRun(model, images, target, found);
        var map = new ShapleyCam(new(ResidualSoftmax: false)).Contributions(run);
        var (step, along) = (1e-3, 1e-3);
        var places = run.Activation.shape[2] * run.Activation.shape[3];
        var curved = 0.0;
        for (var channel = 0; channel < 6; channel++)
        {
            var (first, mixed) = (
                (Score(0, step) - Score(0, -step)) / (2 * step),
                (Score(along, step) - Score(along, -step) - Score(-along, step) + Score(-along, -step)) / (4 * along * step)
            );
            curved = Math.Max(curved, Math.Abs(mixed / places));
            var weight = (first - (mixed / 2)) / places;
            PerturbationTests.AssertNear(run.Activation[0, channel] * weight, map[0, channel], 2e-3);

            double Score(double more, double added) =>
                run.ScoresWith(images, [0], given => Moved(given * (1 + more), channel, added)).item<double>();
        }
        if (backbone != ResNet) // linear between its ReLUs
            Assert.True(curved > 1e-6);
    }

    [Fact]
    public void ShapleyCam_OperatorWithoutSecondDerivative_IsRefused()
    {
        using var model = new FusedNet();
        using var scope = NewDisposeScope();
        var images = Explained.Images(1, 8, 8);
        var target = Explained.Target(1);
        using var run = new ExplainedRun(model, images, target, MapLayers.Named(model, "first", images, target));
        for (var again = 0; again < 2; again++)
        {
            var error = Assert.Throws<UserErrorException>(() => new ShapleyCam(new()).Contributions(run));
            Assert.Contains("FusedNet runs \"aten::", error.Message, StringComparison.Ordinal);
            Assert.Contains("scaled_dot_product", error.Message, StringComparison.Ordinal);
        }
    }

    // y = z_k + log p_k over z = W m + b, m the mean of A: g = (2 W_k - Σ p_j W_j) / n, H·A = -Σ p'_j W_j / n,
    // p' = p (u - p·u) with u = W m.
    [Fact]
    public void ShapleyCam_PooledLinear_IsTheClosedForm()
    {
        using var model = Explained.Classifier(ResNet).to(ScalarType.Float64);
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 64, 96).to(ScalarType.Float64);
        var target = Explained.Target(2, 4);
        using var run = new ExplainedRun(model, images, target, MapLayers.Find(model, images, target));
        var weight = model.state_dict()["head.fc.weight"]; // [K, C]
        var places = run.Activation.shape[2] * run.Activation.shape[3];
        var p = run.Outputs[0].detach().softmax(1);
        var u = run.Activation.mean([2, 3]).matmul(weight.t());
        var slope = p * (u - (p * u).sum(1, keepdim: true));
        var own = weight.index_select(0, tensor((long[])[2, 4]));
        var weights = ((own * 2) - p.matmul(weight) + (slope.matmul(weight) / 2)) / places;
        PerturbationTests.AssertNear(weights.unsqueeze(2).unsqueeze(3) * run.Activation, new ShapleyCam(new()).Contributions(run), 1e-9);
        // The logit alone has no curvature: Grad-CAM.
        PerturbationTests.AssertNear(new GradCam().Contributions(run), new ShapleyCam(new(false)).Contributions(run), 1e-12);
    }

    [Theory]
    [InlineData(3, 1.0)]
    [InlineData(1, 0.5)]
    [InlineData(10, 1.0)]
    public void FinerCam_PooledLinear_WeighsAsItsFormulaSays(int classes, double alpha)
    {
        using var model = Explained.Classifier(ResNet).to(ScalarType.Float64);
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 64, 96).to(ScalarType.Float64);
        int[] wanted = [2, 4];
        var target = Explained.Target(wanted);
        using var run = new ExplainedRun(model, images, target, MapLayers.Find(model, images, target));
        var map = new FinerCam(new(classes, alpha)).Contributions(run);
        var weight = model.state_dict()["head.fc.weight"];
        var logits = run.Outputs[0].detach();
        for (var image = 0; image < 2; image++)
        {
            var z = logits[image].Values<double>();
            var k = wanted[image];
            var near = Enumerable.Range(0, z.Length).Where(j => j != k).OrderBy(j => Math.Abs(z[j] - z[k])).Take(classes).ToArray();
            var slopes = new double[z.Length];
            for (var j = 0; j < z.Length; j++)
                slopes[j] = (Score(z, j, 1e-5) - Score(z, j, -1e-5)) / 2e-5;
            var weights = tensor(slopes).unsqueeze(0).matmul(weight).view(-1, 1, 1) / (run.Activation.shape[2] * run.Activation.shape[3]);
            PerturbationTests.AssertNear(weights * run.Activation[image], map[image], 1e-6);

            double Score(double[] given, int moved, double step)
            {
                var y = given.ToArray();
                y[moved] += step;
                var sum = y.Sum(Math.Exp);
                var p = near.Select(j => Math.Exp(y[j]) / sum).ToArray();
                return near.Select((j, i) => p[i] * (y[k] - (alpha * y[j]))).Sum() / p.Sum();
            }
        }
    }

    [Fact]
    public void FinerCam_NoClass_IsAnError()
    {
        using var model = Explained.Classifier(ResNet);
        using var scope = NewDisposeScope();
        var images = Explained.Images(1, 64, 64);
        var target = new SumTarget();
        using var run = new ExplainedRun(model, images, target, MapLayers.Find(model, images, target));
        var error = Assert.Throws<UserErrorException>(() => new FinerCam(new()).Contributions(run));
        Assert.Equal("Finer-CAM sets a class against others: a class of a classifier with several was expected.", error.Message);
    }

    private sealed class SumTarget : ScoreTarget
    {
        public override Tensor Of(Tensor[] outputs, IReadOnlyList<int> owners) => outputs[0].sum(1);

        public override string NameOf(int image) => "sum";
    }

    private static Tensor Moved(Tensor map, int channel, double added)
    {
        var changed = map.clone();
        changed[.., channel] += added;
        return changed;
    }
}
