// The network of a checkpoint by libtorch as Predictor runs it (norms worked into convolutions, no gradients) and by ONNX Runtime from the
// file that the exporter writes: the same input, as many threads, in turns; medians and their ratio. Weights are random: time doesn't
// depend on them.
using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using Tessera;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Layers;
using Tessera.Onnx.Export;
using Tessera.Torch;
using static TorchSharp.torch;

var rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 11;
var threads = Environment.ProcessorCount;
set_num_threads(threads);
const string Pyramid = """{ "type": "Fpn", "out_channels": 256, "start_level": 1, "num_outs": 5, "add_extra_convs": "on_input" }""";
(string Name, DataTask Task, string Model, int Size)[] models =
[
    (
        "ResNet-50",
        DataTask.Classification,
        """{ "type": "ImageClassifier", "backbone": { "type": "ResNet", "depth": 50 }, "head": { "type": "LinearHead" } }""",
        224
    ),
    (
        "ViT-Tiny",
        DataTask.Classification,
        """{ "type": "ImageClassifier", "backbone": { "type": "VisionTransformer", "arch": "tiny", "image_size": 224, "patch_size": 16 }, "head": { "type": "LinearHead" } }""",
        224
    ),
    (
        "DeepLabV3",
        DataTask.Segmentation,
        """{ "type": "Segmentor", "backbone": { "type": "ResNet", "depth": 50, "output_stride": 8 }, "decode_head": { "type": "AsppHead" } }""",
        256
    ),
    (
        "RetinaNet",
        DataTask.Detection,
        $$"""{ "type": "Detector", "backbone": { "type": "ResNet", "depth": 50 }, "neck": {{Pyramid}}, "bbox_head": { "type": "RetinaHead" } }""",
        320
    ),
];
var folder = Directory.CreateTempSubdirectory("tessera-onnx-benchmark").FullName;
try
{
    Console.WriteLine($"{threads} threads, medians of {rounds} rounds, milliseconds");
    foreach (var (name, task, model, size) in models)
    foreach (var batch in new[] { 1, 8 })
        Measure(name, task, model, size, batch);
}
finally
{
    Directory.Delete(folder, recursive: true);
}
return 0;

void Measure(string name, DataTask task, string model, int size, int batch)
{
    using var session = Session.OfCheckpoint(Checkpoint(task, model, size), new Tessera.SessionOptions { Device = "cpu" });
    var path = Path.Combine(folder, "model.onnx");
    OnnxExporter.Export(session, path, new OnnxExportOptions { Open = OpenSides.Batch });
    using var settings = new Microsoft.ML.OnnxRuntime.SessionOptions { IntraOpNumThreads = threads };
    using var runtime = new InferenceSession(path, settings);
    using var still = no_grad();
    using var fusion = new ConvNormFusion();
    using var images = randn(batch, 3, size, size);
    using var input = OrtValue.CreateTensorValueFromMemory(images.Values<float>(), images.shape);
    using var run = new RunOptions();
    double[] own = new double[rounds],
        other = new double[rounds];
    for (var i = -2; i < rounds; i++) // two to warm up
    {
        var first = Milliseconds(() =>
        {
            using var scope = NewDisposeScope();
            using var fused = fusion.Enter();
            _ = ((IExplainable)session.Model).Outputs(images);
        });
        var second = Milliseconds(() => runtime.Run(run, ["images"], [input], runtime.OutputNames).Dispose());
        if (i >= 0)
            (own[i], other[i]) = (first, second);
    }
    var (torch, onnx) = (Median(own), Median(other));
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"{name, -10} batch {batch}  libtorch {torch, 8:0.0}  ONNX Runtime {onnx, 8:0.0}  ratio {onnx / torch:0.00}"
        )
    );
}

string Checkpoint(DataTask task, string model, int size)
{
    var path = Path.Combine(folder, "model.safetensors");
    var data =
        $$"""{ "type": "Shapes", "task": "{{task.ToString().ToLowerInvariant()}}", "count": 2, "size": 64, "split": "val", "pipeline": [ { "type": "LoadImage" }, { "type": "Resize", "size": [{{size}}, {{size}}] }, { "type": "Normalize" } ] }""";
    var config = ConfigDocument.Parse(
        $$"""{ "model": {{model}}, "val": { "loader": { "batch_size": 1, "workers": 0 }, "dataset": {{data}} } }"""
    );
    using var session = Session.Open(config, new Tessera.SessionOptions { Device = "cpu" });
    var info = session.Data[DataPart.Val].Info;
    using var network = session.CreateModel(info);
    Tessera.Framework.Checkpoints.Checkpoint.WriteModel(
        path,
        network,
        new CheckpointInfo
        {
            Config = config,
            Data = info,
            Epoch = 0,
            Iteration = 0,
        }
    );
    return path;
}

static double Milliseconds(Action action)
{
    var watch = Stopwatch.StartNew();
    action();
    return watch.Elapsed.TotalMilliseconds;
}

static double Median(double[] times) => times.Order().ElementAt(times.Length / 2);
