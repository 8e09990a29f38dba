using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Methods;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation;

/// <summary>What a run gives, and that it leaves no trace. Counts all native tensors of the process, so nothing else may run
/// meanwhile.</summary>
[Collection(ProcessWide.Name)]
public sealed class ExplainedRunTests
{
    private const string Vit =
        """{ "type": "VisionTransformer", "embed_dim": 32, "depth": 2, "num_heads": 4, "image_size": 32, "patch_size": 8 }""";
    private const string Cifar = """{ "type": "CifarResNet", "depth": 8 }""";

    [Theory]
    [InlineData(Vit)]
    [InlineData(Cifar)]
    public void Run_ScoresAndGradient_AreThoseOfAWholeBackwardPass(string config)
    {
        using var model = Explained.Classifier(config);
        using var scope = NewDisposeScope();
        var images = Explained.Images(3, 32, 48);
        var target = Explained.Target(2, 0, 2);
        var layer = MapLayers.Find(model, images.narrow(0, 0, 1), target);

        using var tap = model.Tap(layer.Name);
        var logits = ((IExplainable)model).Outputs(images)[0];
        var scores = logits[0, 2] + logits[1, 0] + logits[2, 2];
        var expected = layer.ToMap(Derivatives.Of(scores, [tap.Value])[0]!);
        using var run = new ExplainedRun(model, images, target, layer);
        Assert.True(run.Scores.allclose(stack([logits[0, 2], logits[1, 0], logits[2, 2]]), atol: 1e-6));
        Assert.True(run.Activation.allclose(layer.ToMap(tap.Value), atol: 1e-6));
        Assert.True(run.Gradient.allclose(expected, rtol: 1e-4, atol: 1e-7));
    }

    [Theory]
    [InlineData(Vit)]
    [InlineData(Cifar)]
    public void Run_ModelInTraining_LeavesEverythingAsItWas(string config)
    {
        using var model = Explained.Classifier(config);
        using var images = Explained.Images(2, 32, 32);
        model.train();
        var still = model.named_modules().First(entry => entry.module.GetName().Contains("Norm", StringComparison.Ordinal)).module;
        still.eval(); // as train.norm_eval has it
        var parameters = model.named_parameters().ToArray();
        parameters[0].parameter.requires_grad = false;
        using (var scope = NewDisposeScope())
            parameters[1].parameter.grad = ones_like(parameters[1].parameter).DetachFromDisposeScope();
        var state = model.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.detach().clone());
        var modes = model.named_modules().Select(entry => entry.module.training).ToArray();

        var target = Explained.Target(1, 4);
        var layer = MapLayers.Find(model, images, target);
        using var maps = new Explainer(model, new ExplainerOptions(AugSmooth: true)).Map(images, target, new GradCam(), [layer]);

        Assert.True(model.training);
        Assert.Equal(modes, model.named_modules().Select(entry => entry.module.training));
        Assert.Equal(parameters.Select((_, i) => i != 0), parameters.Select(entry => entry.parameter.requires_grad));
        Assert.Equal(parameters.Select((_, i) => i == 1), parameters.Select(entry => entry.parameter.grad is not null));
        Assert.True(parameters[1].parameter.grad!.eq(1).all().item<bool>());
        foreach (var (key, value) in model.state_dict())
            Assert.True(value.equal(state[key]).all().item<bool>(), key);
        Assert.True(is_grad_enabled());

        // No hook is left: a module of the layer's name gives what it gave, in the graph of its parameters.
        var before = Tensor.TotalCount;
        using (var scope = NewDisposeScope())
            _ = ((IExplainable)model).Outputs(images);
        Assert.InRange(Tensor.TotalCount, 0, before); // fewer: what other tests left was freed
        foreach (var value in state.Values)
            value.Dispose();
    }

    [Fact]
    public void Run_FrozenModelWithoutGradients_GivesTheSameMap()
    {
        using var model = Explained.Classifier(Cifar);
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 32, 32);
        var target = Explained.Target(1, 4);
        var layer = MapLayers.Find(model, images, target);
        var expected = new Explainer(model).Map(images, target, new GradCam(), [layer]);
        foreach (var parameter in model.parameters())
            parameter.requires_grad = false;
        using (no_grad())
        {
            Assert.Equal(layer, MapLayers.Find(model, images, target));
            var map = new Explainer(model).Map(images, target, new GradCam(), [layer]);
            Assert.False(map.requires_grad);
            Assert.True(map.equal(expected).all().item<bool>());
            Assert.False(is_grad_enabled());
        }
    }

    [Fact]
    public void Run_UnderAutocast_ComputesInFloat32()
    {
        if (!Autocast.IsAvailable)
            return;
        using var model = Explained.Classifier(Vit);
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 32, 32);
        var target = Explained.Target(1, 4);
        var layer = MapLayers.Find(model, images, target);
        var expected = new Explainer(model).Map(images, target, new GradCam(), [layer]);
        using (Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16))
        {
            Assert.Equal(layer, MapLayers.Find(model, images, target));
            using var run = new ExplainedRun(model, images, target, layer);
            Assert.Equal(ScalarType.Float32, run.Gradient.dtype);
            Assert.True(new Explainer(model).Map(images, target, new GradCam(), [layer]).equal(expected).all().item<bool>());
            Assert.True(Autocast.IsEnabled(DeviceType.CPU));
        }
    }

    [Fact]
    public void Run_ModelInBFloat16_GivesMapsInFloat32()
    {
        using var model = Explained.Classifier(Cifar);
        using var scope = NewDisposeScope();
        var images = Explained.Images(2, 32, 32);
        var target = Explained.Target(1, 4);
        var layer = MapLayers.Find(model, images, target);
        var expected = Explainer.Unit(new Explainer(model).Map(images, target, new GradCam(), [layer]));
        model.to(ScalarType.BFloat16);
        var map = new Explainer(model).Map(images.to(ScalarType.BFloat16), target, new GradCam(), [layer]);
        Assert.Equal(ScalarType.Float32, map.dtype);
        Assert.True((Explainer.Unit(map) - expected).abs().mean().item<float>() < 0.05);
    }

    [Fact]
    public void ScoresWith_TheLayersOwnMap_AreTheScores()
    {
        foreach (var config in new[] { Vit, Cifar })
        {
            using var model = Explained.Classifier(config);
            using var scope = NewDisposeScope();
            var images = Explained.Images(2, 32, 48);
            var target = Explained.Target(1, 4);
            var layer = MapLayers.Find(model, images, target);
            using var run = new ExplainedRun(model, images, target, layer);
            var twice = cat([images, images]);
            var same = run.ScoresWith(twice, [0, 1, 0, 1], map => map);
            Assert.True(same.allclose(run.Scores.repeat(2), atol: 1e-6));
            Assert.True(run.ScoresOf(twice, [0, 1, 0, 1]).allclose(same, atol: 1e-6));
            Assert.False(same.requires_grad);
            var changed = run.ScoresWith(twice, [0, 1, 0, 1], map => map * 0.5);
            Assert.False(changed.allclose(same, atol: 1e-4));
        }
    }

    // An output that the score doesn't depend on has no gradient, which TorchSharp counts as a tensor: so only the last stage's map.
    [Theory]
    [InlineData(Vit)]
    [InlineData("""{ "type": "CifarResNet", "depth": 8, "out_indices": [2] }""")]
    public void Run_WithinNestedScopes_LosesNothingAndLeavesNothing(string config)
    {
        using var model = Explained.Classifier(config);
        using var images = Explained.Images(2, 32, 32);
        var target = Explained.Target(1, 4);
        var explainer = new Explainer(model, new ExplainerOptions(EigenSmooth: true));
        Once(); // what is made once is made
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = Tensor.TotalCount;
        Once();
        Assert.InRange(Tensor.TotalCount, 0, before); // fewer: what other tests left was freed

        void Once()
        {
            using var outermost = NewDisposeScope();
            ExplainedRun run;
            using (var inner = NewDisposeScope())
            {
                var layer = MapLayers.Find(model, images, target);
                using (NewDisposeScope())
                    run = new ExplainedRun(model, images, target, layer);
                _ = explainer.Map(images, target, new GradCam(), [layer, layer]);
                using (NewDisposeScope())
                    _ = run.Gradient;
            }
            // What belongs to the run outlives the scopes that it was made in.
            _ = (run.Gradient * run.Activation).sum() + run.Scores.sum() + run.Outputs[0].sum();
            run.Dispose();
            run.Dispose();
        }
    }

    [Fact]
    public void Run_ThatFails_LeavesNothing()
    {
        using var model = Explained.Classifier(Vit);
        using var images = Explained.Images(1, 32, 32);
        Once();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = Tensor.TotalCount;
        Once();
        Assert.InRange(Tensor.TotalCount, 0, before); // fewer: what other tests left was freed

        void Once()
        {
            using var scope = NewDisposeScope();
            Assert.Throws<UserErrorException>(() => MapLayers.Find(model, images, Explained.Target(9)));
            var layer = MapLayers.Find(model, images, Explained.Target(0));
            Assert.Throws<UserErrorException>(() => new ExplainedRun(model, images, Explained.Target(9), layer));
            Assert.Throws<UserErrorException>(() =>
                new Explainer(model).Map(images, Explained.Target(0), new GradCam(), [layer with { Name = "backbone.blocks.1.norm2" }])
            );
        }
    }

    [Fact]
    public void Map_OneThousandImages_KeepsMemoryLevel()
    {
        using var model = Explained.Classifier("""{ "type": "ResNet", "depth": 18, "base_channels": 8 }""");
        using var images = Explained.Images(1, 64, 64);
        var target = Explained.Target(1);
        var layer = MapLayers.Find(model, images, target);
        var explainer = new Explainer(model);
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        var (tensors, memory) = (0L, 0L);
        for (var i = 0; i < 1000; i++)
        {
            if (i == 200)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                process.Refresh();
                (tensors, memory) = (Tensor.TotalCount, process.WorkingSet64);
            }
            using var scope = NewDisposeScope();
            _ = explainer.Map(images, target, new GradCam(), [layer]);
        }
        Assert.Equal(tensors, Tensor.TotalCount);
        process.Refresh();
        // A map of layer4 and its graph are some 100 KB; 800 of them kept would be far more than this.
        Assert.True(process.WorkingSet64 - memory < 30_000_000, $"{(process.WorkingSet64 - memory) / 1e6:f1} MB more");
    }
}
