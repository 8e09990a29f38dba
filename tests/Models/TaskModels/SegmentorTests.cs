using System.Numerics;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels.Segmentation;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.TaskModels;

public sealed class SegmentorTests
{
    private const string Backbone = """ "backbone": { "type": "ResNet", "depth": 18, "base_channels": 4, "output_stride": 8 } """;
    private const string Fcn = """{ "type": "FcnHead", "channels": 6, "num_convs": 1 }""";

    private static readonly DataInfo _info = Build.Classes(4, DataTask.Segmentation);

    [Theory]
    [InlineData(Fcn)]
    [InlineData("""{ "type": "AsppHead", "channels": 6 }""")]
    [InlineData("""{ "type": "SepAsppHead", "channels": 6 }""")]
    [InlineData("""{ "type": "PspHead", "channels": 6, "align_corners": true }""")]
    [InlineData("""{ "type": "ConcatHead" }""")]
    [InlineData("""{ "type": "OcrHead", "channels": 6, "ocr_channels": 4 }""")]
    public void Segmentor_AnyImageSize_TrainsAndPredicts(string head)
    {
        using var model = Model($$"""{{Backbone}}, "decode_head": {{head}}, "auxiliary_head": {{Fcn}}""");
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
        using var model = Model($$"""{{Backbone}}, "decode_head": {{Fcn}}""");
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
            {{Backbone}}, "decode_head": { "type": "FcnHead", "channels": 6, "dropout": 0, "losses": { "ce": { "type": "CrossEntropyLoss" }, "twice": { "type": "CrossEntropyLoss", "weight": 2 } } },
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
        Assert.Contains("say which of the auxiliary_heads", Throws($"{Backbone}, {heads}"), StringComparison.Ordinal);
        Assert.Contains(
            "there is no auxiliary head \"c\"",
            Throws($$"""{{Backbone}}, {{heads}}, "prior": "c" """),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "refines the logits of an auxiliary head, but there is none",
            Throws($$"""{{Backbone}}, "decode_head": { "type": "OcrHead" }"""),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "takes no other head's logits",
            Throws($$"""{{Backbone}}, "decode_head": {{Fcn}}, "auxiliary_head": {{Fcn}}, "prior": "aux" """),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "it can't be an auxiliary head",
            Throws($$"""{{Backbone}}, "decode_head": {{Fcn}}, "auxiliary_head": { "type": "OcrHead" }"""),
            StringComparison.Ordinal
        );

        using var model = Model($$"""{{Backbone}}, {{heads}}, "prior": "b" """);
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
            Throws($$"""{{Backbone}}, "decode_head": {{Fcn}}, "projection_head": { "type": "ProjectionHead" }"""),
            StringComparison.Ordinal
        );

    [Fact]
    public void ContrastiveLoss_WithoutProjectionHead_IsAMistake() =>
        Assert.Contains(
            "the model has no projection_head",
            Throws($$"""{{Backbone}}, "decode_head": { "type": "FcnHead", "losses": { "contrast": { "type": "PixelContrastLoss" } } }"""),
            StringComparison.Ordinal
        );

    [Fact]
    public void ProjectionHead_RunsInTrainingOnly()
    {
        using var model = Model(
            $$"""
            {{Backbone}}, "projection_head": { "type": "ProjectionHead", "dim": 8 },
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
            {{Backbone}}, "projection_head": { "type": "ProjectionHead", "dim": 8 },
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
            Build.From<VisionModel>($$"""{ "type": "Segmentor", {{Backbone}}, "decode_head": {{Fcn}} }""", Build.Classes(3))
        );
        Assert.Contains("needs data with segmentation maps", classes.Message, StringComparison.Ordinal);
        Assert.Contains(
            "\"auxiliary_head\" or \"auxiliary_heads\", not both",
            Throws($$"""{{Backbone}}, "decode_head": {{Fcn}}, "auxiliary_head": {{Fcn}}, "auxiliary_heads": { "b": {{Fcn}} }"""),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "choose another name",
            Throws($$"""{{Backbone}}, "decode_head": {{Fcn}}, "auxiliary_heads": { "decode": {{Fcn}} }"""),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "gives a vector",
            Throws(
                $$""" "backbone": { "type": "VisionTransformer", "embed_dim": 32, "depth": 1, "num_heads": 2 }, "decode_head": {{Fcn}}"""
            ),
            StringComparison.Ordinal
        );

        using var model = Model($$"""{{Backbone}}, "decode_head": {{Fcn}}""");
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

    [Theory]
    [InlineData(Fcn, Fcn)]
    [InlineData("""{ "type": "ConcatHead" }""", """{ "type": "ConcatHead" }""")]
    [InlineData("""{ "type": "OcrHead", "channels": 6, "ocr_channels": 4 }""", Fcn)]
    public void KeyMaps_MmlabNames_ComeBack(string head, string auxiliary)
    {
        using var model = Model($$"""{{Backbone}}, "decode_head": {{head}}, "auxiliary_head": {{auxiliary}}""");
        var keys = model.state_dict().Keys.ToArray();
        var map = model.KeyMaps["mmlab"];
        var foreign = keys.Where(key => !key.EndsWith("last_layer.0.bias", StringComparison.Ordinal))
            .Select(key => map.Publish!(key)!)
            .ToArray();
        Assert.Equal(foreign.Length, foreign.Distinct().Count());
        Assert.All(foreign, key => Assert.Contains(map.Rename(key), keys));
        var cascade = head.Contains("OcrHead", StringComparison.Ordinal);
        Assert.Equal("backbone.layer1.0.conv1.weight", map.Publish!("backbone.layer1.0.conv1.weight"));
        Assert.Contains(cascade ? "decode_head.1.conv_seg.weight" : "decode_head.conv_seg.weight", foreign);
        Assert.Contains(cascade ? "decode_head.0.conv_seg.weight" : "auxiliary_head.conv_seg.weight", foreign);
    }

    [Fact]
    public void KeyMaps_HrnetAuthorsNames_HaveNoPrefix()
    {
        using var model = Model(
            """ "backbone": { "type": "HRNet", "arch": "w18_small", "channels": 4 }, "decode_head": { "type": "ConcatHead" } """
        );
        var map = model.KeyMaps["timm"];
        foreach (var key in model.state_dict().Keys)
        {
            var foreign = map.Publish!(key)!;
            Assert.Equal(key, map.Rename(foreign));
            Assert.Equal(key[(key.IndexOf('.', StringComparison.Ordinal) + 1)..], foreign);
        }
    }

    [Fact]
    public void ClassTensors_AreThoseWithTheClassesInFront()
    {
        using var model = Model(
            $$"""{{Backbone}}, "decode_head": { "type": "ConcatHead" }, "auxiliary_heads": { "a": {{Fcn}}, "b": {{Fcn}} }"""
        );
        var state = model.state_dict();
        Assert.Equal(6, model.ClassTensors.Count);
        Assert.All(model.ClassTensors, tensor => Assert.Equal(4, state[tensor.Name].shape[0]));
        Assert.Equal(
            state.Keys.Where(key => key.StartsWith("decode_head.last_layer.3.", StringComparison.Ordinal)),
            model.ClassTensors.Take(2).Select(tensor => tensor.Name)
        );
    }

    private static Segmentor Model(string parts) =>
        (Segmentor)Formula.Fill(Build.From<VisionModel>($$"""{ "type": "Segmentor", {{parts}} }""", _info));

    private static string Throws(string parts) => Assert.Throws<UserErrorException>(() => Model(parts)).Message;

    private static Batch Batch(int count, int height, int width) =>
        new()
        {
            Images = Formula.Values("images", count, 3, height, width),
            SegmentationMaps = (Formula.Values("images", count, height, width).add(1).mul(2)).floor().clamp(0, 3).to(ScalarType.Int64),
            Samples =
            [
                .. Enumerable
                    .Range(0, count)
                    .Select(i => new Sample
                    {
                        Index = i,
                        Name = $"sample{i}",
                        Geometry = new Geometry(height, width, Matrix3x2.Identity),
                    }),
            ],
        };
}
