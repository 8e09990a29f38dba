using System.Numerics;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Models.Detection.Transformers;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection.Transformers;

/// <summary>What a DETR promises, and what it says of mistakes.</summary>
[Collection(ProcessWide.Name)] // draws from libtorch's own generator, which all tests share
public sealed class DetrTests
{
    private static readonly DataInfo s_data = Build.Classes(3, DataTask.Detection);

    [Fact]
    public void Loss_WithAndWithoutBoxes_IsFinite_AndReachesEveryParameter()
    {
        manual_seed(0);
        using var model = Formula.Fill(QueryScenes.Detr());
        model.train();
        using var scope = NewDisposeScope();
        using var batch = QueryScenes.Images([4, 4, 30, 40, 20, 8, 60, 44], []);
        var losses = model.Loss(batch, default);
        Assert.Equal(["loss_cls", "loss_bbox", "loss_giou", "d0.loss_cls", "d0.loss_bbox", "d0.loss_giou"], losses.Keys);
        Assert.All(losses, loss => Assert.True(float.IsFinite(loss.Value.item<float>()), loss.Key));
        losses.Total().backward();
        foreach (var (name, parameter) in model.named_parameters())
        {
            Assert.True(parameter.grad is not null && parameter.grad.isfinite().all().item<bool>(), name);
            Assert.True(parameter.grad!.abs().sum().item<float>() > 0, name);
        }
    }

    [Fact]
    public void Loss_NoBoxesAtAll_IsTheClassesAlone()
    {
        using var model = Formula.Fill(QueryScenes.Detr(""" "aux_loss": false """));
        using var scope = NewDisposeScope();
        using var batch = QueryScenes.Images([], []);
        var losses = model.Loss(batch, default);
        losses.Total().backward();
        Assert.Equal(["loss_cls", "loss_bbox", "loss_giou"], losses.Keys);
        Assert.Equal((0f, 0f), (losses["loss_bbox"].item<float>(), losses["loss_giou"].item<float>()));
        Assert.True(losses["loss_cls"].item<float>() > 0);
    }

    [Fact]
    public void Loss_OutputsThatAreNoNumbers_ShowInIt()
    {
        using var model = Formula.Fill(QueryScenes.Detr());
        using var batch = QueryScenes.Images([4, 4, 30, 40]);
        using (no_grad())
            model.named_parameters().Single(pair => pair.name == "input_proj.bias").parameter.fill_(float.NaN);
        using var scope = NewDisposeScope();
        Assert.True(float.IsNaN(model.Loss(batch, default).Total().item<float>()));
        model.eval();
        using var still = no_grad();
        var prediction = (DetectionPrediction)model.Predict(batch).Single();
        Assert.False(prediction.OutputIsFinite);
        Assert.Empty(prediction.Scores);
    }

    [Fact]
    public void Predict_StateIntoAnother_IsTheSame_BestFirst()
    {
        using var first = Formula.Fill(QueryScenes.Detr());
        using var second = QueryScenes.Detr();
        second.load_state_dict(first.state_dict());
        first.eval();
        second.eval();
        using var still = no_grad();
        using var batch = QueryScenes.Images([], []);
        foreach (var (a, b) in first.Predict(batch).Zip(second.Predict(batch)))
        {
            var (x, y) = ((DetectionPrediction)a, (DetectionPrediction)b);
            Assert.Equal(6, x.Scores.Length);
            Assert.Equal(x.Scores.OrderDescending(), x.Scores);
            Assert.Equal(x.Corners, y.Corners);
            Assert.Equal(x.Scores, y.Scores);
            Assert.Equal(x.Labels, y.Labels);
        }
    }

    /// <summary>What lies in the padding is not seen, and boxes are relative to the image without it.</summary>
    [Fact]
    public void Predict_PaddedImage_IsAsWithoutPadding()
    {
        using var model = Formula.Fill(QueryScenes.Detr());
        model.eval();
        using var still = no_grad();
        using var small = QueryScenes.Images(Array.Empty<float>());
        var plain = (DetectionPrediction)model.Predict(small).Single();
        using var padded = QueryScenes.Images(Array.Empty<float>());
        padded.Images = zeros(1, 3, 80, 128);
        padded.Images.narrow(2, 0, 48).narrow(3, 0, 64).copy_(small.Images);
        padded.Samples[0].Geometry = Geometry.Original(48, 64);
        // A little of the padding reaches the image's edge through the convolutions.
        var found = (DetectionPrediction)model.Predict(padded).Single();
        Assert.Equal(plain.Scores.Length, found.Scores.Length);
        Assert.All(plain.Scores.Zip(found.Scores), pair => Assert.Equal(pair.First, pair.Second, 0.05));
        Assert.All(found.Corners.Chunk(4), box => Assert.True(box[2] <= 64 && box[3] <= 48));
    }

    /// <summary>The tensor has the image at twice its size: boxes are the original's.</summary>
    [Fact]
    public void Predict_ScaledGeometry_GivesBoxesOfTheOriginal()
    {
        using var model = Formula.Fill(QueryScenes.Detr());
        model.eval();
        using var still = no_grad();
        using var batch = QueryScenes.Images(Array.Empty<float>());
        var plain = (DetectionPrediction)model.Predict(batch).Single();
        batch.Samples[0].Geometry = new Geometry(24, 32, Matrix3x2.CreateScale(2));
        var scaled = (DetectionPrediction)model.Predict(batch).Single();
        Assert.Equal(plain.Scores, scaled.Scores);
        Assert.All(plain.Corners.Zip(scaled.Corners), pair => Assert.Equal(pair.First / 2, pair.Second, 1e-3));
    }

    [Fact]
    public void Cells_OfAPaddedImage_ByHand()
    {
        // 100 pixels in 4 cells, of which the image has 10 .. 60: cells begin at 0, 25, 50 and 75.
        var cells = MapCells.Of(new ImageArea(10, 0, 60, 100), (100, 100), (2, 4));
        Assert.Equal([true, true], cells.Rows);
        Assert.Equal([false, true, true, false], cells.Columns);
        // None begins in 30 .. 40: the one that has the middle.
        Assert.Equal([false, true, false, false], MapCells.Of(new ImageArea(30, 0, 40, 100), (100, 100), (2, 4)).Columns);
    }

    [Fact]
    public void Matching_GeneralizedIou_ByHand()
    {
        // Two unit squares, one beside the other at a distance of 1: no overlap, a union of 2 in a hull of 3.
        Assert.Equal(-1.0 / 3, SetMatcher.GeneralizedIou([0.5f, 0.5f, 1, 1], [2.5f, 0.5f, 1, 1]), 1e-12);
        // Half of each shared: 1/2 of 3/2, which is the hull.
        Assert.Equal(1.0 / 3, SetMatcher.GeneralizedIou([0.5f, 0.5f, 1, 1], [1, 0.5f, 1, 1]), 1e-12);
        Assert.Equal(1, SetMatcher.GeneralizedIou([0.5f, 0.5f, 1, 1], [0.5f, 0.5f, 1, 1]), 1e-12);
    }

    [Fact]
    public void Loss_MoreBoxesThanQueries_NamesTheImage()
    {
        using var model = QueryScenes.Detr();
        using var batch = QueryScenes.Images([.. Enumerable.Range(0, 7).SelectMany(i => new float[] { i, i, i + 9, i + 9 })]);
        Assert.Equal(
            "image0 has 7 boxes, but Detr can find 6 (num_queries): each box needs a query of its own.",
            Assert.Throws<UserErrorException>(() => model.Loss(batch, default)).Message
        );
    }

    [Fact]
    public void Attention_MoreThanMemoryHolds_IsTold()
    {
        using var attention = new QueryAttention(4, 1, 0);
        using var scope = NewDisposeScope();
        var message = Assert
            .Throws<UserErrorException>(() => attention.call(zeros(1, 40_000, 4), zeros(1, 40_000, 4), zeros(1, 40_000, 4), null))
            .Message;
        Assert.Contains("40,000 queries to 40,000 keys", message, StringComparison.Ordinal);
        Assert.Contains("take fewer queries", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"embed_dim\": 30, \"num_heads\": 4", "embed_dim 30 must be a multiple of num_heads (4)")]
    [InlineData("\"embed_dim\": 6, \"num_heads\": 2", "of 4")]
    [InlineData("\"set_cost\": { \"class\": 0, \"l1\": 0, \"giou\": 0 }", "nothing but zeros")]
    [InlineData("\"num_queries\": 20000", "num_queries")]
    public void OptionsThatDisagree_AreTheUsersMistake(string options, string expected) =>
        Assert.Contains(
            expected,
            Assert
                .ThrowsAny<UserErrorException>(() =>
                    Build.From<VisionModel>($$"""{ "type": "Detr", {{QueryScenes.OneMap}}, {{options}} }""", s_data)
                )
                .Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void BackboneOfSeveralMaps_IsTheUsersMistake() =>
        Assert.EndsWith(
            "Detr looks at one map; ResNet gives 4, with strides [4, 8, 16, 32]. Say which in its out_indices.",
            Assert
                .Throws<UserErrorException>(() =>
                    Build.From<VisionModel>("""{ "type": "Detr", "backbone": { "type": "ResNet", "depth": 18 } }""", s_data)
                )
                .Message,
            StringComparison.Ordinal
        );

    /// <summary>Published as 41 M.</summary>
    [Fact]
    public void Parameters_OfThePublishedNetwork()
    {
        using var model = Build.From<VisionModel>(
            """{ "type": "Detr", "backbone": { "type": "ResNet", "depth": 50, "out_indices": [3] } }""",
            Build.Classes(91, DataTask.Detection)
        );
        // The backbone 23,508,032; the projection 2048 · 256 + 256; six encoder layers of 1,315,072 and decoder layers of 1,578,752, a
        // norm of 512; queries 25,600; classes 257 · 92; boxes 2 · 65,792 + 1,028.
        const long expected = 23_508_032 + 524_544 + (6 * 1_315_072) + (6 * 1_578_752) + 512 + 25_600 + (257 * 92) + (2 * 65_792) + 1_028;
        Assert.Equal(expected, model.parameters().Sum(parameter => parameter.numel()));
        Assert.Equal(41_500_000, expected, 100_000.0);
    }
}
