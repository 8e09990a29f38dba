using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Attention;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation.Attention;

public sealed class SeenAttentionTests
{
    private const string Vit = """
        "type": "VisionTransformer", "image_size": 32, "patch_size": 8, "embed_dim": 12, "depth": 3, "num_heads": 3
        """;

    public static TheoryData<string, int[]> Backbones =>
        new()
        {
            { $$"""{ {{Vit}} }""", [17, 17, 17] },
            { $$"""{ {{Vit}}, "features": "average", "class_token": false }""", [16, 16, 16] },
            { $$"""{ {{Vit}}, "attention": { "type": "SparseAttention", "rate": 3, "reach": 1 } }""", [17, 17, 17] },
            { $$"""{ {{Vit}}, "attention": { "type": "LshAttention", "bucket_size": 4 } }""", [17, 17, 17] },
            { $$"""{ {{Vit}}, "attention": { "type": "WindowAttention", "window_size": 3 } }""", [17, 17, 17] },
            {
                """
                    { "type": "T2TViT", "image_size": 32, "embed_dim": 12, "depth": 2, "num_heads": 3, "token_dim": 8, "tokens": "performer" }
                    """,
                [64, 16, 5, 5]
            },
            {
                """
                    { "type": "T2TViT", "image_size": 32, "embed_dim": 12, "depth": 2, "num_heads": 3, "token_dim": 8, "tokens": "transformer" }
                    """,
                [64, 16, 5, 5]
            },
            {
                """
                    { "type": "PyramidVisionTransformer", "image_size": 32, "embed_dims": [8, 16], "depths": [1, 2], "num_heads": [1, 2],
                      "mlp_ratios": [2, 2], "sr_ratios": [4, 2], "patch_sizes": [4, 2], "features": "cls_token" }
                    """,
                [64, 17, 17]
            },
            {
                """
                    { "type": "PyramidVisionTransformerV2", "embed_dims": [8, 16], "depths": [1, 1], "num_heads": [1, 2],
                      "mlp_ratios": [2, 2], "sr_ratios": [3, 1] }
                    """,
                [64, 16]
            },
            {
                """
                    { "type": "PyramidVisionTransformerV2", "embed_dims": [8, 16], "depths": [1, 1], "num_heads": [1, 2], "linear": true,
                      "mlp_ratios": [2, 2], "sr_ratios": [3, 1] }
                    """,
                [64, 16]
            },
            { $$"""{ {{Vit}}, "reg_tokens": 4, "rotary": {}, "absolute_positions": false }""", [21, 21, 21] },
            {
                """{ "type": "SwinTransformerV2", "embed_dim": 12, "depths": [2, 2], "num_heads": [3, 3], "window_size": 3 }""",
                [64, 64, 16, 16]
            },
            {
                """
                    { "type": "MixVisionTransformer", "embed_dims": [8, 16], "depths": [1, 1], "num_heads": [1, 2],
                      "mlp_ratios": [2, 2], "sr_ratios": [3, 5] }
                    """,
                [64, 16]
            },
            {
                """{ "type": "SwinTransformer", "embed_dim": 12, "depths": [2, 2], "num_heads": [3, 3], "window_size": 3 }""",
                [64, 64, 16, 16]
            },
        };

    [Theory]
    [MemberData(nameof(Backbones))]
    public void Of_EveryTransformer_SeesItsBlocksInOrder_AndLeavesTheModelAsItWas(string backbone, int[] tokens)
    {
        using var model = Model(backbone);
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 2, 3, 32, 32);
        Tensor before;
        using (no_grad())
            before = ((IExplainable)model).Outputs(images)[0];
        using (var seen = SeenAttention.Of(model, images, new ClassTarget([1, 2], ["a", "b", "c", "d", "e"])))
        {
            Assert.Equal(tokens, seen.Blocks.Select(block => block.Grid.Count));
            Assert.Equal(Enumerable.Range(0, tokens.Length), seen.Blocks.Select(block => block.Index));
            foreach (var block in seen.Blocks)
            {
                var over = block.OverTokens();
                Assert.Equal([2, block.Heads, block.Grid.Count, block.Grid.Count], over.shape);
                Assert.False(block.Weights.requires_grad);
                Assert.Equal(block.Weights.shape, block.Gradient!.shape);
                Assert.Equal([2, 1, block.Grid.Height, block.Grid.Width], block.Map(HeadFusion.Mean, seen.FromLeading).shape);
                var each = block.Map(null, seen.FromLeading);
                Assert.Equal(block.Heads, each.shape[1]);
                Assert.True(
                    (each.mean([1]) - block.Map(HeadFusion.Mean, seen.FromLeading)[TensorIndex.Colon, 0]).abs().max().item<float>() < 1e-6f
                );
            }
            foreach (var kind in Enum.GetValues<SynthesisKind>())
            {
                var map = AttentionSynthesis.Map(seen, kind);
                var finest = seen.Blocks.Max(block => block.Grid.Height);
                Assert.Equal([2, finest, finest], map.shape);
                Assert.True(map.isfinite().all().item<bool>());
                Assert.True(map.amax().item<float>() > 0, $"{kind}");
            }
        }
        Assert.All(model.parameters(), parameter => Assert.Null(parameter.grad));
        using (no_grad())
            Assert.True(before.equal(((IExplainable)model).Outputs(images)[0]).all().item<bool>()); // untapped again
    }

    [Fact]
    public void FromLeading_FollowsWhatTheScoreReads()
    {
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 1, 3, 32, 32);
        foreach (var (features, reads) in new[] { ("cls_token", true), ("average", false) })
        {
            using var model = Model($$"""{ {{Vit}}, "features": "{{features}}", "class_token": true }""");
            using var seen = SeenAttention.Of(model, images, new ClassTarget([1], ["a", "b", "c", "d", "e"]));
            Assert.Equal(reads, seen.FromLeading);
        }
    }

    /// <summary>One block: the derivative of the score by a weight is what the score gains, by its change alone.</summary>
    [Fact]
    public void Gradient_OneBlock_EqualsFiniteDifferences()
    {
        using var model = Model($$"""{ {{Vit.Replace("\"depth\": 3", "\"depth\": 1", StringComparison.Ordinal)}} }""");
        using var scope = NewDisposeScope();
        model.to(ScalarType.Float64);
        var images = Formula.Values("images", 1, 3, 32, 32).to(ScalarType.Float64);
        var target = new ClassTarget([1], ["a", "b", "c", "d", "e"]);
        using var seen = SeenAttention.Of(model, images, target);
        var block = Assert.Single(seen.Blocks);
        var weights = model.named_modules().Single(entry => entry.name == "backbone.blocks.0.attn.weights").module;
        using var still = no_grad();
        const double step = 1e-5;
        foreach (var (head, query, key) in new[] { (0, 0, 0), (0, 0, 5), (1, 0, 16), (2, 0, 3), (1, 4, 4) })
        {
            var difference = (Score(step) - Score(-step)) / (2 * step);
            Assert.Equal(difference, block.Gradient![0, head, query, key].item<double>(), 1e-6 * Math.Max(1, Math.Abs(difference)));

            double Score(double change)
            {
                using var tap = model.Tap("backbone.blocks.0.attn.weights"); // so that the weights are formed
                var remove = ModuleHooks.After(
                    weights,
                    (_, output) =>
                    {
                        var changed = ((Tensor)output!).clone();
                        changed[0, head, query, key] += change;
                        return changed;
                    }
                )!;
                try
                {
                    return target.Of(((IExplainable)model).Outputs(images), [0]).item<double>();
                }
                finally
                {
                    remove();
                }
            }
        }
        // One block: R - I is E, and the map its row of the class token.
        var expected = (block.Weights * block.Gradient!).clamp_min(0).mean([1])[0, 0].narrow(0, 1, 16);
        Assert.True((AttentionSynthesis.Map(seen, SynthesisKind.Relevance).flatten() - expected).abs().max().item<double>() < 1e-12);
    }

    [Fact]
    public void Methods_Vit_GiveTheSynthesisAtTheImagesSize()
    {
        using var model = Model($$"""{ {{Vit}} }""");
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 2, 3, 32, 32);
        var target = new ClassTarget([1, 3], ["a", "b", "c", "d", "e"]);
        var layer = MapLayers.Find(model, images.narrow(0, 0, 1), new ClassTarget([1], ["a", "b", "c", "d", "e"]));
        using var seen = SeenAttention.Of(model, images, target);
        foreach (
            var (method, kind) in new (ActivationMethod, SynthesisKind)[]
            {
                (new AttentionRollout(), SynthesisKind.Rollout),
                (new AttentionRelevance(), SynthesisKind.Relevance),
            }
        )
        {
            using var run = new ExplainedRun(model, images, target, layer);
            var given = method.Contributions(run);
            Assert.Equal([2, 1, 4, 4], given.shape);
            Assert.True((given.squeeze(1) - AttentionSynthesis.Map(seen, kind)).abs().max().item<float>() < 1e-6f);
        }
    }

    [Fact]
    public void Of_NoAttention_SaysSo()
    {
        using var model = Model("""{ "type": "ResNet", "depth": 18, "base_channels": 8 }""");
        using var scope = NewDisposeScope();
        var error = Assert.Throws<UserErrorException>(() => SeenAttention.Of(model, Formula.Values("images", 1, 3, 32, 32)));
        Assert.Contains("no attention whose weights could be seen", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_ManyRuns_LeaveNoTensors()
    {
        using var model = Model($$"""{ {{Vit}} }""");
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 1, 3, 32, 32);
        var target = new ClassTarget([1], ["a", "b", "c", "d", "e"]);
        var before = scope.DisposablesCount;
        for (var i = 0; i < 5; i++)
        {
            using var seen = SeenAttention.Of(model, images, target);
            using var map = AttentionSynthesis.Map(seen, SynthesisKind.Relevance);
        }
        Assert.Equal(before, scope.DisposablesCount);
    }

    private static VisionModel Model(string backbone)
    {
        var model = Formula.Fill(
            Build.From<VisionModel>(
                $$"""{ "type": "ImageClassifier", "backbone": {{backbone}}, "head": { "type": "LinearHead" } }""",
                Build.Classes(5)
            )
        );
        model.eval();
        return model;
    }
}
