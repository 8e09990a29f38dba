using System.Numerics;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Models.Detection.Assigners;
using Tessera.Models.Detection.RoI;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection.TwoStage;

/// <summary>What detectors in two stages promise, whatever their heads.</summary>
public sealed class TwoStageTests
{
    public static TheoryData<string> RoIHeads => [.. TwoStageScenes.RoIHeads];

    [Theory]
    [MemberData(nameof(RoIHeads))]
    public void Loss_ImagesWithAndWithoutBoxes_IsFinite_AndReachesEveryParameter(string head)
    {
        manual_seed(0);
        using var model = Formula.Fill(TwoStageScenes.Small(head));
        model.train();
        using var scope = NewDisposeScope();
        using var batch = TwoStageScenes.Images([4, 4, 30, 40, 20, 8, 60, 44], []);
        var losses = model.Loss(batch, default);
        Assert.All(losses, loss => Assert.True(float.IsFinite(loss.Value.item<float>()), loss.Key));
        losses.Total().backward();
        foreach (var (name, parameter) in model.named_parameters())
            Assert.True(parameter.grad is not null && parameter.grad.isfinite().all().item<bool>(), name);
        Assert.Contains(
            model.named_parameters(),
            pair => pair.name.Contains("fc_reg", StringComparison.Ordinal) && pair.parameter.grad!.abs().sum().item<float>() > 0
        );
    }

    [Theory]
    [MemberData(nameof(RoIHeads))]
    public void Loss_NoBoxesAtAll_IsFinite(string head)
    {
        using var model = Formula.Fill(TwoStageScenes.Small(head));
        using var scope = NewDisposeScope();
        using var batch = TwoStageScenes.Images([], []);
        var losses = model.Loss(batch, default);
        losses.Total().backward();
        Assert.All(losses, loss => Assert.True(float.IsFinite(loss.Value.item<float>()), loss.Key));
        Assert.All(
            losses.Where(loss =>
                loss.Key.EndsWith("bbox", StringComparison.Ordinal) || loss.Key.EndsWith("mask", StringComparison.Ordinal)
            ),
            loss => Assert.Equal(0, loss.Value.item<float>())
        );
    }

    [Theory]
    [MemberData(nameof(RoIHeads))]
    public void NoProposals_AreNoBoxes_AndNoLosses(string head)
    {
        var config = TwoStageScenes.Rpn.Replace("\"train\":", "\"min_bbox_size\": 5000, \"train\":", StringComparison.Ordinal);
        using var model = (TwoStageDetector)
            Build.From<VisionModel>(
                $$"""{ "type": "TwoStageDetector", {{TwoStageScenes.Tiny}}, {{config}}, "roi_head": {{head}} }""",
                TwoStageScenes.Info
            );
        using var scope = NewDisposeScope();
        using var batch = TwoStageScenes.Images([], []);
        var losses = model.Loss(batch, default);
        losses.Total().backward();
        Assert.All(losses, loss => Assert.True(float.IsFinite(loss.Value.item<float>()), loss.Key));
        model.eval();
        using var _ = no_grad();
        foreach (var prediction in model.Predict(batch).Cast<DetectionPrediction>())
        {
            Assert.Empty(prediction.Scores);
            Assert.True(prediction.OutputIsFinite);
            Assert.Equal(model.FindsMasks ? 0 : null, prediction.Masks?.Count);
        }
    }

    [Theory]
    [MemberData(nameof(RoIHeads))]
    public void Predict_StateIntoAnother_IsTheSame_WithAMaskForEveryBox(string head)
    {
        using var first = Formula.Fill(TwoStageScenes.Small(head));
        using var second = TwoStageScenes.Small(head);
        second.load_state_dict(first.state_dict());
        first.eval();
        second.eval();
        using var _ = no_grad();
        using var batch = TwoStageScenes.Images([], []);
        foreach (var (a, b) in first.Predict(batch).Zip(second.Predict(batch)))
        {
            var (x, y) = ((DetectionPrediction)a, (DetectionPrediction)b);
            Assert.NotEmpty(x.Scores);
            Assert.Equal(x.Corners, y.Corners);
            Assert.Equal(x.Scores, y.Scores);
            Assert.Equal(x.Labels, y.Labels);
            Assert.Equal(first.FindsMasks ? x.Scores.Length : null, x.Masks?.Count);
            foreach (var (mask, other) in (x.Masks ?? []).Zip(y.Masks ?? []))
            {
                Assert.Equal((48, 64), (mask.Height, mask.Width));
                Assert.Equal(mask.Runs, other.Runs);
            }
        }
    }

    [Fact]
    public void Predict_NotANumber_IsTold()
    {
        using var model = Formula.Fill(TwoStageScenes.Small(TwoStageScenes.RoIHeads[1]));
        using var _ = no_grad();
        model.named_parameters().Single(pair => pair.name == "roi_head.bbox_head.fc_cls.weight").parameter.fill_(float.NaN);
        model.eval();
        using var batch = TwoStageScenes.Images([], []);
        Assert.All(model.Predict(batch), prediction => Assert.False(prediction.OutputIsFinite));
    }

    /// <summary>Where the tensor has the original image mirrored, boxes and masks are mirrored back.</summary>
    [Fact]
    public void Predict_MirroredGeometry_GivesBoxesAndMasksOfTheOriginal()
    {
        using var model = Formula.Fill(TwoStageScenes.Small(TwoStageScenes.RoIHeads[1]));
        model.eval();
        using var _ = no_grad();
        using var batch = TwoStageScenes.Images(Array.Empty<float>());
        var plain = (DetectionPrediction)model.Predict(batch).Single();
        // The tensor's image is the original one, mirrored: what is found lies at the mirrored place.
        batch.Samples[0].Geometry = new Geometry(48, 64, new Matrix3x2(-1, 0, 0, 1, 64, 0));
        var mirrored = (DetectionPrediction)model.Predict(batch).Single();
        Assert.Equal(plain.Scores, mirrored.Scores);
        for (var i = 0; i < plain.Scores.Length; i++)
        {
            Assert.Equal(64 - plain.Corners[i * 4], mirrored.Corners[(i * 4) + 2], 1e-3);
            var (mask, other) = (plain.Masks![i].ToImage().Bytes, mirrored.Masks![i].ToImage().Bytes);
            for (var y = 0; y < 48; y++)
            for (var x = 0; x < 64; x++)
                Assert.Equal(mask[(y * 64) + x], other[(y * 64) + 63 - x]);
        }
    }

    [Fact]
    public void Predict_FlipAndScales_KeepBoxesWithinTheImage_AndMasksAtThem()
    {
        using var model = Formula.Fill(
            TwoStageScenes.Small(
                TwoStageScenes.RoIHeads[1],
                """{ "score_thr": 0.1, "flip": true, "flip_directions": ["horizontal", "diagonal"], "scales": [1, 2], "mask_thr": 0.3 }"""
            )
        );
        model.eval();
        using var _ = no_grad();
        using var batch = TwoStageScenes.Images([], []);
        foreach (var prediction in model.Predict(batch).Cast<DetectionPrediction>())
        {
            Assert.NotEmpty(prediction.Scores);
            for (var i = 0; i < prediction.Scores.Length; i++)
            {
                var box = prediction.Corners.AsSpan(i * 4, 4);
                Assert.True(box[0] >= 0 && box[1] >= 0 && box[2] <= 64 && box[3] <= 48);
                var (x, y, width, height) = prediction.Masks![i].Box;
                if (prediction.Masks[i].IsEmpty)
                    continue;
                Assert.True(x >= box[0] - 2 && y >= box[1] - 2 && x + width <= box[2] + 2 && y + height <= box[3] + 2);
            }
        }
    }

    /// <summary>torchvision's figures, 41,755,286 and 44,401,393, are without the 53,120 of its frozen norms, and with boxes (4 · 1025) and
    /// a mask (257) of the background.</summary>
    [Theory]
    [InlineData("", 41_755_286 + 53_120 - 4_100)]
    [InlineData(", \"mask_head\": { \"type\": \"FcnMaskHead\" }", 44_401_393 + 53_120 - 4_100 - 257)]
    public void Parameters_OfThePublishedNetworks(string mask, long published)
    {
        using var model = Build.From<VisionModel>(
            $$"""
            { "type": "TwoStageDetector", "backbone": { "type": "ResNet", "depth": 50 }, "neck": { "type": "Fpn", "num_outs": 5 },
              "rpn_head": { "type": "RpnHead" }, "roi_head": { "type": "StandardRoIHead"{{mask}} } }
            """,
            Build.Classes(90, DataTask.Detection)
        );
        Assert.Equal(published, model.parameters().Sum(parameter => parameter.numel()));
    }

    [Fact]
    public void Loss_BoxesWithoutMasks_NamesTheSample_AndWhatToDo()
    {
        using var model = TwoStageScenes.Small(TwoStageScenes.RoIHeads[1]);
        using var batch = TwoStageScenes.Images([4, 4, 30, 40]);
        batch.Samples[0].Truth.InstanceMasks = null;
        var message = Assert.Throws<UserErrorException>(() => model.Loss(batch, default)).Message;
        Assert.Contains("image0 has boxes but no mask for each", message, StringComparison.Ordinal);
        Assert.Contains("leave mask_head and mask_roi_extractor out", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        """{ "type": "StandardRoIHead", "mask_roi_extractor": { "type": "SingleRoIExtractor" } }""",
        "no meaning without mask_head"
    )]
    [InlineData(
        """{ "type": "StandardRoIHead", "bbox_head": { "type": "ConvFcBboxHead", "roi_feat_size": 5 } }""",
        "reads 5 x 5 (roi_feat_size)"
    )]
    [InlineData("""{ "type": "CascadeRoIHead", "stage_loss_weights": [1, 1] }""", "bbox_head has 3 entries, but there are 2 stages")]
    [InlineData(
        """{ "type": "StandardRoIHead", "bbox_roi_extractor": { "type": "SingleRoIExtractor", "featmap_strides": [4, 16] } }""",
        "featmap_strides are [4, 16], but the maps have [4, 8, 16]"
    )]
    [InlineData(
        """{ "type": "StandardRoIHead", "mask_head": { "type": "FcnMaskHead", "num_classes": 9 } }""",
        "num_classes is 9, but the data has 3"
    )]
    public void OptionsThatDisagree_AreTheUsersMistake(string head, string expected) =>
        Assert.Contains(expected, Assert.Throws<UserErrorException>(() => TwoStageScenes.Small(head)).Message, StringComparison.Ordinal);

    [Fact]
    public void Sampler_TakesItsPart_AndFillsWithTheBackground()
    {
        var assigned = Enumerable
            .Range(0, 1000)
            .Select(i =>
                i < 300 ? i % 7
                : i < 320 ? Assigner.Ignored
                : Assigner.Background
            )
            .ToArray();
        var (positives, negatives) = new RandomBoxSampler(new(Num: 100, PosFraction: 0.25)).Sample(assigned, new RandomSource(1));
        Assert.Equal((25, 75), (positives.Length, negatives.Length));
        Assert.All(positives, i => Assert.True(assigned[i] >= 0));
        Assert.All(negatives, i => Assert.Equal(Assigner.Background, assigned[i]));
        Assert.Equal(positives.Distinct().Order(), positives);
        Assert.Equal(negatives.Distinct().Order(), negatives);
        var (few, rest) = new RandomBoxSampler(new(Num: 100, PosFraction: 0.25)).Sample([0, -1, .. Enumerable.Repeat(-1, 200)], new(2));
        Assert.Equal((1, 99), (few.Length, rest.Length));
        (few, rest) = new RandomBoxSampler(new(Num: 100, NegPosUb: 3)).Sample([0, 0, .. Enumerable.Repeat(-1, 200)], new(2));
        Assert.Equal((2, 6), (few.Length, rest.Length));
        Assert.NotEqual(positives, new RandomBoxSampler(new(Num: 100, PosFraction: 0.25)).Sample(assigned, new RandomSource(2)).Positives);
    }

    [Fact]
    public void MaskTargets_HalfABox_ByHand()
    {
        // The region is the box [8, 8, 24, 24], the mask its left half; at 4 x 4 each cell is 4 pixels wide.
        var truth = new TruthBoxes(BoxArray.Of([8, 8, 24, 24]), [1], BoxArray.Empty) { Masks = [new Image(32, 32, 1)] };
        for (var y = 0; y < 32; y++)
            truth.Masks[0].Bytes.AsSpan((y * 32) + 8, 8).Fill(1);
        var sampled = SampledRoIs.Of(
            [BoxArray.Of([8, 8, 24, 24])],
            [truth],
            3,
            RoIParts.Assigner(0.5),
            new RandomBoxSampler(new(PosFraction: 1)),
            false,
            new(1)
        );
        float[] row = [1, 1, 0, 0];
        Assert.Equal([.. row, .. row, .. row, .. row], MaskTargets.Of(sampled, [truth], 4, new MaskCut(true, false)));
    }
}
