using System.Numerics;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Detection.Heads;
using Tessera.Torch;
using static Tessera.Tests.Models.Detection.DetectorScenes;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection;

/// <summary>What holds for a detector with any head.</summary>
public sealed class DetectorHeadTests
{
    public static TheoryData<string> Heads() =>
        [
            """{ "type": "RetinaHead", "stacked_convs": 1, "norm": "gn" }""",
            """{ "type": "RetinaHead", "stacked_convs": 1, "loss_norm": "image", "assigner": { "type": "AtssAssigner" }, "loss_bbox": { "type": "GIoULoss" } }""",
            """{ "type": "RetinaHead", "stacked_convs": 1, "box_coder": { "type": "DistanceCoder" }, "loss_bbox": { "type": "SmoothL1Loss" } }""",
            """{ "type": "FcosHead", "stacked_convs": 1 }""",
            """{ "type": "FcosHead", "stacked_convs": 1, "norm": "none", "norm_on_bbox": false, "centerness_on_reg": false, "center_sampling": false, "loss_bbox": { "type": "IoULoss" } }""",
            """{ "type": "FcosHead", "stacked_convs": 1, "centerness_weight": false, "loss_bbox": { "type": "CIoULoss" }, "norm": "bn" }""",
            """{ "type": "AtssHead", "stacked_convs": 1 }""",
            """{ "type": "AtssHead", "stacked_convs": 1, "assigner": { "type": "MaxIouAssigner" }, "loss_bbox": { "type": "L1Loss" }, "loss_cls": { "type": "QualityFocalLoss" } }""",
            """{ "type": "GflHead", "stacked_convs": 1 }""",
            """{ "type": "GflHead", "stacked_convs": 1, "reg_max": 4, "norm": "bn", "loss_cls": { "type": "VarifocalLoss" }, "loss_bbox": { "type": "SmoothL1Loss" } }""",
            """{ "type": "RtmdetHead", "exp_on_reg": true }""",
            """{ "type": "RtmdetHead", "stacked_convs": 1, "share_conv": false, "exp_on_reg": true, "pred_kernel_size": 3, "loss_cls": { "type": "CrossEntropyLoss" } }""",
            """{ "type": "YoloxHead", "stacked_convs": 1, "prior_prob": 0.1, "use_l1": true }""",
            """{ "type": "YoloxHead", "prior_prob": 0.1, "use_depthwise": true, "one_label": false, "loss_cls": { "type": "FocalLoss" }, "loss_bbox": { "type": "GIoULoss" }, "assigner": { "type": "SimOtaAssigner", "places": "center", "center_radius": 1.5 } }""",
        ];

    [Theory]
    [MemberData(nameof(Heads))]
    public void Loss_AnyTruth_IsFiniteWithGradientInEveryParameter(string head)
    {
        using var model = Small(head);
        model.train();
        var random = new Random(1);
        var thousands = Enumerable.Range(0, 2000).SelectMany(_ => Square(random.Next(50), random.Next(50), 1 + random.Next(150))).ToArray();
        float[][] truths =
        [
            [4, 4, 40, 44, 20, 10, 60, 50],
            [],
            [float.NaN, 0, 10, 10, 5, 5, 5, 20, 30, 30, 20, 20, 0, 0, float.PositiveInfinity, 9, -1e30f, 0, 1e30f, 5, 10, 10, 30, 30],
            [-50, -50, -10, -10, 500, 500, 600, 600, -100, -100, 200, 200],
            thousands,
        ];
        foreach (var corners in truths)
        {
            using var scope = NewDisposeScope();
            var count = corners.Length / 4;
            using var batch = Images(
                Formula.Values("images", 2, 3, 64, 64),
                null,
                new Boxes(
                    corners,
                    [.. Enumerable.Range(0, count).Select(i => i % 3)],
                    [.. Enumerable.Range(0, count).Select(i => count < 100 && i % 5 == 4)]
                )
            );
            foreach (var parameter in model.parameters())
                parameter.grad = null;
            var losses = model.Loss(batch, default);
            foreach (var (name, loss) in losses)
            {
                Assert.Empty(loss.shape);
                Assert.True(
                    double.IsFinite(loss.item<float>()) && loss.item<float>() >= 0,
                    $"{name} is {loss.item<float>()} for {count} boxes"
                );
            }
            losses.Total().backward();
            foreach (var (name, parameter) in model.named_parameters())
            {
                Assert.True(parameter.grad is not null, $"{name} has no gradient for {count} boxes");
                Assert.True(parameter.grad!.isfinite().all().item<bool>(), $"{name}: gradient not finite for {count} boxes");
                if (ReferenceEquals(corners, thousands))
                    Assert.True(parameter.grad.abs().sum().item<float>() > 0, $"{name} is dead");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void Loss_ChannelsLast_IsTheSame(string head)
    {
        using var model = Small(head);
        model.eval();
        using var scope = NewDisposeScope();
        using var batch = Images(Formula.Values("images", 2, 3, 64, 64), null, new Boxes([4, 4, 40, 44], [1], [false]));
        var plain = model.Loss(batch, default).Values.Select(loss => loss.item<float>()).ToArray();
        batch.Images = batch.Images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        var last = model.Loss(batch, default).Values.Select(loss => loss.item<float>()).ToArray();
        Assert.All(plain.Zip(last), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
    }

    [Fact]
    public void Loss_UnknownLabel_IsTheUsersMistake()
    {
        using var model = Small("""{ "type": "RetinaHead", "stacked_convs": 1 }""");
        using var batch = Images(zeros(1, 3, 64, 64), null, new Boxes([1, 1, 9, 9], [3], [false]));
        Assert.Equal(
            "0: box 0 has label 3, but there are 3 classes, from 0.",
            Assert.Throws<UserErrorException>(() => model.Loss(batch, default)).Message
        );
    }

    [Fact]
    public void Loss_CrowdOnly_AsksNothingThere()
    {
        using var model = Small("""{ "type": "RetinaHead", "stacked_convs": 1 }""");
        using var scope = NewDisposeScope();
        float Loss(Boxes boxes)
        {
            using var batch = Images(Formula.Values("images", 1, 3, 64, 64), null, boxes);
            return model.Loss(batch, default)["loss_cls"].item<float>();
        }
        // All anchors lie in the crowd by more than half, or in nothing.
        Assert.Equal(0, Loss(new Boxes([-2000, -2000, 3000, 3000], [0], [true])));
        Assert.True(Loss(new Boxes([], [], [])) > 0);
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void Predict_AnyHead_GivesBoxesInTheImageBestFirst(string head)
    {
        using var model = Small(head);
        model.eval();
        using var batch = Images(Formula.Values("images", 2, 3, 64, 96), new Geometry(32, 48, Matrix3x2.CreateScale(2)));
        using var _ = no_grad();
        foreach (var found in model.Predict(batch).Cast<DetectionPrediction>())
        {
            Assert.InRange(found.Scores.Length, 1, 100);
            Assert.Equal(found.Scores.OrderDescending(), found.Scores);
            Assert.All(found.Labels, label => Assert.InRange(label, 0, 2));
            foreach (var box in found.Corners.Chunk(4))
                Assert.True(box[0] >= 0 && box[1] >= 0 && box[2] <= 48 && box[3] <= 32 && box[0] < box[2] && box[1] < box[3]);
        }
    }
}
