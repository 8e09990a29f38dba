using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Running;
using Tessera.Models.Generation;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Generation;

[Collection(ProcessWide.Name)]
public sealed class GanTests
{
    private static readonly DataInfo Three = Build.Classes(3);

    // Both follow torchgan's layers; r = log2(size) - 3.
    // Size 32, channels 64, latent 100, r = 2: 100·256·16 + 512, 256·128·16 + 256, 128·64·16 + 128, 64·3·16 + 3.
    [Theory]
    [InlineData(32, 64, 0, 409_600 + 512 + 524_288 + 256 + 131_072 + 128 + 3_072 + 3)]
    // Size 16, channels 8, a class embedding of 5 for 3 classes, r = 1: 105·16·16 + 32, 16·8·16 + 16, 8·3·16 + 3, 3·5.
    [InlineData(16, 8, 5, 26_880 + 32 + 2_048 + 16 + 384 + 3 + 15)]
    // Size 128, channels 4, r = 4: 100·64·16 + 128, then halving down to 4, 4·3·16 + 3.
    [InlineData(128, 4, 0, 102_400 + 128 + 32_768 + 64 + 8_192 + 32 + 2_048 + 16 + 512 + 8 + 192 + 3)]
    public void Generator_OfASize_HasThePapersLayers(int size, int channels, int embed, long parameters)
    {
        using var generator = new DcganGenerator(new(size, 100, channels, embed), Three);
        Assert.Equal(parameters, generator.parameters().Sum(p => p.numel()));
        using var scope = NewDisposeScope();
        var images = generator.Draw(randn(2, 100), tensor((long[])[0, 2]));
        Assert.Equal([2, 3, size, size], images.shape);
        Assert.True(images.abs().max().ToDouble() <= 1);
    }

    // Size 32, channels 64: 3·64·16 + 64, 64·128·16 + 256, 128·256·16 + 512.
    [Theory]
    [InlineData(32, 64, 3_072 + 64 + 131_072 + 256 + 524_288 + 512, 256)]
    [InlineData(16, 8, 384 + 8 + 2_048 + 32, 16)]
    public void Discriminator_OfASize_EndsAtFourByFour(int size, int channels, long parameters, int width)
    {
        using var body = new DcganDiscriminator(new(size, channels));
        Assert.Equal(parameters, body.parameters().Sum(p => p.numel()));
        using var scope = NewDisposeScope();
        Assert.Equal([2, width, 4, 4], body.call(randn(2, 3, size, size)).shape);
    }

    [Theory]
    [InlineData(32, 64)]
    [InlineData(16, 8)]
    public void SpectralDiscriminator_OfASize_HasBiasesAndNoNorms(int size, int channels)
    {
        using var body = new DcganDiscriminator(new(size, channels, Norm: DiscriminatorNorm.Spectral));
        using var batch = new DcganDiscriminator(new(size, channels));
        var norms = batch.parameters().Where(p => p.dim() == 1).Sum(p => p.numel()) - channels;
        Assert.Equal(batch.parameters().Sum(p => p.numel()) - (norms / 2), body.parameters().Sum(p => p.numel())); // two numbers, one bias
        using var scope = NewDisposeScope();
        Assert.Equal([2, body.OutChannels, 4, 4], body.call(randn(2, 3, size, size)).shape);
    }

    [Fact]
    public void SpectralConv_StretchesNothing_AndItsLargestDirectionByOne()
    {
        using var layer = new SpectralConv2d(3, 5, 4, bias: false);
        using var scope = NewDisposeScope();
        layer.Start(7); // however large the weights are
        layer.train();
        for (var i = 0; i < 100; i++)
            _ = layer.call(randn(1, 3, 4, 4));
        layer.eval();
        var matrix = layer.call(eye(48).reshape(48, 3, 4, 4)).flatten(1); // [48, 5]: what it makes of every pixel
        Assert.Equal(1, linalg.svdvals(matrix)[0].ToDouble(), 1e-3);
    }

    [Fact]
    public void Weights_AtTheStart_AreOfThePapersNormals()
    {
        using var generator = new DcganGenerator(new(32), Three);
        foreach (var (name, parameter) in generator.named_parameters())
        {
            var values = parameter.cpu().Values<float>();
            var (mean, deviation) = (values.Average(), Math.Sqrt(values.Sum(v => (double)v * v) / values.Length));
            if (name.EndsWith("bias", StringComparison.Ordinal))
                Assert.All(values, v => Assert.Equal(0, v));
            else if (parameter.dim() == 4)
                Assert.Equal(0.02, deviation, 0.002);
            else
                Assert.Equal(1, mean, 0.01f);
        }
    }

    [Theory]
    [InlineData(48, "48; a power of two was expected, such as 64")]
    [InlineData(1024, "needs a layer of 32768 channels")]
    public void Size_ThatCantBe_IsNamed(int size, string said) =>
        Assert.Contains(
            said,
            Assert.Throws<UserErrorException>(() => new DcganGenerator(new(size, Channels: 256), Three)).Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("none", 0, 0)] // no class embedding, none in the discriminator
    [InlineData("projection", 6, (3 * 6) + (3 * 16))]
    [InlineData("ac", 6, (3 * 6) + (3 * 16) + 3)]
    public void Condition_AddsWhatItNeedsAndTrainsBothNets(string condition, int embed, long classParameters)
    {
        using var model = Model(condition, embed);
        Assert.Equal(
            classParameters,
            model.ClassTensors.Sum(tensor => model.named_parameters().Single(p => p.name == tensor.Name).parameter.numel())
        );
        using var step = Step(model);
        using var batch = Batch();
        step.TrainMode();
        var before = model.named_parameters().ToDictionary(p => p.name, p => p.parameter.detach().clone());
        string[] expected = condition == "ac" ? ["d_real", "d_fake", "d_class", "g", "g_class"] : ["d_real", "d_fake", "g"];
        for (var i = 0; i < 2; i++)
        {
            using var scope = NewDisposeScope();
            var losses = step.Run(batch, new Progress(i, 2, 0, 1));
            Assert.Equal(expected, losses.Keys);
            Assert.All(losses.Values, loss => Assert.True(double.IsFinite(loss.ToDouble())));
        }
        foreach (var (name, parameter) in model.named_parameters())
            Assert.False(parameter.equal(before[name]).all().ToBoolean(), $"{name} did not move");
    }

    [Fact]
    public void Steps_OfOneNet_LeaveTheOtherAlone()
    {
        using var model = Model("projection", 6, "\"generator_every\": 2,");
        using var step = Step(model);
        using var batch = Batch();
        step.TrainMode();
        using var scope = NewDisposeScope();
        Assert.Contains("g", step.Run(batch, new Progress(0, 4, 0, 1)).Keys);
        var generator = Weights(model, "generator");
        var discriminator = Weights(model, "discriminator");
        Assert.DoesNotContain("g", step.Run(batch, new Progress(1, 4, 0, 1)).Keys);
        Assert.Equal(generator, Weights(model, "generator"));
        Assert.NotEqual(discriminator, Weights(model, "discriminator"));
    }

    [Fact]
    public void Losses_WhereTheDiscriminatorTellsNothing_AreLnTwo()
    {
        using var scope = NewDisposeScope();
        var (zero, bce, hinge) = (zeros(5), new BceGanLoss(), new HingeGanLoss());
        Assert.Equal(2 * Math.Log(2), (bce.Real(zero) + bce.Fake(zero)).ToDouble(), 1e-6); // 1.386
        Assert.Equal(Math.Log(2), bce.Generator(zero).ToDouble(), 1e-6); // 0.693
        Assert.Equal(2, (hinge.Real(zero) + hinge.Fake(zero)).ToDouble(), 1e-6);
        Assert.Equal(0, hinge.Generator(zero).ToDouble(), 1e-6);

        // Scores 2 and -3: softplus(-2) = 0.126928, softplus(3) = 3.048587; softplus(2) = 2.126928, softplus(-3) = 0.048587.
        var scores = tensor((float[])[2, -3]);
        Assert.Equal((0.126928 + 3.048587) / 2, bce.Real(scores).ToDouble(), 1e-5);
        Assert.Equal((2.126928 + 0.048587) / 2, bce.Fake(scores).ToDouble(), 1e-5);
        Assert.Equal((0.0 + 4) / 2, hinge.Real(scores).ToDouble(), 1e-6); // max(0, 1 - 2), max(0, 1 + 3)
        Assert.Equal((3.0 + 0) / 2, hinge.Fake(scores).ToDouble(), 1e-6);
        Assert.Equal(0.5, hinge.Generator(scores).ToDouble(), 1e-6);
    }

    [Fact]
    public void Projection_AddsTheClassesInnerProduct()
    {
        using var model = Formula.Fill(Model("projection", 6));
        model.eval();
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        var heads = (DiscriminatorHeads)model.named_children().Single(c => c.name == "discriminator").module;
        var map = heads.call(Formula.Values("images", 2, 3, 16, 16));
        var pooled = map.sum([2, 3]).Values<float>(); // [2, 16]
        var rows = model.state_dict()["discriminator.projection.weight"].Values<float>();
        var plain = Plain(model, map);
        var found = heads.Score(map, tensor((long[])[2, 0])).Values<float>();
        for (var b = 0; b < 2; b++)
        {
            var row = b == 0 ? 2 : 0;
            var product = Enumerable.Range(0, 16).Sum(c => pooled[(b * 16) + c] * rows[(row * 16) + c]);
            Assert.Equal(plain[b] + product, found[b], 1e-4f);
        }
    }

    [Fact]
    public void Generate_DependsOnEachImagesSeedAndClassAlone()
    {
        using var model = Model("projection", 6);
        model.eval();
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        var together = Draw(model, [0, 1, 1], [7, 8, 7]);
        var alone = Draw(model, [1], [8]);
        Assert.Equal(together[1].Values<float>(), alone[0].Values<float>(), (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.NotEqual(together[0].Values<float>(), together[2].Values<float>()); // same noise, another class
        Assert.NotEqual(together[1].Values<float>(), together[2].Values<float>()); // same class, other noise
    }

    [Theory]
    [InlineData("ac")]
    [InlineData("projection")]
    public void Agreement_IsTheProbabilityOfTheClass(string condition)
    {
        using var model = Model(condition, 6);
        model.eval();
        using var batch = Batch();
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        var predicted = model.Predict(batch).Cast<ClassPrediction>().ToArray();
        var found = model.Agreement(batch.Images, batch.Labels!)!.Values<float>();
        var labels = batch.Labels!.Values<long>();
        for (var i = 0; i < found.Length; i++)
            Assert.Equal(predicted[i].Scores[labels[i]], found[i], 1e-6f);
    }

    [Fact]
    public void Unconditional_ScoresImagesAndKnowsNoClasses()
    {
        using var model = Model("none", 0);
        model.eval();
        using var batch = Batch();
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        Assert.All(model.Predict(batch), p => Assert.Equal("score", Assert.IsType<ScorePrediction>(p).Name));
        Assert.Null(model.Agreement(batch.Images, batch.Labels!));
        Assert.False(model.ByClass);
    }

    [Theory]
    [InlineData("""{ "condition": "projection" }""", "class_embed")]
    [InlineData("""{ "generator": { "type": "DcganGenerator", "size": 16, "class_embed": 4 } }""", "condition is none")]
    [InlineData("""{ "discriminator": { "type": "DcganDiscriminator", "size": 32 } }""", "draws 16 x 16")]
    public void Parts_ThatDontFit_AreNamed(string change, string said)
    {
        var config = System.Text.Json.Nodes.JsonNode.Parse(Config("none", 0, ""))!.AsObject();
        foreach (var (key, value) in System.Text.Json.Nodes.JsonNode.Parse(change)!.AsObject())
            config[key] = value!.DeepClone();
        var error = Assert.Throws<UserErrorException>(() => Build.From<VisionModel>(config.ToJsonString(), Three));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2.5, 16, "Normalize them by")]
    [InlineData(1, 32, "have 3 x 32 x 32")]
    public void Batch_ThatTheModelCantDraw_IsNamed(double scale, int size, string said)
    {
        using var model = Model("none", 0);
        using var batch = Batch(size);
        using var scope = NewDisposeScope();
        batch.Images = (batch.Images / batch.Images.abs().max() * scale).DetachFromDisposeScope();
        var error = Assert.Throws<UserErrorException>(() => model.Loss(batch, default));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OneOptimizer_IsAMistakeThatNamesBoth()
    {
        using var model = Model("none", 0);
        using var step = new TrainStep(
            new StepParts
            {
                Model = model,
                Optimizers = new Dictionary<string, OptimizerFactory> { ["optimizer"] = new Sgd(new SgdOptions(0.1)) },
            }
        );
        using var batch = Batch();
        var error = Assert.Throws<UserErrorException>(() => step.Run(batch, default));
        Assert.Contains("\"generator\" and \"discriminator\"", error.Message, StringComparison.Ordinal);
    }

    private static float[] Plain(Gan model, Tensor map) =>
        nn
            .functional.conv2d(map, model.state_dict()["discriminator.score.weight"], model.state_dict()["discriminator.score.bias"])
            .flatten()
            .Values<float>();

    private static Tensor Draw(Gan model, long[] labels, long[] seeds) => model.Generate(tensor(labels), new NoiseStreams(seeds, CPU));

    private static string[] Weights(Gan model, string part) =>
        [
            .. model
                .named_parameters()
                .Where(p => p.name.StartsWith(part, StringComparison.Ordinal))
                .Select(p => string.Join(' ', p.parameter.detach().Values<float>())),
        ];

    private static string Config(string condition, int embed, string more) =>
        $$"""
            {
              "type": "Gan", "condition": "{{condition}}", {{more}}
              "generator": { "type": "DcganGenerator", "size": 16, "latent": 10, "channels": 8, "class_embed": {{embed}} },
              "discriminator": { "type": "DcganDiscriminator", "size": 16, "channels": 8 },
              "diff_augment": { }
            }
            """;

    private static Gan Model(string condition, int embed, string more = "") =>
        (Gan)Build.From<VisionModel>(Config(condition, embed, more), Three);

    private static Batch Batch(int size = 16)
    {
        var batch = Build.Batch(6, size, Three);
        using var scope = NewDisposeScope();
        batch.Images = batch.Images.clamp_min(-1).clamp_max(1).DetachFromDisposeScope();
        return batch;
    }

    private static TrainStep Step(Gan model) =>
        new(
            new StepParts
            {
                Model = model,
                Optimizers = new Dictionary<string, OptimizerFactory>
                {
                    ["generator"] = new Adam(new AdamOptions(0.01)) { Parameters = ["generator"] },
                    ["discriminator"] = new Adam(new AdamOptions(0.01)) { Parameters = ["discriminator"] },
                },
            }
        );
}
