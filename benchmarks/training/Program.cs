// One side of the comparison: builds a model, then, for every "steps N" on its input, trains N steps on one batch and
// answers with the seconds they took. compare.py starts it, and torch_side.py as the other side.
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Tessera;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Models.Backbones;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

if (args.Length != 2 || args[1] is not ("equal" or "defaults"))
{
    Console.Error.WriteLine(
        "usage: Tessera.Benchmarks.Training vit_tiny|resnet18|resnet50|mobilenet_v2|efficientnet_b0|convnext_tiny|regnet_y_400mf|"
            + "densenet121|deeplabv3_resnet50|retinanet_resnet50|faster_rcnn_resnet50|mask_rcnn_resnet50 equal|defaults"
    );
    return 2;
}
const string sgd = """{ "type": "Sgd", "lr": 0.01, "momentum": 0.9 }""";
var (network, batchSize, height, width, optimizer) = args[0] switch
{
    "vit_tiny" => (
        Classifier("""{ "type": "VisionTransformer", "arch": "tiny" }"""),
        8,
        224,
        224,
        """{ "type": "AdamW", "lr": 0.0001, "weight_decay": 0.05 }"""
    ),
    "resnet18" => (Classifier("""{ "type": "ResNet", "depth": 18 }"""), 64, 32, 32, sgd),
    "resnet50" => (Classifier("""{ "type": "ResNet", "depth": 50 }"""), 8, 224, 224, sgd),
    "mobilenet_v2" => (Classifier("""{ "type": "MobileNetV2" }"""), 8, 224, 224, sgd),
    "efficientnet_b0" => (Classifier("""{ "type": "EfficientNet" }"""), 8, 224, 224, sgd),
    "convnext_tiny" => (Classifier("""{ "type": "ConvNeXt" }"""), 4, 224, 224, sgd),
    "regnet_y_400mf" => (Classifier("""{ "type": "RegNet", "arch": "y004" }"""), 8, 224, 224, sgd),
    "densenet121" => (Classifier("""{ "type": "DenseNet" }"""), 4, 224, 224, sgd),
    "deeplabv3_resnet50" => (
        """
        { "type": "Segmentor", "backbone": { "type": "ResNet", "depth": 50, "output_stride": 8, "out_indices": [2, 3] },
          "decode_head": { "type": "AsppHead", "channels": 256, "project": true, "dropout": 0 },
          "auxiliary_head": { "type": "FcnHead", "in_index": 0, "num_convs": 1, "concat_input": false, "losses": { "ce": { "type": "CrossEntropyLoss", "weight": 0.5 } } } }
        """,
        2,
        192,
        256,
        sgd
    ),
    // torchvision's, whose images of 320 x 426 are padded to 448 columns.
    "retinanet_resnet50" => (
        """
        { "type": "Detector", "backbone": { "type": "ResNet", "depth": 50 },
          "neck": { "type": "Fpn", "start_level": 1, "num_outs": 5, "add_extra_convs": "on_output", "relu_before_extra_convs": true },
          "bbox_head": { "type": "RetinaHead", "loss_norm": "image", "assigner": { "type": "MaxIouAssigner", "low_quality_to": "nearest" },
            "anchor_generator": { "type": "AnchorGenerator", "sizes": [[32, 40, 50], [64, 80, 101], [128, 161, 203], [256, 322, 406], [512, 645, 812]], "round": true, "strides_from_image": true } } }
        """,
        2,
        320,
        448,
        """{ "type": "Sgd", "lr": 0.001, "momentum": 0.9 }"""
    ),
    "faster_rcnn_resnet50" => (TwoStage(""), 2, 320, 448, """{ "type": "Sgd", "lr": 0.001, "momentum": 0.9 }"""),
    "mask_rcnn_resnet50" => (
        TwoStage(
            """
            , "mask_roi_extractor": { "type": "SingleRoIExtractor", "output_size": 14, "sampling_ratio": 2, "aligned": false },
            "mask_head": { "type": "FcnMaskHead", "target_aligned": false, "binary_targets": false }
            """
        ),
        2,
        320,
        448,
        """{ "type": "Sgd", "lr": 0.001, "momentum": 0.9 }"""
    ),
    _ => throw new ArgumentException($"no model {args[0]}"),
};
var segments = args[0].StartsWith("deeplab", StringComparison.Ordinal);
var detects = args[0].StartsWith("retinanet", StringComparison.Ordinal) || args[0].Contains("rcnn", StringComparison.Ordinal);
var classes =
    segments ? 21
    : detects ? 91
    : 1000;
var defaults = args[1] == "defaults";

Threads.Set(0);
using var services = new ServiceCollection()
    .AddComponents(typeof(ResNet).Assembly)
    .AddComponents(typeof(VisionModel).Assembly)
    .BuildServiceProvider();
var builder = services.GetRequiredService<ComponentBuilder>();
manual_seed(0);
var info = new DataInfo(
    [.. Enumerable.Range(0, classes).Select(i => $"class{i}")],
    segments ? DataTask.Segmentation
        : detects ? DataTask.Detection
        : DataTask.Classification
);
using var model = builder.Build<VisionModel>(network, info);
using var batch = new Batch
{
    Images = randn(batchSize, 3, height, width),
    Labels = segments || detects ? null : randint(0, classes, [batchSize]),
    SegmentationMaps = segments ? randint(0, classes, [batchSize, height, width]) : null,
    Samples =
    [
        .. Enumerable
            .Range(0, batchSize)
            .Select(i => new Sample
            {
                Index = i,
                Name = $"{i}",
                Truth =
                {
                    Boxes = detects ? Boxes(i) : null,
                    InstanceMasks = args[0].StartsWith("mask", StringComparison.Ordinal) ? Masks(Boxes(i)) : null,
                },
            }),
    ],
};

// What Runner does before a run, with the defaults of the config's keys or without.
var precision = defaults ? PrecisionChoice.Resolve(Precision.Auto, DeviceType.CPU) : PrecisionChoice.Full;
var channelsLast = defaults && BatchLayout.IsConvolutional(model);
using var step = new TrainStep(
    new StepParts
    {
        Model = model,
        Optimizers = new Dictionary<string, OptimizerFactory> { [OptimizerSet.OnlyName] = builder.Build<OptimizerFactory>(optimizer) },
        Precision = precision,
        ChannelsLast = channelsLast,
    }
);
step.TrainMode();
var threads = string.Join(", ", TensorLibrary.Describe().Select(line => $"{line.Name} {line.Value}"));
Console.WriteLine($"ready: {precision.Reason}; {(channelsLast ? "channels last" : "contiguous")}; {threads}");

var iteration = 0L;
while (Console.ReadLine() is { } line)
{
    var steps = int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
    var watch = Stopwatch.StartNew();
    for (var i = 0; i < steps; i++)
        Step();
    Console.WriteLine(watch.Elapsed.TotalSeconds.ToString("R", CultureInfo.InvariantCulture));
}
return 0;

// As torch_side.py has them.
static Boxes Boxes(int image)
{
    var corners = new float[8 * 4];
    for (var i = 0; i < 8; i++)
        (corners[i * 4], corners[i * 4 + 1], corners[i * 4 + 2], corners[i * 4 + 3]) = (
            20 + 45 * i,
            10 + 30 * i,
            70 + 45 * i,
            60 + 30 * i + 20 * image
        );
    return new Boxes(corners, [.. Enumerable.Range(0, 8).Select(i => 1 + 10 * i)], new bool[8]);
}

// Each box filled.
Image[] Masks(Boxes boxes) =>
    [
        .. boxes
            .Corners.Chunk(4)
            .Select(box =>
            {
                var mask = new Image(height, width, 1);
                for (var y = (int)box[1]; y < Math.Min(height, (int)box[3]); y++)
                    mask.Bytes.AsSpan((y * width) + (int)box[0], Math.Min(width, (int)box[2]) - (int)box[0]).Fill(1);
                return mask;
            }),
    ];

// torchvision's, with its own choices.
static string TwoStage(string masks) =>
    $$"""
        { "type": "TwoStageDetector", "backbone": { "type": "ResNet", "depth": 50 }, "neck": { "type": "Fpn", "num_outs": 5 },
          "rpn_head": {
            "type": "RpnHead", "loss_bbox": { "type": "SmoothL1Loss" }, "train": { "nms_pre": 2000, "max_per_img": 2000 },
            "anchor_generator": { "type": "AnchorGenerator", "sizes": [[32], [64], [128], [256], [512]], "round": true, "strides_from_image": true },
            "assigner": { "type": "MaxIouAssigner", "pos_iou_thr": 0.7, "neg_iou_thr": 0.3, "low_quality_to": "nearest" }
          },
          "roi_head": {
            "type": "StandardRoIHead", "bbox_roi_extractor": { "type": "SingleRoIExtractor", "sampling_ratio": 2, "aligned": false },
            "bbox_head": { "type": "ConvFcBboxHead", "loss_bbox": { "type": "SmoothL1Loss" } }{{masks}}
          } }
        """;

static string Classifier(string backbone) =>
    $$"""{ "type": "ImageClassifier", "backbone": {{backbone}}, "head": { "type": "LinearHead" } }""";

void Step()
{
    using var scope = NewDisposeScope();
    step.Prepare(batch);
    step.Run(batch, new Progress(iteration++, 1000, 0, 1));
}
