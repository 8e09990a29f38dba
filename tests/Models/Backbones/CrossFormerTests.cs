using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Backbones;

/// <summary>Against the authors' own code; see make_crossformer.py.</summary>
public sealed class CrossFormerTests
{
    private const double Tolerance = 1e-5;

    private const string Small = """ "type": "CrossFormer", "embed_dim": 48, "depths": [2, 2, 4, 2], "num_heads": [1, 2, 4, 4] """;

    private static string Arch(bool plus) => plus ? "plus_small" : "tiny";

    /// <summary>96 x 96 and 160 x 224 are filled up in every stage, each in another way.</summary>
    [Theory]
    [InlineData(false, 224, 224)]
    [InlineData(false, 96, 96)]
    [InlineData(false, 160, 224)]
    [InlineData(true, 224, 224)]
    [InlineData(true, 96, 96)]
    [InlineData(true, 160, 224)]
    public void Classifier_FormulaWeights_MatchesTheAuthors(bool plus, int height, int width)
    {
        var fixture = plus ? "crossformer_plus" : "crossformer";
        var expected = FixtureFile.Json("models", fixture + ".json").GetProperty($"{height}x{width}");
        using var model = Filled<VisionModel>(
            $$"""{ "type": "ImageClassifier", "backbone": { {{Small}}, "arch": "{{Arch(plus)}}", "small_grid": "square", "out_indices": [3] }, "head": { "type": "LinearHead" } }"""
        );
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var stem = model.Tap("backbone.patch_embed");
        using var norm = model.Tap("backbone.norm");
        var stages = new[] { 2, 2, 4, 2 }.Select((depth, stage) => model.Tap($"backbone.layers.{stage}.blocks.{depth - 1}")).ToArray();
        var logits = ((ImageClassifier)model).Logits(Formula.Values("images", 2, 3, height, width));

        void Same(string name, Tensor actual) =>
            ParityTests.AssertClose(expected.GetProperty(name), actual, $"{fixture} {name}", Tolerance);
        Same("stem", stem.Value.flatten(2).transpose(1, 2));
        for (var i = 0; i < stages.Length; i++)
            Same($"stage{i}", stages[i].Value);
        Same("norm", norm.Value);
        Same("logits", logits);
        foreach (var stage in stages)
            stage.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Pyramid_FormulaWeights_MatchesTheAuthorsDetector(bool plus)
    {
        var fixture = plus ? "crossformer_plus" : "crossformer";
        var expected = FixtureFile.Json("models", fixture + ".json").GetProperty("maps");
        using var backbone = Filled<Backbone>($$"""{ {{Small}}, "arch": "{{Arch(plus)}}" }""");
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var maps = backbone.call(Formula.Values("images", 2, 3, 160, 224));
        Assert.Equal(4, maps.Length);
        for (var i = 0; i < maps.Length; i++)
            ParityTests.AssertClose(expected.GetProperty($"stage{i}"), maps[i], $"{fixture} map {i}", Tolerance);
    }

    /// <summary>The authors' detector keeps to short distances for ever once it has seen a small image.</summary>
    [Fact]
    public void LargeImage_AfterASmallOne_GivesTheSameAsBefore()
    {
        using var backbone = Filled<Backbone>($$"""{ {{Small}} }""");
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var before = backbone.call(Formula.Values("images", 1, 3, 96, 128));
        foreach (var side in new[] { 16, 4, 1, 33, 64, 75, 24, 48 }) // more sizes than are kept
            _ = backbone.call(Formula.Values("images", 1, 3, side, side + 3));
        var after = backbone.call(Formula.Values("images", 1, 3, 96, 128));
        foreach (var (a, b) in before.Zip(after))
            Assert.True(a.equal(b).all().item<bool>());
    }

    [Theory]
    [InlineData("""{ "patch_sizes": [4, 7] }""", "patch_sizes must be 4 or more by an even number (1024 at most), not [4, 7]")]
    [InlineData("""{ "merge_sizes": [1, 2] }""", "merge_sizes must be 2 or more by an even number (1024 at most), not [1, 2]")]
    [InlineData("""{ "embed_dim": 36 }""", "4 patch_sizes halve the width 3 times, which 36 does not allow")]
    [InlineData("""{ "group_sizes": [7, 7] }""", "group_sizes has 2 values, but depths 4")]
    [InlineData("""{ "depths": [1, 1, 1, 1, 1] }""", "with 5 stages, say num_heads for each")]
    [InlineData("""{ "intervals": [8, 4, 0, 1] }""", "intervals must be positive, not [8, 4, 0, 1]")]
    public void Options_ThatDoNotFit_AreNamed(string options, string message)
    {
        var config = """{ "type": "CrossFormer", """ + options.TrimStart('{');
        var error = Assert.Throws<UserErrorException>(() => Build.From<Backbone>(config));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    /// <summary>A classifier's checkpoint as pyramid: only its head and last norm have no place.</summary>
    [Fact]
    public void Keys_OfAClassifier_FitAPyramid()
    {
        using var classifier = Build.From<Backbone>($$"""{ {{Small}}, "out_indices": [3] }""");
        using var pyramid = Build.From<Backbone>($$"""{ {{Small}} }""");
        var map = pyramid.KeyMaps["cheerss"];
        var keys = classifier.state_dict().Keys.Concat(["head.weight", "head.bias", "layers.0.blocks.1.attn_mask"]).ToArray();
        Assert.Equal(pyramid.state_dict().Keys.Order(), keys.Select(map.Rename).OfType<string>().Order());
        Assert.Equal(
            ["norm.weight", "norm.bias", "head.weight", "head.bias", "layers.0.blocks.1.attn_mask"],
            keys.Where(k => map.Rename(k) is null)
        );
        Assert.True(map.Computed!("layers.0.blocks.1.attn_mask"));
        Assert.True(map.Computed!("layers.0.blocks.1.attn.biases"));
        Assert.False(map.Computed!("layers.0.blocks.1.attn.proj.bias"));
    }

    private static T Filled<T>(string config)
        where T : nn.Module
    {
        var model = Build.From<T>(config, Build.Classes(10));
        var map = model is VisionModel vision ? vision.KeyMaps["cheerss"] : ((Backbone)(object)model).KeyMaps["cheerss"];
        Formula.Fill(model, map);
        model.eval();
        return model;
    }
}
