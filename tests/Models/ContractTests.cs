using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Heads;
using Tessera.Models.Heads.Segmentation;
using static TorchSharp.torch;

namespace Tessera.Tests.Models;

/// <summary>What every registered backbone, head, loss and model promises. A component joins by being registered.</summary>
public sealed class ContractTests
{
    // Small or unusual forms, besides a component's defaults.
    private static readonly Dictionary<string, string[]> _variants = new()
    {
        ["VisionTransformer"] =
        [
            """{ "arch": "tiny", "image_size": 32, "patch_size": 8, "depth": 2 }""",
            """{ "embed_dim": 32, "depth": 3, "num_heads": 4, "mlp_ratio": 2, "image_size": [32, 48], "patch_size": 8, "features": "maps", "out_indices": [0, 2] }""",
            """{ "embed_dim": 32, "depth": 3, "num_heads": 4, "image_size": 64, "patch_size": 8, "features": "maps", "out_indices": [1] }""",
            """{ "embed_dim": 32, "depth": 2, "num_heads": 2, "image_size": 16, "patch_size": 4, "features": "average", "class_token": false, "qkv_bias": false, "layer_scale": 0.1 }""",
            """{ "embed_dim": 32, "depth": 2, "num_heads": 2, "image_size": 32, "patch_size": 8, "dropout": 0.1, "attention_dropout": 0.1, "drop_path": 0.1 }""",
        ],
        ["ResNet"] =
        [
            """{ "depth": 18, "base_channels": 8 }""",
            """{ "depth": 50, "base_channels": 8, "stage_blocks": [1, 2, 2, 1], "groups": 2, "base_width": 32, "stem": "deep", "avg_down": true, "output_stride": 8, "multi_grid": [2] }""",
            """{ "depth": 18, "base_channels": 8, "stage_blocks": [1, 1, 1], "stem": "small", "stem_channels": 4, "out_indices": [1, 2] }""",
            """{ "depth": 50, "base_channels": 4, "stage_blocks": [1, 1, 2, 2], "base_width": 64, "strides": [1, 2, 1, 1], "dilations": [1, 1, 2, 4], "out_indices": [0, 3] }""",
        ],
        ["HRNet"] =
        [
            """{ "channels": 4, "layer1_channels": 4, "stem_channels": 8, "stage_modules": [1, 1, 2], "stage_blocks": [1, 1, 1, 1] }""",
            """{ "channels": 4, "layer1_channels": 1, "stem_channels": 8, "stage_modules": [2, 1, 1], "stage_blocks": [2, 1, 1, 1], "multi_scale_output": false, "upsample": "bilinear" }""",
            """{ "channels": 4, "layer1_channels": 4, "stem_channels": 8, "stage_modules": [1, 1, 1], "stage_blocks": [1, 1, 1, 1], "classification": true }""",
        ],
        ["T2TViT"] =
        [
            """{ "arch": 7, "embed_dim": 32, "depth": 2, "token_dim": 16, "image_size": 32, "drop_path": 0.1 }""",
            """{ "arch": 14, "embed_dim": 32, "depth": 2, "num_heads": 2, "token_dim": 16, "tokens": "transformer", "image_size": 64, "features": "average", "qkv_bias": true }""",
            """{ "arch": 24, "embed_dim": 32, "depth": 3, "token_dim": 8, "image_size": [48, 64], "features": "maps", "out_indices": [0, 2] }""",
            """{ "arch": 19, "embed_dim": 28, "depth": 3, "token_dim": 8, "tokens": "transformer", "features": "maps", "out_indices": [1], "dropout": 0.1, "attention_dropout": 0.1 }""",
        ],
        ["PixelContrastLoss"] =
        [
            "{}",
            """{ "sampling": "hardest_half", "positives": 3, "negatives": 5, "temperature": 0.5 }""",
            """{ "sampling": "semi_hard", "min_views": 2, "memory": { "size": 16, "samples": 0 } }""",
        ],
        ["PyramidVisionTransformer"] =
        [
            """{ "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 2, 1], "mlp_ratios": [2, 2, 2, 2], "image_size": 64 }""",
            """{ "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 1, 1], "image_size": 64, "features": "cls_token", "dropout": 0.1, "drop_path": 0.1 }""",
            """{ "embed_dims": [24, 24], "depths": [2, 1], "num_heads": [2, 2], "mlp_ratios": [2, 2], "sr_ratios": [1, 1], "patch_sizes": [5, 2], "patches": "merge", "features": "average", "attention": { "stage1": { "type": "LocalAttention", "layout": "grid", "reach": 2 }, "all": { "type": "StridedAttention", "block_size": 4 } } }""",
            """{ "embed_dims": [8, 16, 20], "depths": [1, 1, 1], "num_heads": [1, 2, 5], "mlp_ratios": [2, 2, 2], "sr_ratios": [1, 1, 1], "patch_sizes": [4, 1, 1], "pyramid": [4, 8, 16], "out_indices": [0, 2], "attention": { "stage2": { "type": "AtrousAttention", "rate": 3 }, "stage3": { "type": "LshAttention", "bucket_size": 16, "rounds": 2 } } }""",
        ],
        ["PyramidVisionTransformerV2"] =
        [
            """{ "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 2, 1] }""",
            """{ "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 1, 1], "linear": true, "out_indices": [1, 2] }""",
            """{ "embed_dims": [8, 16, 20, 32], "depths": [1, 1, 1, 1], "dropout": 0.1, "drop_path": 0.1, "attention": { "all": { "type": "NeighborhoodAttention", "kernel_size": 3 }, "stage4": { "type": "SparseAttention" } } }""",
        ],
        ["SwinTransformer"] =
        [
            """{ "embed_dim": 12, "depths": [2, 1, 2], "num_heads": [1, 2, 3], "window_size": 3, "out_indices": [0, 2] }""",
            """{ "embed_dim": 12, "depths": [2, 2], "num_heads": [1, 2], "window_size": 5, "out_indices": [1], "patch_norm": false, "qkv_bias": false, "dropout": 0.1, "drop_path": 0.1 }""",
            """{ "embed_dim": 12, "depths": [1, 2], "num_heads": [1, 2], "attention": { "stage1": { "type": "LinearAttention" }, "stage2": { "type": "SpatialReductionAttention", "ratio": 2 } } }""",
        ],
        ["CifarResNet"] = ["""{ "depth": 8 }""", """{ "depth": 14, "stage_channels": [8, 8, 24], "out_indices": [1] }"""],
    };

    public static TheoryData<string> Backbones() => Configs(typeof(Backbone));

    public static TheoryData<string> Losses() => Configs(typeof(Loss), where: config => !Build.From<Loss>(config).WantsEmbeddings);

    public static TheoryData<string> EmbeddingLosses() => Configs(typeof(Loss), where: config => Build.From<Loss>(config).WantsEmbeddings);

    /// <summary>Heads that give one vector an image; see SegmentationHeadTests for those that give maps.</summary>
    public static TheoryData<string> Heads() => Configs(typeof(LossHead), type => !type.IsSubclassOf(typeof(SegmentationHead)));

    [Theory]
    [MemberData(nameof(Backbones))]
    public void Backbone_Forward_GivesFiniteMapsOfPromisedSize(string config)
    {
        using var backbone = Formula.Fill(Build.From<Backbone>(config));
        backbone.eval();
        foreach (var (height, width) in new[] { (64, 64), (48, 80), (75, 53) })
        {
            using var scope = NewDisposeScope();
            var maps = backbone.call(Formula.Values("images", 2, 3, height, width));
            Assert.Equal(backbone.OutChannels.Count, maps.Length);
            Assert.Equal(backbone.OutStrides.Count, maps.Length);
            for (var i = 0; i < maps.Length; i++)
            {
                var stride = backbone.OutStrides[i];
                long[] expected =
                    stride == 0
                        ? [2, backbone.OutChannels[i]]
                        : [2, backbone.OutChannels[i], Ceiling(height, stride), Ceiling(width, stride)];
                Assert.Equal(expected, maps[i].shape);
                Assert.True(maps[i].isfinite().all().item<bool>());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Backbones))]
    public void Backbone_Backward_ReachesEveryParameter(string config)
    {
        using var backbone = Formula.Fill(Build.From<Backbone>(config));
        if (!backbone.parameters().Any())
            return;
        backbone.train();
        using var scope = NewDisposeScope();
        var maps = backbone.call(Formula.Values("images", 4, 3, 64, 64));
        // Weighted by a formula, so that the sum over a normed map is not constant.
        var total = maps.Select(map => (map * Formula.Values("images", map.shape)).sum()).Aggregate((a, b) => a + b);
        total.backward();
        foreach (var (name, parameter) in backbone.named_parameters())
        {
            Assert.True(parameter.grad is not null, $"{name} has no gradient");
            Assert.True(parameter.grad!.isfinite().all().item<bool>(), $"{name}: gradient not finite");
            Assert.True(parameter.grad.abs().sum().item<float>() > 0, $"{name}: gradient is zero");
        }
    }

    [Theory]
    [MemberData(nameof(Backbones))]
    public void Backbone_StateIntoAnother_GivesSameOutput(string config)
    {
        using var first = Build.From<Backbone>(config);
        using var second = Build.From<Backbone>(config);
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 4, 3, 64, 64);
        first.train();
        _ = first.call(images); // moves the norms' statistics
        second.load_state_dict(first.state_dict());
        first.eval();
        second.eval();
        foreach (var (a, b) in first.call(images).Zip(second.call(images)))
            Assert.True(a.equal(b).all().item<bool>());
    }

    [Theory]
    [MemberData(nameof(Backbones))]
    public void Backbone_LayersByDepth_HaveAStemAndEveryBlock(string config)
    {
        using var backbone = Build.From<Backbone>(config);
        var layers = backbone.LayersByDepth;
        var found = backbone.named_parameters().Select(p => layers.Of(p.name)).ToArray();
        if (found.Length == 0)
            return;
        Assert.Equal(Enumerable.Range(0, layers.Blocks + 1), found.Distinct().Order().Where(layer => layer <= layers.Blocks));
    }

    [Theory]
    [MemberData(nameof(Backbones))]
    public void Backbone_KeyMaps_AreInvertible(string config)
    {
        using var backbone = Build.From<Backbone>(config);
        foreach (var (name, map) in backbone.KeyMaps)
        {
            if (map.Publish is null)
                continue; // it only reads
            var keys = backbone.state_dict().Keys.Where(key => map.Absent?.Invoke(key) != true).ToArray();
            var foreign = keys.Select(key => map.Publish!(key)!).ToArray();
            Assert.Equal(keys.Length, foreign.Distinct().Count());
            Assert.Equal(keys, foreign.Select(key => map.Rename(key)!));
            Assert.True(map.Rename(map.Classifier + ".weight") is null, $"{name}: the classifier is no part of the backbone");
        }
    }

    [Theory]
    [MemberData(nameof(Backbones))]
    public void Model_EveryModuleTapped_CapturesOutlivingDifferentiableTensors(string config)
    {
        var info = Build.Classes(5);
        using var model = Formula.Fill(
            Build.From<VisionModel>($$"""{ "type": "ImageClassifier", "backbone": {{config}}, "head": { "type": "LinearHead" } }""", info)
        );
        model.train();
        using var batch = Build.Batch(4, 64, info);
        batch.Images.requires_grad_(); // so that even what has no parameters below it has a gradient
        using var kept = NewDisposeScope();
        var taps = model.TapNames().Select(name => model.Tap(name)).ToArray();
        Tensor loss;
        using (var forward = NewDisposeScope())
        {
            loss = model.Loss(batch, default).Total();
            forward.MoveToOuter(loss);
        }

        // Of a backbone's maps only the last reaches a linear head; the others join the objective here.
        var objective = taps.Single(tap => tap.Name == "backbone")
            .Values.Aggregate(loss, (sum, map) => sum + (map * Formula.Values("images", map.shape)).mean());
        foreach (var tap in taps)
        {
            Assert.True(tap.Values.Count > 0, $"{tap.Name} did not run through call");
            foreach (var captured in tap.Values)
            {
                Assert.True(captured.isfinite().all().item<bool>(), tap.Name);
                var reached = autograd.grad([objective], [captured], retain_graph: true);
                Assert.Equal(captured.shape, reached[0].shape);
            }
        }

        using var untapped = model.Loss(batch, default).Total();
        foreach (var tap in taps)
            tap.Dispose();
        Assert.All(taps, tap => Assert.Empty(tap.Values));
    }

    [Theory]
    [MemberData(nameof(Losses))]
    public void Loss_RandomLogits_IsFiniteScalarWithGradientAndObeysWeight(string config)
    {
        var loss = Build.From<Loss>(config);
        var twice = Build.From<Loss>(config[..^1] + """, "weight": 2, "warmup_iters": 10, "ramp_iters": 10 }""");
        foreach (var targets in TargetsFor(loss))
        {
            using var scope = NewDisposeScope();
            long[] shape = targets.Labels is { } labels && labels.dim() == 3 ? [2, 4, 12, 13] : [6, 4];
            var logits = Formula
                .Values("logits.weight", shape.Aggregate((a, b) => a * b), 1)
                .mul(5)
                .reshape(shape)
                .detach()
                .requires_grad_();
            var value = loss.Compute(logits, targets, default);
            Assert.Empty(value.shape);
            Assert.True(
                double.IsFinite(value.item<float>())
                    && (
                        value.item<float>() > 0
                        || config.Contains("BoundaryLoss", StringComparison.Ordinal)
                        || config.Contains("RmiLoss", StringComparison.Ordinal)
                    )
            );
            value.backward();
            Assert.True(logits.grad!.isfinite().all().item<bool>() && logits.grad.abs().sum().item<float>() > 0);

            float At(long iteration) => twice.Compute(logits, targets, new Progress(iteration, 100, 0, 1)).item<float>();
            Assert.Equal(0, At(0));
            Assert.Equal(0, At(9));
            Assert.Equal(value.item<float>(), At(15), 1e-5f * Math.Abs(value.item<float>()) + 1e-7f); // half of twice
            Assert.Equal(2 * value.item<float>(), At(20), 1e-5f * Math.Abs(value.item<float>()) + 1e-7f);
            var silent = twice.Compute(logits, targets, default);
            logits.grad.zero_();
            silent.backward();
            Assert.Equal(0, logits.grad.abs().sum().item<float>());
        }
    }

    [Theory]
    [MemberData(nameof(EmbeddingLosses))]
    public void Loss_OfEmbeddings_IsFiniteScalarWithGradientAndObeysWeight(string config)
    {
        using var scope = NewDisposeScope();
        var loss = Build.From<Loss>(config, Build.Classes(4));
        var twice = Build.From<Loss>(config[..^1] + """, "weight": 2, "warmup_iters": 10, "ramp_iters": 10 }""", Build.Classes(4));
        foreach (var term in new[] { loss, twice })
            term.ExpectEmbeddings(8);
        twice.eval(); // so that it remembers nothing between the calls
        var embeddings = nn.functional.normalize(Formula.Values("embeddings", 2, 8, 4, 5)).detach().requires_grad_();
        var logits = Formula.Values("logits.weight", 2, 4, 8, 10);
        var targets = new LossTargets(logits.roll(1, 1).argmax(1), Embeddings: embeddings);
        var value = loss.Compute(logits, targets, default);
        Assert.Empty(value.shape);
        Assert.True(double.IsFinite(value.item<float>()) && value.item<float>() > 0);
        value.backward();
        Assert.True(embeddings.grad!.isfinite().all().item<bool>() && embeddings.grad.abs().sum().item<float>() > 0);

        float At(long iteration) => twice.Compute(logits, targets, new Progress(iteration, 100, 0, 1)).item<float>();
        Assert.Equal(0, At(9));
        Assert.Equal(value.item<float>(), At(15), 1e-5f * value.item<float>()); // half of twice
        Assert.Equal(2 * value.item<float>(), At(20), 1e-5f * value.item<float>());
        var silent = twice.Compute(logits, targets, default);
        embeddings.grad.zero_();
        silent.backward();
        Assert.Equal(0, embeddings.grad.abs().sum().item<float>());
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void Head_MapOrVector_GivesFiniteOutputAndGradients(string config)
    {
        var isRegression = config.Contains("RegressionHead", StringComparison.Ordinal);
        foreach (
            var (backbone, maps) in new (string, long[])[]
            {
                ("""{ "type": "CifarResNet", "depth": 8 }""", [2, 64, 5, 7]),
                ("""{ "type": "VisionTransformer", "embed_dim": 64, "num_heads": 2, "depth": 1 }""", [2, 64]),
            }
        )
        {
            using var source = Build.From<Backbone>(backbone);
            using var head = Build.From<Head>(
                config,
                source,
                Build.Classes(3, isRegression ? DataTask.Regression : DataTask.Classification)
            );
            using var scope = NewDisposeScope();
            var output = head.call([Formula.Values("images", maps)]);
            Assert.Equal([2, 3], output.shape);
            Assert.True(output.isfinite().all().item<bool>());
            output.square().sum().backward();
            Assert.All(head.parameters(), parameter => Assert.True(parameter.grad!.abs().sum().item<float>() > 0));
        }
    }

    private static IEnumerable<LossTargets> TargetsFor(Loss loss)
    {
        if (loss.GetName() is "MseLoss" or "L1Loss" or "HuberLoss" or "SmoothL1Loss")
            return [new LossTargets(Values: Formula.Values("targets", 24).reshape(6, 4))];
        var hard = new LossTargets(tensor(new long[] { 0, 1, 2, 3, 3, 0 }));
        if (loss.GetName() is "OhemCrossEntropyLoss" or "LovaszLoss" or "DiceLoss" or "TverskyLoss")
            return [hard, Maps()];
        if (loss.GetName() is "BoundaryLoss" or "RmiLoss")
            return [Maps()];
        return [hard, new LossTargets(SoftLabels: nn.functional.one_hot(hard.Labels!, 4).to(ScalarType.Float32).mul(0.7).add(0.075))];
    }

    private static LossTargets Maps()
    {
        var labels = arange(2 * 12 * 13, dtype: ScalarType.Int64).div(5, RoundingMode.floor).remainder(4).reshape(2, 12, 13);
        return new LossTargets(
            labels
                .where(labels.gt(0), full_like(labels, 255))
                .where(Formula.Values("labels", 2 * 12 * 13).reshape(2, 12, 13).gt(-0.1), labels)
        );
    }

    private static long Ceiling(int size, int stride) => (size + stride - 1) / stride;

    private static TheoryData<string> Configs(Type kind, Func<Type, bool>? only = null, Func<string, bool>? where = null)
    {
        var data = new TheoryData<string>();
        foreach (
            var type in typeof(LinearHead)
                .Assembly.GetTypes()
                .Where(type => type.IsSubclassOf(kind) && !type.IsAbstract && only?.Invoke(type) != false)
        )
        {
            var name = type.GetCustomAttributes(typeof(ComponentAttribute), false).Cast<ComponentAttribute>().Single().Name;
            foreach (var variant in _variants.GetValueOrDefault(name) ?? ["{}"])
            {
                var config = variant == "{}" ? $$"""{ "type": "{{name}}" }""" : $$"""{ "type": "{{name}}", {{variant.Trim()[1..]}}""";
                if (where is null || where(config))
                    data.Add(config);
            }
        }
        return data;
    }
}
