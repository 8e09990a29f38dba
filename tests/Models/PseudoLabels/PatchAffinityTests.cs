using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.PseudoLabels;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.PseudoLabels;

[Collection(ProcessWide.Name)]
public sealed class PatchAffinityTests
{
    [Fact]
    public void Identity_ChangesNothing()
    {
        using var scope = NewDisposeScope();
        var maps = rand(2, 3, 2, 5);
        var identity = new PatchAffinity(eye(10).expand(2, 10, 10), 2, 5);
        Assert.True(identity.Spread(maps).equal(maps).all().item<bool>());
        Assert.True(identity.Walk(maps, beta: 8, steps: 5).equal(maps).all().item<bool>());
        Assert.True(identity.Transition(3).equal(eye(10)).all().item<bool>());
    }

    [Fact]
    public void Walk_ByHand()
    {
        // Two places. Affinity [[1, 0.5], [0.5, 1]] squared: [[1, 0.25], [0.25, 1]], rows divided by 1.25: T = [[0.8, 0.2], [0.2, 0.8]].
        // T·(1, 0) = (0.8, 0.2); T·(0.8, 0.2) = (0.64 + 0.04, 0.16 + 0.16) = (0.68, 0.32).
        using var scope = NewDisposeScope();
        var affinity = new PatchAffinity(tensor(new[] { 1f, 0.5f, 0.5f, 1f }, [1, 2, 2]), 1, 2);
        var maps = tensor(new[] { 1f, 0f }, [1, 1, 1, 2]);
        Assert.Equal([0.8f, 0.2f], affinity.Walk(maps, 2, 1).Values<float>().Select(value => MathF.Round(value, 6)));
        Assert.Equal([0.68f, 0.32f], affinity.Walk(maps, 2, 2).Values<float>().Select(value => MathF.Round(value, 6)));
    }

    [Fact]
    public void Transition_OfSmallValuesAndAHighPower_StillSumsToOne()
    {
        using var scope = NewDisposeScope();
        var values = rand(2, 12, 12) * 1e-6f;
        values[0, 3] = zeros(12); // a place that belongs to nobody stays where it is
        var transition = new PatchAffinity(values, 3, 4).Transition(16);
        Assert.True((transition.sum(2) - 1).abs().max().item<float>() < 1e-5f);
        Assert.True(transition.min().item<float>() >= 0);
        Assert.Equal(1, transition[0, 3, 3].item<float>(), 6);
    }

    [Fact]
    public void OfFeatures_IsTheCosine_NotNegative_ToAPower_RowByRow()
    {
        using var scope = NewDisposeScope();
        var features = randn(1, 4, 2, 3);
        var found = PatchAffinity.OfFeatures(features, 3);
        var places = Enumerable.Range(0, 6).Select(i => features[0].flatten(1).select(1, i).Values<float>()).ToArray();
        for (var i = 0; i < 6; i++)
        {
            var row = places.Select(other => Math.Pow(Math.Max(Cosine(places[i], other), 0), 3)).ToArray();
            for (var j = 0; j < 6; j++)
                Assert.Equal(row[j] / row.Sum(), found[0, i, j].item<float>(), 5);
        }
        Assert.True((PatchAffinity.OfFeatures(zeros(1, 4, 2, 2), 8) - eye(4)).abs().max().item<float>() == 0);

        static double Cosine(float[] a, float[] b) =>
            a.Zip(b, (x, y) => (double)x * y).Sum() / Math.Sqrt(a.Sum(x => (double)x * x) * b.Sum(x => (double)x * x));
    }

    [Fact]
    public void Of_ATransformer_IsItsAttentionAmongPatches_SummedOverBlocks()
    {
        using var model = Transformer();
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 2, 3, 16, 24);
        var expected = zeros(2, 6, 6);
        foreach (var block in (int[])[0, 1])
        {
            using var tap = model.Tap($"backbone.blocks.{block}.attn.weights");
            using (no_grad())
                _ = ((IExplainable)model).Outputs(images);
            expected += tap.Value.mean([1]).narrow(1, 1, 6).narrow(2, 1, 6); // without the class token
        }
        var found = PatchAffinity.Of(model, images, AffinitySource.Auto);
        Assert.Equal((2, 3), (found.Height, found.Width));
        Assert.True((found.Values - expected).abs().max().item<float>() < 1e-6f);
        Assert.False(found.Values.requires_grad);
        Assert.Equal(1, PatchAffinity.Of(model, images, AffinitySource.Features).Values.sum(2).mean().item<float>(), 5);
    }

    [Fact]
    public void Of_AConvolutionalNetwork_IsByFeatures()
    {
        using var model = Network();
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 1, 3, 32, 32);
        var found = PatchAffinity.Of(model, images, AffinitySource.Auto, power: 2);
        using var tap = model.Tap("backbone.layer4");
        using (no_grad())
            _ = ((IExplainable)model).Outputs(images);
        Assert.True((found.Values - PatchAffinity.OfFeatures(tap.Value, 2)).abs().max().item<float>() < 1e-6f);
        var fault = Assert.Throws<UserErrorException>(() => PatchAffinity.Of(model, images, AffinitySource.Attention));
        Assert.Contains("no attention among all patches", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Spread_MapsOfAnotherGrid_AreBroughtToIt()
    {
        using var scope = NewDisposeScope();
        var identity = new PatchAffinity(eye(4).unsqueeze(0), 2, 2);
        // A cell of the grid takes the mean of its four places.
        var fine = arange(0, 16, dtype: ScalarType.Float32).view(1, 1, 4, 4);
        Assert.Equal([2.5f, 4.5f, 10.5f, 12.5f], identity.Spread(fine).Values<float>());
        Assert.Equal([7f, 7f, 7f, 7f], identity.Spread(full([1, 1, 1, 1], 7f)).Values<float>());
    }

    [Fact]
    public void OfFeatures_OfAHugeGrid_IsTheUsersMistake()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<UserErrorException>(() => PatchAffinity.OfFeatures(zeros(1, 1, 120, 101), 1));
    }

    internal static VisionModel Transformer(string features = "cls_token") =>
        Model(
            $$"""
            { "type": "ImageClassifier", "head": { "type": "LinearHead" },
              "backbone": { "type": "VisionTransformer", "embed_dim": 8, "depth": 2, "num_heads": 2, "patch_size": 8, "image_size": [16, 24], "features": "{{features}}" } }
            """
        );

    internal static VisionModel Network() =>
        Model(
            """
            { "type": "ImageClassifier", "head": { "type": "LinearHead" },
              "backbone": { "type": "ResNet", "depth": 18, "stem": "small", "base_channels": 4, "strides": [1, 2, 2, 1] } }
            """
        );

    private static VisionModel Model(string json)
    {
        manual_seed(3);
        var model = Build.From<VisionModel>(json, Build.Classes(4, DataTask.MultiLabel));
        model.eval();
        foreach (var parameter in model.parameters())
            if (parameter.dim() > 1)
                using (no_grad())
                    parameter.mul_(4); // attention and scores that differ
        return model;
    }
}
