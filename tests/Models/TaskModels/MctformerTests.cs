using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Methods;
using Tessera.Models.Heads;
using Tessera.Models.Losses.Contrast;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.TaskModels;

public sealed class MctformerTests : IDisposable
{
    private const string Backbone =
        """ "backbone": { "type": "MctTransformer", "embed_dim": 32, "depth": 3, "num_heads": 4, "image_size": 32, "patch_size": 8 } """;

    private static readonly DataInfo s_data = Build.Classes(4, DataTask.MultiLabel);

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void RankedPooling_ByHand()
    {
        using var scope = NewDisposeScope();
        var map = tensor(new float[] { 1, 4, 2, 3 }).reshape(1, 1, 2, 2);
        // (4 + 3/2 + 2/4 + 1/8) / (1 + 1/2 + 1/4 + 1/8) = 6.125 / 1.875
        Assert.Equal(3.266667f, RankedPooling.Of(map, 0.5).item<float>(), 1e-6f);
        Assert.Equal(2.5f, RankedPooling.Of(map, 1).item<float>(), 1e-6f);
        Assert.Equal(4f, RankedPooling.Of(map, 0).item<float>(), 1e-6f);
    }

    [Fact]
    public void ClassTokenContrast_ByHand()
    {
        using var scope = NewDisposeScope();
        // Right angles: cosines are the identity, each cross entropy is ln(1 + 2 / e) = 0.551445 of three classes.
        var apart = eye(3).unsqueeze(0).repeat(2, 1, 1);
        // All alike: ln 3 = 1.098612.
        var alike = ones(2, 3, 3);
        var labels = tensor(new float[] { 1, 0, 1, 0, 1, 0 }).reshape(2, 3);
        Assert.Equal(0.551445f, ClassTokenContrast.Of([apart], labels).item<float>(), 1e-5f);
        Assert.Equal(1.098612f, ClassTokenContrast.Of([alike], labels).item<float>(), 1e-5f);
        Assert.Equal((0.551445f + 1.098612f) / 2, ClassTokenContrast.Of([apart, alike], labels).item<float>(), 1e-5f);
        // An image without classes counts as one of the two, with 0.
        labels[1] = 0;
        Assert.Equal(1.098612f / 2, ClassTokenContrast.Of([alike], labels).item<float>(), 1e-5f);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("plus")]
    public void Loss_Backward_ReachesEveryParameter(string version)
    {
        using var model = Model($"\"version\": \"{version}\"");
        model.train();
        using var batch = Build.Batch(2, 32, s_data);
        using var scope = NewDisposeScope();
        model.Loss(batch, default).Total().backward();
        foreach (var (name, parameter) in model.named_parameters())
            Assert.True(parameter.grad is { } gradient && gradient.abs().sum().item<float>() > 0, name);
    }

    [Fact]
    public void ContrastLayers_AreTheLastBlocks()
    {
        using var batch = Build.Batch(2, 32, s_data);
        using var scope = NewDisposeScope();
        using var all = Model("\"contrast_weight\": 2");
        using var tap = all.Tap("backbone");
        var contrast = all.Loss(batch, default)["contrast"].item<float>();
        var terms = tap
            .Values.SkipLast(1)
            .Select(tokens => ClassTokenContrast.Of([tokens.view(2, 4, 32)], batch.SoftLabels!).item<float>())
            .ToArray();
        Assert.Equal(2 * terms.Average(), contrast, 1e-5f);
        using var last = Model("\"contrast_layers\": 1");
        Assert.Equal(terms[^1], last.Loss(batch, default)["contrast"].item<float>(), 1e-5f);
        using var none = Model("\"contrast_weight\": 0");
        Assert.DoesNotContain("contrast", none.Loss(batch, default).Keys);
    }

    [Fact]
    public void ClassMaps_AttentionByTaps_IsTheSame()
    {
        using var model = Model("\"version\": \"v2\", \"attention_layers\": 2");
        model.eval();
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 2, 3, 24, 40);
        var taps = Enumerable.Range(0, 3).Select(i => model.Tap($"backbone.blocks.{i}.attn.weights")).ToArray();
        var refined = model.ClassMaps(images, "class_attention");
        var attention = stack([.. taps.Select(tap => tap.Value.mean([1]))]); // [blocks, B, 4 + 15, 4 + 15]
        var plain = attention[1..].sum([0])[.., ..4, 4..];
        Assert.Equal([2, 4, 15], plain.shape);
        var expected = einsum("bij,bcj->bci", attention.sum([0])[.., 4.., 4..], plain).reshape(2, 4, 3, 5);
        Assert.True((expected - refined).abs().max().item<float>() < 1e-5f);
        Assert.True((plain.reshape(2, 4, 3, 5) - model.ClassMaps(images, "class_attention", false)).abs().max().item<float>() < 1e-5f);
        foreach (var tap in taps)
            tap.Dispose();
        Assert.Equal(1 + 1, model.Logits(images).dim()); // and runs on untapped
        using var unrefined = Model("\"version\": \"v2\", \"attention_layers\": 2, \"patch_affinity\": false");
        unrefined.eval();
        Assert.True((plain.reshape(2, 4, 3, 5) - unrefined.ClassMaps(images, "class_attention")).abs().max().item<float>() < 1e-5f);
    }

    [Fact]
    public void ClassMaps_UnknownKind_NamesTheKinds()
    {
        using var model = Model("\"version\": \"v1\"");
        using var images = Formula.Values("images", 1, 3, 32, 32);
        var error = Assert.Throws<UserErrorException>(() => model.ClassMaps(images, "fused"));
        Assert.Contains("class_attention", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Predict_IsTheSigmoidOfTheLogits()
    {
        using var model = Model("\"scores\": \"mean\"");
        model.eval();
        using var batch = Build.Batch(2, 32, s_data);
        using var scope = NewDisposeScope();
        var scores = model.Logits(batch.Images).sigmoid();
        foreach (var (prediction, i) in model.Predict(batch).Cast<ClassPrediction>().Select((prediction, i) => (prediction, i)))
        {
            Assert.Equal(scores[i].data<float>().ToArray(), prediction.Scores);
            Assert.Equal(prediction.Scores.Max(), prediction.Scores[prediction.Label]);
        }
    }

    [Theory]
    [InlineData("class_tokens", "backbone.blocks.2.norm1")]
    [InlineData("patches", "backbone.blocks.2")]
    public void GradCam_FindsTheGridBehindTheClassTokens(string scores, string layer)
    {
        using var model = Model($"\"scores\": \"{scores}\"");
        model.eval();
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 1, 3, 24, 40);
        var target = new ClassTarget([2], s_data.Classes);
        var found = MapLayers.Find(model, images, target);
        Assert.Equal(layer, found.Name);
        Assert.Equal((3, 5), (found.Grid.Height, found.Grid.Width));
        if (scores == "class_tokens")
            Assert.Equal(4, found.Grid.Leading);
        Assert.Equal([1, 24, 40], new Explainer(model).Map(images, target, new GradCam(), [found]).shape);
    }

    [Theory]
    [InlineData("bicubic", 14)]
    [InlineData("nearest", 14)]
    public void Init_FromDeit_RepeatsTheClassTokenAndResizesPositions(string fit, int side)
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(_folder, "deit.safetensors");
        var (token, positions) = (rand(1, 1, 32), rand(1, 1 + (side * side), 32));
        (string, Tensor)[] file = [("cls_token", token), ("pos_embed", positions), ("norm.weight", ones(32)), ("norm.bias", zeros(32))];
        ForeignFile.Write(path, file);
        using var model = Model(
            "\"version\": \"plus\"",
            Backbone
                .Replace("\"image_size\": 32", $"\"image_size\": {side * 16}, \"position_fit\": \"{fit}\"", StringComparison.Ordinal)
                .Replace(
                    "\"patch_size\": 8",
                    $$"""
                    "patch_size": 8, "init": { "type": "Pretrained", "checkpoint": "{{path}}", "keys": "timm" }
                    """,
                    StringComparison.Ordinal
                )
        );
        ModelInitialization.Apply(model, new InitContext(s_data));
        var state = model.state_dict();
        Assert.True(state["backbone.cls_token"].Equals(token[0].expand(4, -1)));
        Assert.True(state["backbone.pos_embed_cls"].Equals(positions[0, ..1].expand(4, -1)));
        var now = state["backbone.pos_embed_pat"].reshape(2 * side, 2 * side, 32);
        var before = positions[0, 1..].reshape(side, side, 32);
        if (fit == "nearest")
            for (var y = 0; y < 2 * side; y += 5)
            for (var x = 0; x < 2 * side; x += 3)
                Assert.True(now[y, x].Equals(before[y / 2, x / 2]), $"({x}, {y})");
        else
            Assert.Equal(before.mean().item<float>(), now.mean().item<float>(), 5e-3f);
    }

    [Theory]
    [InlineData("mctformer", 4)] // the file's grid is the model's
    [InlineData("timm", 1)]
    public void Init_FromAFileOfOtherClasses_TakesWhatIsNotTheirs(string keys, int leading)
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(_folder, "other.safetensors");
        var (tokens, positions) = (rand(1, leading, 32), rand(1, leading + 16, 32));
        ForeignFile.Write(path, [("cls_token", tokens), ("pos_embed", positions), ("head.weight", rand(leading, 32, 3, 3))]);
        var data = Build.Classes(3, DataTask.MultiLabel);
        using var model = Build.From<VisionModel>($$"""{ "type": "Mctformer", "version": "v2", {{Backbone}} }""", data);
        var before = model.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        new PretrainedInitializer(new PretrainedOptions(path, Keys: keys)).Initialize(model, new InitContext(data));
        var state = model.state_dict();
        Assert.True(state["backbone.pos_embed_pat"].Equals(positions[.., leading..]));
        Assert.True(state["head.weight"].Equals(before["head.weight"]));
        foreach (var (name, stored) in new[] { ("backbone.cls_token", tokens[0]), ("backbone.pos_embed_cls", positions[0, ..leading]) })
            Assert.True(state[name].Equals(leading == 1 ? stored.expand(3, -1) : before[name]), name);
    }

    [Theory]
    [InlineData("""{ "type": "Mctformer", "version": "v1", "scores": "mean", BACKBONE }""", "class_tokens")]
    [InlineData("""{ "type": "Mctformer", "version": "v2", "contrast_layers": 1, BACKBONE }""", "plus")]
    [InlineData("""{ "type": "Mctformer", "version": "v2", "contrast_weight": 0, BACKBONE }""", "plus")]
    [InlineData("""{ "type": "Mctformer", "version": "v2", "decay": 0.9, BACKBONE }""", "plus")]
    [InlineData("""{ "type": "Mctformer", "contrast_layers": 4, BACKBONE }""", "3 blocks")]
    [InlineData("""{ "type": "Mctformer", "attention_layers": 4, BACKBONE }""", "3 blocks")]
    [InlineData("""{ "type": "Mctformer", "backbone": { "type": "VisionTransformer", "arch": "tiny" } }""", "MctTransformer")]
    [InlineData("""{ "type": "Mctformer", "backbone": { "type": "MctTransformer", "arch": "tiny", "num_classes": 7 } }""", "4 classes")]
    public void Options_ThatDontFit_AreTold(string config, string says)
    {
        var error = Assert.Throws<UserErrorException>(() =>
            Build.From<VisionModel>(config.Replace("BACKBONE", Backbone, StringComparison.Ordinal), s_data)
        );
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Data_OfOneLabel_IsTold() =>
        Assert.Contains(
            "several labels",
            Assert
                .Throws<UserErrorException>(() => Build.From<VisionModel>($$"""{ "type": "Mctformer", {{Backbone}} }""", Build.Classes(4)))
                .Message,
            StringComparison.Ordinal
        );

    private static Mctformer Model(string options, string backbone = Backbone) =>
        Formula.Fill((Mctformer)Build.From<VisionModel>($$"""{ "type": "Mctformer", {{options}}, {{backbone}} }""", s_data));
}
