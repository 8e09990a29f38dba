using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels.Segmentation;
using TorchSharp;
using static Tessera.Tests.Models.TaskModels.SegmentorScenes;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.TaskModels;

public sealed class SegmentorTests
{
    [Theory]
    [InlineData(Fcn)]
    [InlineData("""{ "type": "AsppHead", "channels": 6 }""")]
    [InlineData("""{ "type": "SepAsppHead", "channels": 6 }""")]
    [InlineData("""{ "type": "PspHead", "channels": 6, "align_corners": true }""")]
    [InlineData("""{ "type": "ConcatHead" }""")]
    [InlineData("""{ "type": "UPerHead", "channels": 6 }""")]
    [InlineData("""{ "type": "FpnHead", "channels": 6 }""")]
    [InlineData("""{ "type": "SegformerHead", "channels": 6 }""")]
    [InlineData("""{ "type": "OcrHead", "channels": 6, "ocr_channels": 4 }""")]
    public void Segmentor_AnyImageSize_TrainsAndPredicts(string head)
    {
        using var model = Model($$"""{{SmallBackbone}}, "decode_head": {{head}}, "auxiliary_head": {{Fcn}}""");
        foreach (var (count, height, width) in new[] { (1, 17, 33), (2, 65, 97), (1, 9, 9), (1, 40, 200) })
        {
            using var batch = Batch(count, height, width);
            using var scope = NewDisposeScope();
            model.train();
            var losses = model.Loss(batch, default);
            Assert.Equal(["decode.loss", "aux.loss"], losses.Keys);
            Assert.All(losses.Values, loss => Assert.True(double.IsFinite(loss.item<float>())));
            losses.Total().backward();

            model.eval();
            using var gradients = no_grad();
            var predictions = model.Predict(batch).Cast<SegmentationPrediction>().ToArray();
            Assert.Equal(count, predictions.Length);
            Assert.All(predictions, prediction => Assert.Equal((height, width), (prediction.Map.Height, prediction.Map.Width)));
        }
    }

    [Fact]
    public void Loss_EveryPixelIgnored_IsZeroWithZeroGradient()
    {
        using var model = Model($$"""{{SmallBackbone}}, "decode_head": {{Fcn}}""");
        using var batch = Batch(2, 33, 33);
        batch.SegmentationMaps!.fill_(255);
        using var scope = NewDisposeScope();
        var loss = model.Loss(batch, default).Total();
        Assert.Equal(0, loss.item<float>());
        loss.backward();
        Assert.All(model.parameters(), parameter => Assert.True(parameter.grad!.isfinite().all().item<bool>()));
    }

    [Fact]
    public void Loss_SeveralAuxiliaryHeads_AreNamedAndWeighted()
    {
        using var model = Model(
            $$"""
            {{SmallBackbone}}, "decode_head": { "type": "FcnHead", "channels": 6, "dropout": 0, "losses": { "ce": { "type": "CrossEntropyLoss" }, "twice": { "type": "CrossEntropyLoss", "weight": 2 } } },
            "auxiliary_heads": { "early": { "type": "FcnHead", "in_index": 1, "losses": { "ce": { "type": "CrossEntropyLoss", "weight": 0.4 } } }, "late": { "type": "FcnHead", "in_index": 2 } }
            """
        );
        using var batch = Batch(2, 33, 41);
        using var scope = NewDisposeScope();
        model.eval();
        var losses = model.Loss(batch, default);
        Assert.Equal(["decode.ce", "decode.twice", "early.ce", "late.loss"], losses.Keys);
        Assert.Equal(2 * losses["decode.ce"].item<float>(), losses["decode.twice"].item<float>(), 1e-6f);

        // By hand: the logits enlarged to the labels' size, and the mean over pixels.
        var logits = nn.functional.interpolate(
            model.Logits(batch.Images),
            [33, 41],
            mode: InterpolationMode.Bilinear,
            align_corners: false
        );
        Assert.Equal(nn.functional.cross_entropy(logits, batch.SegmentationMaps!).item<float>(), losses["decode.ce"].item<float>(), 1e-5f);
    }

    [Fact]
    public void OcrHead_SeveralAuxiliaryHeads_TakesThePriorThatIsNamed()
    {
        const string heads =
            """ "decode_head": { "type": "OcrHead", "channels": 6, "ocr_channels": 4 }, "auxiliary_heads": { "a": { "type": "FcnHead" }, "b": { "type": "FcnHead" } } """;
        Assert.Contains("say which of the auxiliary_heads", Throws($"{SmallBackbone}, {heads}"), StringComparison.Ordinal);
        Assert.Contains(
            "there is no auxiliary head \"c\"",
            Throws($$"""{{SmallBackbone}}, {{heads}}, "prior": "c" """),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "refines the logits of an auxiliary head, but there is none",
            Throws($$"""{{SmallBackbone}}, "decode_head": { "type": "OcrHead" }"""),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "takes no other head's logits",
            Throws($$"""{{SmallBackbone}}, "decode_head": {{Fcn}}, "auxiliary_head": {{Fcn}}, "prior": "aux" """),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "it can't be an auxiliary head",
            Throws($$"""{{SmallBackbone}}, "decode_head": {{Fcn}}, "auxiliary_head": { "type": "OcrHead" }"""),
            StringComparison.Ordinal
        );

        using var model = Model($$"""{{SmallBackbone}}, {{heads}}, "prior": "b" """);
        model.eval();
        using var scope = NewDisposeScope();
        using var a = model.Tap("auxiliary_heads.a");
        using var b = model.Tap("auxiliary_heads.b");
        _ = model.Logits(Formula.Values("images", 1, 3, 33, 33));
        Assert.Empty(a.Values); // a prediction runs what it needs
        Assert.Single(b.Values);
    }

    [Fact]
    public void ProjectionHead_WithoutContrast_IsAMistake() =>
        Assert.Contains(
            "no loss compares embeddings",
            Throws($$"""{{SmallBackbone}}, "decode_head": {{Fcn}}, "projection_head": { "type": "ProjectionHead" }"""),
            StringComparison.Ordinal
        );

    [Fact]
    public void ContrastiveLoss_WithoutProjectionHead_IsAMistake() =>
        Assert.Contains(
            "the model has no projection_head",
            Throws(
                $$"""{{SmallBackbone}}, "decode_head": { "type": "FcnHead", "losses": { "contrast": { "type": "PixelContrastLoss" } } }"""
            ),
            StringComparison.Ordinal
        );

    [Fact]
    public void ProjectionHead_RunsInTrainingOnly()
    {
        using var model = Model(
            $$"""
            {{SmallBackbone}}, "projection_head": { "type": "ProjectionHead", "dim": 8 },
            "decode_head": { "type": "FcnHead", "channels": 6, "losses": { "ce": { "type": "CrossEntropyLoss" }, "contrast": { "type": "PixelContrastLoss" } } }
            """
        );
        using var batch = Batch(2, 65, 65);
        using var scope = NewDisposeScope();
        using var tap = model.Tap("projection_head");
        var losses = model.Loss(batch, default);
        Assert.Equal([2, 17, 17], new[] { tap.Value.shape[0], tap.Value.shape[2], tap.Value.shape[3] });
        losses.Total().backward();
        Assert.All(model.named_parameters(), parameter => Assert.True(parameter.parameter.grad is not null, parameter.name));
        tap.Dispose();

        using var again = model.Tap("projection_head");
        model.eval();
        _ = model.Predict(batch);
        Assert.Empty(again.Values);
    }

    [Fact]
    public void ConcatHeadAndProjectionHead_SameMaps_ShareWhatTheyJoin()
    {
        using var model = Model(
            $$"""
            {{SmallBackbone}}, "projection_head": { "type": "ProjectionHead", "dim": 8 },
            "decode_head": { "type": "ConcatHead", "dropout": 0, "losses": { "ce": { "type": "CrossEntropyLoss" }, "contrast": { "type": "PixelContrastLoss" } } }
            """
        );
        using var batch = Batch(2, 65, 65);
        using var scope = NewDisposeScope();
        Tensor together,
            apart;
        using (var tap = model.Tap("decode_head"))
        {
            model.Loss(batch, default).Total().backward();
            together = tap.Value.detach().clone();
            Assert.All(model.named_parameters(), parameter => Assert.True(parameter.parameter.grad is not null, parameter.name));
        }
        using (no_grad())
            apart = model.Logits(batch.Images); // each head joins by itself
        Assert.True(together.sub(apart).abs().max().item<float>() < 1e-5);
    }

    [Fact]
    public void Segmentor_DataOrHeadsThatDontFit_AreTheUsersMistake()
    {
        var classes = Assert.Throws<UserErrorException>(() =>
            Build.From<VisionModel>($$"""{ "type": "Segmentor", {{SmallBackbone}}, "decode_head": {{Fcn}} }""", Build.Classes(3))
        );
        Assert.Contains("needs data with segmentation maps", classes.Message, StringComparison.Ordinal);
        Assert.Contains(
            "\"auxiliary_head\" or \"auxiliary_heads\", not both",
            Throws($$"""{{SmallBackbone}}, "decode_head": {{Fcn}}, "auxiliary_head": {{Fcn}}, "auxiliary_heads": { "b": {{Fcn}} }"""),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "choose another name",
            Throws($$"""{{SmallBackbone}}, "decode_head": {{Fcn}}, "auxiliary_heads": { "decode": {{Fcn}} }"""),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "gives a vector",
            Throws(
                $$""" "backbone": { "type": "VisionTransformer", "embed_dim": 32, "depth": 1, "num_heads": 2 }, "decode_head": {{Fcn}}"""
            ),
            StringComparison.Ordinal
        );

        using var model = Model($$"""{{SmallBackbone}}, "decode_head": {{Fcn}}""");
        using var batch = Batch(1, 17, 17);
        batch.SegmentationMaps = null;
        Assert.Contains(
            "LoadSegmentation",
            Assert.Throws<UserErrorException>(() => model.Loss(batch, default)).Message,
            StringComparison.Ordinal
        );
        batch.SegmentationMaps = zeros([1, 33, 17], ScalarType.Int64);
        Assert.Contains(
            "17 x 17 pixels, their segmentation maps 33 x 17",
            Assert.Throws<UserErrorException>(() => model.Loss(batch, default)).Message,
            StringComparison.Ordinal
        );
    }
}
