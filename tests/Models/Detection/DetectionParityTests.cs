using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection;

/// <summary>Anchors, head outputs, losses and detections against torchvision's; see make_detection.py.</summary>
public sealed class DetectionParityTests
{
    private const string Backbone = """ "backbone": { "type": "ResNet", "depth": 50 } """;
    private const string Test =
        """ "test": { "score_thr": 0.05, "nms": { "type": "Nms", "iou_threshold": IOU }, "nms_pre": 1000, "max_per_img": COUNT, "min_bbox_size": -1 } """;

    private const string Neck =
        """ "neck": { "type": "Fpn", "start_level": 1, "num_outs": 5, "add_extra_convs": "on_output", "relu_before_extra_convs": true } """;

    // Sides of torchvision: x, int(x 2^⅓), int(x 2^⅔).
    private const string Retina = """
        "bbox_head": { "type": "RetinaHead", "loss_norm": "image",
          "anchor_generator": { "type": "AnchorGenerator", "sizes": [[32, 40, 50], [64, 80, 101], [128, 161, 203], [256, 322, 406], [512, 645, 812]], "round": true, "strides_from_image": true },
          "assigner": { "type": "MaxIouAssigner", "pos_iou_thr": 0.5, "neg_iou_thr": 0.4, "low_quality_to": "nearest" } }
        """;

    private const string Fcos = """
        "bbox_head": { "type": "FcosHead", "scale_per_level": false, "centerness_weight": false, "score": "root", "candidates_by": "score", "point_offset": 0, "strides_from_image": true }
        """;

    private static readonly float[][] Boxes =
    [
        [10.5f, 12.5f, 70.75f, 60.25f, 40.5f, 30.25f, 150.25f, 120.5f, 100.5f, 5.5f, 120.25f, 30.25f, 3.5f, 90.25f, 40.5f, 126.5f],
        [20.25f, 20.5f, 50.5f, 100.25f, 60.25f, 64.5f, 128.5f, 127.25f],
    ];
    private static readonly int[][] Labels =
    [
        [1, 3, 6, 0],
        [2, 5],
    ];

    [Fact]
    public void RetinaNet_FormulaWeights_MatchesTorchvision() =>
        AssertMatches("retinanet_resnet50_fpn", Retina, "0.5", 300, ["cls_logits", "bbox_regression"]);

    [Fact]
    public void Fcos_FormulaWeights_MatchesTorchvision() =>
        AssertMatches("fcos_resnet50_fpn", Fcos, "0.6", 100, ["cls_logits", "bbox_regression", "bbox_ctrness"]);

    [Fact]
    public void TorchvisionKeys_OlderFilesAndCocosUnusedIds_AreRead()
    {
        using var model = Build.From<VisionModel>(
            $$"""{ "type": "Detector", {{Backbone}}, {{Neck}}, {{Retina}} }""",
            Build.Classes(80, DataTask.Detection)
        );
        var map = model.KeyMaps["torchvision"];
        Assert.Equal("bbox_head.cls_convs.3.conv.weight", map.Rename("head.classification_head.conv.6.weight"));
        Assert.Equal("bbox_head.reg_convs.2.conv.bias", map.Rename("head.regression_head.conv.2.0.bias"));
        Assert.Equal("neck.lateral_convs.1.conv.weight", map.Rename("backbone.fpn.inner_blocks.1.weight"));
        Assert.Equal("neck.fpn_convs.4.conv.weight", map.Rename("backbone.fpn.extra_blocks.p7.weight"));
        Assert.Equal("backbone.layer1.0.conv1.weight", map.Rename("backbone.body.layer1.0.conv1.weight"));
        using var stored = arange(9 * 91).to(ScalarType.Float32);
        using var reshaped = map.Reshape!("bbox_head.retina_cls.bias", stored);
        Assert.Equal([720], reshaped.shape);
        // Person is id 1, a traffic light 10, a fire hydrant 11, a stop sign 13; toothbrush, the last, 90.
        Assert.Equal([1f, 10, 11, 13, 90, 92], new[] { 0, 9, 10, 11, 79, 80 }.Select(i => reshaped[i].item<float>()));
    }

    private static void AssertMatches(string fixture, string head, string iou, int count, string[] outputs)
    {
        var expected = FixtureFile.Json("models", fixture + ".json");
        var test = Test.Replace("IOU", iou, StringComparison.Ordinal).Replace("COUNT", $"{count}", StringComparison.Ordinal);
        var info = Build.Classes(7, DataTask.Detection);
        using var model = (Detector)
            Build.From<VisionModel>($$"""{ "type": "Detector", {{Backbone}}, {{Neck}}, {{head}}, {{test}} }""", info);
        Fill(model);
        model.eval();
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var batch = new Batch
        {
            Images = Formula.Values("images", 2, 3, 128, 160),
            Samples =
            [
                .. Enumerable
                    .Range(0, 2)
                    .Select(i => new Sample
                    {
                        Index = i,
                        Name = $"{i}",
                        Truth = { Boxes = new Boxes(Boxes[i], Labels[i], new bool[Labels[i].Length]) },
                    }),
            ],
        };

        AssertAnchors(expected.GetProperty("anchors"), head);
        var maps = model.Outputs(batch.Images);
        for (var i = 0; i < outputs.Length; i++)
        {
            var values =
                i == 0 ? 7
                : i == 1 ? 4
                : 1;
            // As torchvision has them: [B, places · shapes, values].
            var rows = maps.Skip(i * 5)
                .Take(5)
                .Select(map => map.unflatten(1, [-1, values]).permute(0, 3, 4, 1, 2).reshape(2, -1, values))
                .ToArray();
            ParityTests.AssertClose(expected.GetProperty(outputs[i]), cat(rows, 1), $"{fixture} {outputs[i]}");
        }

        var losses = model.Loss(batch, default);
        var wanted = expected.GetProperty("losses").EnumerateObject().Select(loss => loss.Value.GetDouble()).ToArray();
        Assert.Equal(wanted.Length, losses.Count);
        foreach (var (loss, value) in losses.Values.Zip(wanted))
            Assert.Equal(value, loss.item<float>(), 1e-4 * Math.Max(1, value));

        AssertDetections(expected, model.Predict(batch).Cast<DetectionPrediction>().ToArray());
    }

    private static void AssertDetections(JsonElement expected, DetectionPrediction[] found)
    {
        for (var image = 0; image < 2; image++)
        {
            Assert.Equal(expected.GetProperty("counts")[image].GetInt32(), found[image].Scores.Length);
            var reference = expected.GetProperty("detections")[image];
            var scores = Numbers(reference.GetProperty("scores"));
            for (var i = 0; i < scores.Length; i++)
            {
                Assert.Equal(scores[i], found[image].Scores[i], 1e-4);
                Assert.Equal(reference.GetProperty("labels")[i].GetInt32(), found[image].Labels[i]);
                var box = Numbers(reference.GetProperty("boxes")[i]);
                for (var side = 0; side < 4; side++)
                    Assert.Equal(box[side], found[image].Corners[i * 4 + side], 1e-2);
            }
        }
    }

    /// <summary>Equal to the last bit.</summary>
    private static void AssertAnchors(JsonElement expected, string head)
    {
        var generator = new Tessera.Models.Detection.Anchors.AnchorGenerator(
            head == Retina
                ? new(
                    Sizes:
                    [
                        [32, 40, 50],
                        [64, 80, 101],
                        [128, 161, 203],
                        [256, 322, 406],
                        [512, 645, 812],
                    ],
                    Round: true,
                    StridesFromImage: true
                )
                : new(Scales: [1], Ratios: [1], StridesFromImage: true),
            new Source([8, 16, 32, 64, 128])
        );
        var boxes = generator.Generate([(16, 20), (8, 10), (4, 5), (2, 3), (1, 2)], (128, 160)).Boxes;
        Assert.Equal([boxes.Count, 4], expected.GetProperty("shape").EnumerateArray().Select(n => n.GetInt32()));
        var flat = Enumerable.Range(0, boxes.Count).SelectMany(i => new[] { boxes.X1[i], boxes.Y1[i], boxes.X2[i], boxes.Y2[i] }).ToArray();
        var step = expected.GetProperty("step").GetInt32();
        Assert.Equal(Numbers(expected.GetProperty("values")), Enumerable.Range(0, 48).Select(i => (double)flat[i * step]));
        Assert.Equal(expected.GetProperty("norm").GetDouble(), Math.Sqrt(flat.Sum(v => (double)v * v)), 1e-6);
    }

    private static double[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(n => n.GetDouble())];

    private static void Fill(Detector model)
    {
        Formula.Fill(model, model.KeyMaps["torchvision"]);
        using var _ = no_grad();
        var isFcos = model.named_parameters().Any(p => p.name.Contains("centerness", StringComparison.Ordinal));
        foreach (var (name, parameter) in model.named_parameters())
        {
            if (name is "bbox_head.retina_cls.weight" or "bbox_head.conv_cls.weight" or "bbox_head.conv_centerness.weight")
                parameter.mul_(0.3);
            if (name is "bbox_head.retina_reg.weight" or "bbox_head.conv_reg.weight")
                parameter.mul_(0.1);
            if (isFcos && name is "bbox_head.conv_reg.bias")
                parameter.fill_(2);
        }
    }
}

/// <summary>Maps of given strides, of 256 channels.</summary>
internal sealed record Source(int[] Strides) : IFeatureSource
{
    public IReadOnlyList<int> OutChannels { get; } = [.. Strides.Select(_ => 256)];

    public IReadOnlyList<int> OutStrides => Strides;
}
