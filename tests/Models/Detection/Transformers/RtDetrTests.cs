using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Detection.Transformers;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection.Transformers;

/// <summary>What an RT-DETR promises, and what it says of mistakes.</summary>
[Collection(ProcessWide.Name)] // draws from libtorch's own generator, which all tests share
public sealed class RtDetrTests
{
    [Fact]
    public void Loss_WithAndWithoutBoxes_IsFinite_AndReachesEveryParameter()
    {
        manual_seed(0);
        using var model = Formula.Fill(QueryScenes.RtDetr());
        model.train();
        using var scope = NewDisposeScope();
        using var batch = QueryScenes.Images([4, 4, 30, 40, 20, 8, 60, 44], []);
        var losses = model.Loss(batch, default);
        string[] names = ["", "d0.", "enc.", "dn0.", "dn1."];
        Assert.Equal(names.SelectMany(name => new[] { name + "loss_cls", name + "loss_bbox", name + "loss_giou" }), losses.Keys);
        Assert.All(losses, loss => Assert.True(float.IsFinite(loss.Value.item<float>()), loss.Key));
        losses.Total().backward();
        foreach (var (name, parameter) in model.named_parameters())
        {
            Assert.True(parameter.grad is not null && parameter.grad.isfinite().all().item<bool>(), name);
            Assert.True(parameter.grad!.abs().sum().item<float>() > 0, name);
        }
    }

    [Theory]
    [InlineData("", 9)]
    [InlineData("\"num_denoising\": 0", 9)]
    [InlineData("\"aux_loss\": false", 3)]
    [InlineData("\"multi_scale\": [64, 96]", 9)]
    public void Loss_NoBoxesAtAll_IsTheClassesAlone(string options, int count)
    {
        using var model = Formula.Fill(QueryScenes.RtDetr(options));
        model.train();
        using var scope = NewDisposeScope();
        using var batch = QueryScenes.Images([], []);
        var losses = model.Loss(batch, default);
        losses.Total().backward();
        Assert.Equal(count, losses.Count);
        Assert.All(losses, loss => Assert.Equal(loss.Key.EndsWith("loss_cls", StringComparison.Ordinal), loss.Value.item<float>() > 0));
    }

    [Fact]
    public void Loss_SameSeed_IsTheSame_AnotherDenoisesOtherwise()
    {
        using var model = Formula.Fill(QueryScenes.RtDetr());
        model.train();
        foreach (var norm in model.modules().OfType<TorchSharp.Modules.BatchNorm2d>())
            norm.eval();
        using var scope = NewDisposeScope();
        using var batch = QueryScenes.Images([4, 4, 30, 40, 20, 8, 60, 44]);
        float[] Losses(int seed)
        {
            manual_seed(seed);
            return [.. model.Loss(batch, default).Values.Select(loss => loss.item<float>())];
        }
        var first = Losses(3);
        Assert.Equal(first, Losses(3));
        var other = Losses(4);
        Assert.Equal(first[..9], other[..9]); // the decoder's own queries don't see them
        Assert.NotEqual(first[9..], other[9..]);
    }

    [Fact]
    public void Predict_StateIntoAnother_IsTheSame_BestFirst_FusedToo()
    {
        using var first = Formula.Fill(QueryScenes.RtDetr());
        using var second = QueryScenes.RtDetr("\"test\": { \"fuse_conv_bn\": true }");
        second.load_state_dict(first.state_dict());
        first.eval();
        second.eval();
        using var still = no_grad();
        using var batch = QueryScenes.Images([], []);
        foreach (var (a, b) in first.Predict(batch).Zip(second.Predict(batch)))
        {
            var (x, y) = ((DetectionPrediction)a, (DetectionPrediction)b);
            Assert.Equal(18, x.Scores.Length); // 6 queries, 3 classes
            Assert.Equal(x.Scores.OrderDescending(), x.Scores);
            Assert.All(x.Scores.Zip(y.Scores), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
            Assert.True(x.OutputIsFinite && y.OutputIsFinite);
        }
    }

    [Fact]
    public void Predict_NotANumber_IsTold()
    {
        using var model = Formula.Fill(QueryScenes.RtDetr());
        using var still = no_grad();
        model.named_parameters().Single(pair => pair.name == "decoder.dec_score_head.1.weight").parameter.fill_(float.NaN);
        model.eval();
        using var batch = QueryScenes.Images(Array.Empty<float>());
        Assert.False(model.Predict(batch).Single().OutputIsFinite);
    }

    [Fact]
    public void Denoising_ByHand()
    {
        // Images of two boxes and of one; about 5 to find: two groups of 2 moved slightly and 2 moved far.
        var truths = new QueryTruths(
            [
                [0.5f, 0.5f, 0.2f, 0.4f, 0.25f, 0.25f, 0.1f, 0.1f],
                [0.5f, 0.5f, 0.2f, 0.2f],
            ],
            [
                [1, 0],
                [2],
            ]
        );
        using var scope = NewDisposeScope();
        var found = DenoisingQueries.Of(
            truths,
            new DenoisingPlan(5, 0.5, 1),
            3,
            queries: 2,
            count => new DenoisingNoise(
                [.. Enumerable.Range(0, count).Select(i => i == 0 ? 0.24 : 0.25)], // below half of 0.5 the label changes
                [.. Enumerable.Repeat(2, count)],
                [.. Enumerable.Repeat(1f, count * 4)],
                [.. Enumerable.Repeat(0.5f, count * 4)]
            ),
            CPU
        )!;
        Assert.Equal((8, 2), (found.Count, found.Groups));
        Assert.Equal([2L, 0, 1, 0, 1, 0, 1, 0, 2, 3, 2, 3, 2, 3, 2, 3], found.Labels.data<long>().ToArray());
        Assert.Equal([0L, 1, 4, 5, 8, 12], found.Pairs.Rows);
        Assert.Equal([1, 0, 1, 0, 2, 2], found.Pairs.Labels);
        // Sides move by half of half the width, 0.05, and of half the height, 0.1; those of negatives by one and a half.
        var boxes = found.Boxes.sigmoid().data<float>().ToArray();
        Assert.All(boxes[..4].Zip([0.55f, 0.6f, 0.2f, 0.4f]), pair => Assert.Equal(pair.Second, pair.First, 1e-5f));
        Assert.All(boxes[8..12].Zip([0.65f, 0.8f, 0.2f, 0.4f]), pair => Assert.Equal(pair.Second, pair.First, 1e-5f));
        var mask = found.Mask.data<bool>().ToArray();
        Assert.Equal("1111000011", Row(0));
        Assert.Equal("1111000011", Row(3));
        Assert.Equal("0000111111", Row(4));
        Assert.Equal("0000000011", Row(8));
        Assert.Equal("0000000011", Row(9));

        string Row(int query) => string.Concat(mask.AsSpan(query * 10, 10).ToArray().Select(sees => sees ? '1' : '0'));
    }

    [Fact]
    public void Denoising_Drawn_KeepsItsBounds()
    {
        var noise = DenoisingNoise.Draw(new RandomSource(1), 5000, 7);
        Assert.Equal((5000, 5000, 20_000, 20_000), (noise.Labels.Length, noise.NewLabels.Length, noise.Signs.Length, noise.Parts.Length));
        Assert.Equal([0, 1, 2, 3, 4, 5, 6], noise.NewLabels.Distinct().Order());
        Assert.Equal([-1f, 1], noise.Signs.Distinct().Order());
        Assert.Equal(0, noise.Signs.Average(), 0.05);
        Assert.Equal(0.5, noise.Parts.Average(), 0.02);
        Assert.All(noise.Parts, part => Assert.InRange(part, 0, 1));
    }

    [Fact]
    public void Anchors_ByHand()
    {
        var (boxes, valid) = CellAnchors.Of([(1, 2), (1, 1), (1, 1), (1, 1), (1, 1), (1, 1)], CPU);
        // Sides 0.05, 0.1, 0.2, 0.4, 0.8, 1.6: the last doesn't lie within the image.
        Assert.Equal([true, true, true, true, true, true, false], valid.data<bool>().ToArray());
        Assert.All(
            boxes.sigmoid().data<float>().ToArray()[..8].Zip([0.25f, 0.5f, 0.05f, 0.05f, 0.75f, 0.5f, 0.05f, 0.05f]),
            pair => Assert.Equal(pair.Second, pair.First, 1e-6f)
        );
        Assert.True(boxes[0, 6].isinf().all().item<bool>());
    }

    [Fact]
    public void Loss_MoreBoxesThanQueries_NamesTheImage()
    {
        using var model = QueryScenes.RtDetr();
        using var batch = QueryScenes.Images([.. Enumerable.Range(0, 7).SelectMany(i => new float[] { i, i, i + 9, i + 9 })]);
        Assert.Contains(
            "image0 has 7 boxes, but RtDetr can find 6 (num_queries)",
            Assert.Throws<UserErrorException>(() => model.Loss(batch, default)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Loss_MoreQueriesThanCells_SaysSo()
    {
        using var model = QueryScenes.RtDetr("\"num_queries\": 500");
        using var batch = QueryScenes.Images(Array.Empty<float>());
        Assert.Equal(
            "RtDetr takes its 500 queries (num_queries) from the cells of the maps, of which images of this size have 240 (12 x 16, 6 x 8): "
                + "take larger images or fewer queries.",
            Assert.Throws<UserErrorException>(() => model.Loss(batch, default)).Message
        );
    }

    [Theory]
    [InlineData("\"embed_dim\": 30, \"num_heads\": 4", "embed_dim 30 must be a multiple of num_heads (4)")]
    [InlineData("\"set_cost\": { \"class\": 0, \"l1\": 0, \"giou\": 0 }", "nothing but zeros")]
    public void OptionsThatDisagree_AreTheUsersMistake(string options, string expected) =>
        Assert.Contains(
            expected,
            Assert.ThrowsAny<UserErrorException>(() => QueryScenes.RtDetr(options)).Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("\"out_indices\": [2]", "{}", "strides [8]")]
    [InlineData("\"out_indices\": [0, 2]", "{}", "strides [2, 8]")]
    [InlineData("\"out_indices\": [1, 2]", "\"encode_maps\": [2]", "encode_maps must name maps from 0 to 1")]
    [InlineData("\"out_indices\": [1, 2]", "\"num_heads\": 3", "out_channels 256 must be a multiple of num_heads (3)")]
    public void HybridEncoder_OptionsThatDisagree_AreTheUsersMistake(string backbone, string neck, string expected)
    {
        var message = Assert
            .ThrowsAny<UserErrorException>(() =>
                Build.From<VisionModel>(
                    $$"""
                    { "type": "RtDetr", "backbone": { "type": "ResNet", "depth": 18, "stage_blocks": [1, 1, 1], "stem": "small", "strides": [2, 2, 2], {{backbone}} },
                      "neck": { "type": "HybridEncoder"{{(neck == "{}" ? "" : ", " + neck)}} } }
                    """,
                    QueryScenes.Info
                )
            )
            .Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }
}
