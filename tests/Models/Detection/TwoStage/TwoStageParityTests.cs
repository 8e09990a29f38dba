using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels;
using Tessera.Tests.Models.Loading;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection.TwoStage;

/// <summary>Losses, boxes and masks against torchvision's Faster R-CNN and Mask R-CNN, whose weights are read as a file of torchvision's;
/// see make_two_stage.py.</summary>
public sealed class TwoStageParityTests : IDisposable
{
    private const int Height = 96,
        Width = 128;

    private const string Start = """
        "type": "TwoStageDetector", "backbone": { "type": "ResNet", "depth": 18 }, "neck": { "type": "Fpn", "num_outs": 5 },
        "rpn_head": {
          "type": "RpnHead", "train": { "nms_pre": 60, "max_per_img": 50 }, "test": { "nms_pre": 40, "max_per_img": 30 },
          "anchor_generator": { "type": "AnchorGenerator", "sizes": [[16], [24], [32], [64], [96]], "round": true, "strides_from_image": true },
          "assigner": { "type": "MaxIouAssigner", "pos_iou_thr": 0.7, "neg_iou_thr": 0.3, "low_quality_to": "nearest" },
          "sampler": { "type": "RandomSampler", "num": 1000000, "pos_fraction": 0.5 }, "loss_bbox": { "type": "SmoothL1Loss" }
        },
        "test": { "score_thr": 0.05, "max_per_img": 60, "min_bbox_size": 0.0099, "mask_paste": "whole_pixels" }
        """;

    private const string Head = """
        "type": "StandardRoIHead", "sampler": { "type": "RandomSampler", "num": 1000000, "pos_fraction": 0.5 },
        "bbox_roi_extractor": { "type": "SingleRoIExtractor", "sampling_ratio": 2, "aligned": false },
        "bbox_head": { "type": "ConvFcBboxHead", "loss_bbox": { "type": "SmoothL1Loss" } }
        """;

    private const string Mask = """
        "mask_roi_extractor": { "type": "SingleRoIExtractor", "output_size": 14, "sampling_ratio": 2, "aligned": false },
        "mask_head": { "type": "FcnMaskHead", "target_aligned": false, "binary_targets": false }
        """;

    private static readonly (string End, double Factor)[] Factors =
    [
        ("bbox_pred.weight", 0.1),
        ("cls_score.weight", 0.5),
        ("mask_fcn_logits.weight", 2),
        ("rpn.head.cls_logits.weight", 0.5),
    ];

    private static readonly float[][] Boxes =
    [
        [10.5f, 12.5f, 70.75f, 60.25f, 40.5f, 30.25f, 110.25f, 90.5f, 80.5f, 5.5f, 100.25f, 30.25f],
        [20.25f, 20.5f, 50.5f, 80.25f],
    ];
    private static readonly int[][] Labels =
    [
        [0, 2, 1],
        [1],
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("faster_rcnn", $$"""{ {{Start}}, "roi_head": { {{Head}} } }""")]
    [InlineData("mask_rcnn", $$"""{ {{Start}}, "roi_head": { {{Head}}, {{Mask}} } }""")]
    public void TwoStage_FormulaWeights_MatchesTorchvision(string fixture, string config)
    {
        var expected = FixtureFile.Json("models", fixture + ".json");
        var data = Build.Classes(3, DataTask.Detection);
        using var model = (TwoStageDetector)Build.From<VisionModel>(config, data);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        Load(model, expected.GetProperty("keys"), data);
        model.eval();
        using var batch = Images();
        var losses = model.Loss(batch, default);
        var wanted = expected.GetProperty("losses").EnumerateObject().Select(loss => loss.Value.GetDouble()).Order();
        foreach (var (value, loss) in wanted.Zip(losses.Values.Select(loss => (double)loss.item<float>()).Order()))
            Assert.Equal(value, loss, 2e-5 * Math.Max(1, value));
        Assert.Equal(expected.GetProperty("losses").EnumerateObject().Count(), losses.Count);
        var found = model.Predict(batch).Cast<DetectionPrediction>().ToArray();
        for (var image = 0; image < 2; image++)
            AssertDetections(expected.GetProperty("detections")[image], found[image]);
        Assert.All(found, prediction => Assert.True(prediction.OutputIsFinite));
    }

    private static void AssertDetections(JsonElement expected, DetectionPrediction found)
    {
        var scores = Numbers(expected.GetProperty("scores"));
        Assert.Equal(scores.Length, found.Scores.Length);
        for (var i = 0; i < scores.Length; i++)
        {
            Assert.Equal(scores[i], found.Scores[i], 1e-5);
            Assert.Equal(expected.GetProperty("labels")[i].GetInt32() - 1, found.Labels[i]); // there, 0 is the background
            var box = Numbers(expected.GetProperty("boxes")[i]);
            for (var side = 0; side < 4; side++)
                Assert.Equal(box[side], found.Corners[(i * 4) + side], 2e-3);
        }
        if (!expected.TryGetProperty("areas", out var areas))
        {
            Assert.Null(found.Masks);
            return;
        }
        Assert.Equal(Numbers(areas), found.Masks!.Select(mask => (double)mask.Area));
        foreach (var (row, mask) in expected.GetProperty("rows").EnumerateArray().Zip(found.Masks!))
        {
            var bytes = mask.ToImage().Bytes;
            Assert.Equal(Numbers(row), Enumerable.Range(0, Height).Select(y => (double)bytes.AsSpan(y * Width, Width).Count((byte)1)));
        }
    }

    private void Load(VisionModel model, JsonElement keys, DataInfo data)
    {
        var tensors = new List<(string, Tensor)>();
        foreach (var key in keys.EnumerateObject())
        {
            var value = Formula.Values(key.Name, [.. key.Value.EnumerateArray().Select(size => size.GetInt64())]);
            foreach (var (end, factor) in Factors)
                if (key.Name.EndsWith(end, StringComparison.Ordinal))
                    value.mul_(factor);
            if (key.Name.EndsWith("mask_fcn_logits.bias", StringComparison.Ordinal))
                value.add_(0.5);
            tensors.Add((key.Name, value));
        }
        var path = Path.Combine(_folder, "torchvision.safetensors");
        PlainSafetensors.Write(path, tensors);
        Assert.True(ForeignWeights.LoadWhole(model, path, data).IsComplete);
    }

    private static Batch Images() =>
        new()
        {
            Images = Formula.Values("images", 2, 3, Height, Width),
            Samples =
            [
                .. Enumerable
                    .Range(0, 2)
                    .Select(i => new Sample
                    {
                        Index = i,
                        Name = $"{i}",
                        Truth =
                        {
                            Boxes = new Boxes(Boxes[i], Labels[i], new bool[Labels[i].Length]),
                            InstanceMasks = [.. Boxes[i].Chunk(4).Select(Ellipse)],
                        },
                    }),
            ],
        };

    private static Image Ellipse(float[] box)
    {
        var mask = new Image(Height, Width, 1);
        for (var y = 0; y < Height; y++)
        for (var x = 0; x < Width; x++)
        {
            var dx = (x + 0.5f - ((box[0] + box[2]) / 2)) / (box[2] - box[0]);
            var dy = (y + 0.5f - ((box[1] + box[3]) / 2)) / (box[3] - box[1]);
            if ((dx * dx) + (dy * dy) <= 0.25f)
                mask.Bytes[(y * Width) + x] = 1;
        }
        return mask;
    }

    private static double[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(n => n.GetDouble())];
}
