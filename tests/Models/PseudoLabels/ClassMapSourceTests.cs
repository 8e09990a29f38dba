using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.PseudoLabels;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.PseudoLabels;

[Collection(ProcessWide.Name)]
public sealed class ClassMapSourceTests
{
    private static readonly string[] s_names = ["class0", "class1", "class2", "class3"];

    [Fact]
    public void PatchSimilarity_WithoutRounds_IsTheClassifiersDirectionsOverTheMap()
    {
        using var model = PatchAffinityTests.Network();
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 2, 3, 32, 40);
        var maps = new PatchSimilarity(new PatchSimilarityOptions(Rounds: 0)).Maps(model, images, [2, 0]);
        using var tap = model.Tap("backbone.layer4");
        using (no_grad())
            _ = ((IExplainable)model).Outputs(images);
        var weights = model.named_parameters().Single(entry => entry.name == "head.fc.weight").parameter;
        var expected = einsum("bdhw,kd->bkhw", tap.Value, weights.detach()).clamp_min(0);
        Assert.True((maps - expected.index_select(1, tensor(new long[] { 2, 0 }))).abs().max().item<float>() < 1e-5f);

        // Grad-CAM there is the same, divided by the number of places.
        var gradCam = ClassMapSources.Find("grad_cam", model, s_names, Build.Builder).Source.Maps(model, images, [2, 0]);
        Assert.Equal(maps.shape, gradCam.shape);
        Assert.True((gradCam * (maps.shape[2] * maps.shape[3]) - maps).abs().max().item<float>() < 1e-4f);
        Assert.True(maps.max().item<float>() > 1e-3f);
    }

    [Theory]
    [InlineData("cls_token", "backbone.norm")]
    [InlineData("average", "backbone.fc_norm")]
    public void PatchSimilarity_OfATransformer_ReadsNormedTokens(string features, string norm)
    {
        using var model = PatchAffinityTests.Transformer(features);
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 1, 3, 16, 24);
        var source = new PatchSimilarity(new PatchSimilarityOptions(Power: 2, Rounds: 2));
        var maps = source.Maps(model, images, [0, 3]);
        Assert.Equal([1, 2, 2, 3], maps.shape);

        using var tap = model.Tap("backbone.blocks.1");
        using (no_grad())
            _ = ((IExplainable)model).Outputs(images);
        var last = (nn.Module<Tensor, Tensor>)model.named_modules().Single(entry => entry.name == norm).module;
        var tokens = last.call(tap.Value.narrow(1, 1, 6)).detach(); // [1, 6, 8]
        var weights = model.named_parameters().Single(entry => entry.name == "head.fc.weight").parameter.detach();
        var alike = nn.functional.normalize(tokens, p: 2, dim: 2);
        var similarity = alike.matmul(alike.transpose(1, 2)).clamp_min(0).pow(2);
        similarity = similarity / similarity.sum(2, keepdim: true);
        var expected = tokens.matmul(weights.index_select(0, tensor(new long[] { 0, 3 })).t()).clamp_min(0);
        expected = similarity.matmul(similarity.matmul(expected)).transpose(1, 2).reshape(1, 2, 2, 3);
        Assert.True((maps - expected).abs().max().item<float>() < 1e-5f);
    }

    [Fact]
    public void Sources_LeaveTheModelAsItWas()
    {
        using var model = PatchAffinityTests.Transformer();
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 1, 3, 16, 24);
        var before = ((IExplainable)model).Outputs(images)[0].detach();
        // One wants an average of patches, the others networks of ReLUs.
        foreach (var name in ClassMapSources.Names(model, Build.Builder).Except(["cam", "full_grad", "guided_backprop"]))
        {
            var maps = ClassMapSources.Find(name, model, s_names, Build.Builder).Source.Maps(model, images, [1, 2]);
            Assert.Equal((1L, 2L), (maps.shape[0], maps.shape[1]));
            Assert.True(maps.shape[2] * maps.shape[3] > 1, name);
            Assert.True(maps.min().item<float>() >= 0 && maps.isfinite().all().item<bool>(), name);
            Assert.False(maps.requires_grad);
        }
        Assert.All(model.parameters(), parameter => Assert.True(parameter.requires_grad && parameter.grad is null));
        Assert.True(((IExplainable)model).Outputs(images)[0].equal(before).all().item<bool>());
        Assert.True(PatchAffinity.Of(model, images, AffinitySource.Attention).Values.sum().item<float>() > 0);
        Assert.All(model.named_modules(), entry => Assert.False(Tap.IsSet(entry.module)));
    }

    [Fact]
    public void Named_KnowsAModelsOwnKinds_AndTellsTheNearest()
    {
        using var model = new WithMaps();
        Assert.Equal(["fused", "patch", "grad_cam"], ClassMapSources.Names(model, Build.Builder).Take(3));
        Assert.Contains("patch_similarity", ClassMapSources.Names(model, Build.Builder));
        using var scope = NewDisposeScope();
        var maps = ClassMapSources.Find("fused", model, s_names, Build.Builder).Source.Maps(model, zeros(2, 3, 4, 4), [3, 1]);
        Assert.Equal([3f, 1f], maps.amax([0, 2, 3]).Values<float>());

        Assert.Equal("fused", ClassMapSources.Find(null, model, s_names, Build.Builder).Name);
        Assert.Equal("grad_cam_plus_plus", ClassMapSources.Find("Grad-CAM++", model, s_names, Build.Builder).Name);
        using var network = PatchAffinityTests.Network();
        Assert.Equal("grad_cam", ClassMapSources.Find(null, network, s_names, Build.Builder).Name);
        var alike = Assert.Throws<UserErrorException>(() => ClassMapSources.Find("fem", model, s_names, Build.Builder));
        Assert.Contains("does not depend on the class", alike.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("fem", ClassMapSources.Names(model, Build.Builder));

        var fault = Assert.Throws<UserErrorException>(() => ClassMapSources.Find("grad_cma", model, s_names, Build.Builder));
        Assert.Contains("Did you mean \"grad_cam\"?", fault.Message, StringComparison.Ordinal);
        Assert.Contains("fused, patch", fault.Message, StringComparison.Ordinal);
        var none = Assert.Throws<UserErrorException>(() => new PatchSimilarity(new()).Maps(model, zeros(1, 3, 4, 4), [0]));
        Assert.Contains("linear classifier", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Scores_OverScalesAndMirrored_ByHand()
    {
        using var model = new WithMaps();
        using var scope = NewDisposeScope();
        var source = new Columns();
        // An image of 1 x 4 pixels, each its own value; the source gives them back, plus the column's number times 10.
        Tensor Input(double scale) => tensor(new[] { 1f, 2f, 3f, 4f }, [1, 1, 1, 4]) * scale;
        var pixels = zeros(3, 1, 4);
        // Straight: 1, 12, 23, 34. Mirrored: image 4, 3, 2, 1 gives 4, 13, 22, 31, back 31, 22, 13, 4. Greatest: 31, 22, 23, 34;
        // least 22, greatest 34: 9/12, 0, 1/12, 1.
        var greatest = new ScoreMaps(model, source, new ScoreMapOptions(Flip: true)).Of(Input, pixels, [0], 1, 4);
        Assert.Equal([0.75f, 0f, 1 / 12f, 1f], greatest.Values<float>(), (a, b) => Math.Abs(a - b) < 1e-6f);
        // Sums: 32, 34, 36, 38.
        var sums = new ScoreMaps(model, source, new ScoreMapOptions(Flip: true, Mirror: MirrorMerge.Sum)).Of(Input, pixels, [0], 1, 4);
        Assert.Equal([0f, 1 / 3f, 2 / 3f, 1f], sums.Values<float>(), (a, b) => Math.Abs(a - b) < 1e-6f);
        // Scales 1 and 3: 1 + 3, 12 + 16, 23 + 29, 34 + 42 = 4, 28, 52, 76.
        var scales = new ScoreMaps(model, source, new ScoreMapOptions(Scales: [1, 3])).Of(Input, pixels, [0], 1, 4);
        Assert.Equal([0f, 1 / 3f, 2 / 3f, 1f], scales.Values<float>(), (a, b) => Math.Abs(a - b) < 1e-6f);
        // Twice as large: values between the pixels' middles.
        var large = new ScoreMaps(model, source, new ScoreMapOptions()).Of(Input, pixels, [0], 2, 8);
        Assert.Equal([1, 2, 8], large.shape);
        Assert.Equal(0.25f * (12f - 1) / 33, large[0, 1, 1].item<float>(), 5);
        Assert.Equal([0, 2, 3], new ScoreMaps(model, source).Of(Input, pixels, [], 2, 3).shape);
    }

    [Fact]
    public void Unit_OfAMapThatIsTheSameEverywhere_IsZero()
    {
        using var scope = NewDisposeScope();
        var maps = stack([full([2, 2], 5f), tensor(new[] { 1e-30f, 2e-30f, 3e-30f, 1e-30f }, [2, 2])]);
        Assert.Equal([0f, 0f, 0f, 0f, 0f, 0.5f, 1f, 0f], ScoreMaps.Unit(maps).Values<float>(), (a, b) => Math.Abs(a - b) < 1e-4f);
    }

    private sealed class Columns : ClassMapSource
    {
        public override string Title => "columns";

        public override Tensor Maps(VisionModel model, Tensor images, IReadOnlyList<int> classes) =>
            images + (arange(0, images.shape[3], dtype: ScalarType.Float32) * 10);
    }

    /// <summary>A model with maps of its own and no classifier.</summary>
    private sealed class WithMaps() : VisionModel(nameof(WithMaps)), IGivesClassMaps
    {
        public override IReadOnlyCollection<ClassTensor> ClassTensors => [];

        public IReadOnlyList<string> MapKinds => ["fused", "patch"];

        // Class k is k everywhere.
        public Tensor ClassMaps(Tensor images, string kind) =>
            arange(0, 4, dtype: ScalarType.Float32).view(1, 4, 1, 1).expand(images.shape[0], 4, 2, 2);

        public override LossMap Loss(Batch batch, Progress progress) => [];

        public override IReadOnlyList<Prediction> Predict(Batch batch) => [];
    }
}
