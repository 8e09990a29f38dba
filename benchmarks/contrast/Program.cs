// What the contrast loss adds to a training step: the same segmentor with cross entropy alone, with pixel contrast, and with
// pixel contrast and a full memory. The three take turns; what counts is the median of the turns' ratios.
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
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

if (args.Length is < 1 or > 3 || args[0] is not ("deeplabv3-r50" or "hrnet-small"))
{
    Console.Error.WriteLine("usage: Tessera.Benchmarks.Contrast deeplabv3-r50|hrnet-small [TURNS] [THREADS]");
    return 2;
}
var deeplab = args[0] == "deeplabv3-r50";
var turns = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 9;
var (batchSize, height, width) = deeplab ? (2, 192, 256) : (8, 180, 240);
const int Classes = 11;

Threads.Set(args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 0);
using var services = new ServiceCollection()
    .AddComponents(typeof(ResNet).Assembly)
    .AddComponents(typeof(VisionModel).Assembly)
    .BuildServiceProvider();
var builder = services.GetRequiredService<ComponentBuilder>();
var info = new DataInfo([.. Enumerable.Range(0, Classes).Select(i => $"class{i}")], DataTask.Segmentation);
manual_seed(0);
var (kept, labels) = (randn(batchSize, 3, height, width), Blocks());
var precision = PrecisionChoice.Resolve(Precision.Auto, DeviceType.CPU);

const string contrast = """{ "type": "PixelContrastLoss", "weight": 0.1 }""";
const string remembers = """{ "type": "PixelContrastLoss", "weight": 0.1, "memory": { "size": 512 } }""";
(string Name, Func<double> Step)[] variants =
[
    ("cross entropy", Variant(null)),
    ("+ contrast", Variant(contrast)),
    ("+ contrast with memory", Variant(remembers)),
];

Console.WriteLine($"{args[0]}, batch {batchSize}, {height}x{width}, {precision.Reason}; {Threads.Count} threads");
for (var i = 0; i < 3; i++)
    foreach (var (_, step) in variants)
        step();
var times = variants.Select(_ => new List<double>()).ToArray();
for (var turn = 0; turn < turns; turn++)
for (var v = 0; v < variants.Length; v++)
    times[v].Add(variants[v].Step());
for (var v = 0; v < variants.Length; v++)
{
    var ratios = times[v].Zip(times[0], (a, b) => a / b).Order().ToArray();
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"{variants[v].Name, -24} {times[v].Order().ElementAt(turns / 2) * 1000, 8:0.0} ms  {ratios[turns / 2], 6:0.000} "
                + $"({ratios[0]:0.000} to {ratios[^1]:0.000})"
        )
    );
}
foreach (var (name, config) in new[] { ("loss alone", contrast), ("loss alone, with memory", remembers) })
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name, -24} {LossAlone(config) * 1000, 8:0.0} ms"));
return 0;

// Seconds of the loss and its gradient at the embeddings, once its memory is full; the median.
double LossAlone(string config)
{
    using var loss = builder.Build<Loss>(config, info);
    loss.ExpectEmbeddings(256);
    var stride = deeplab ? 8 : 4;
    var embeddings = ChannelsLast
        .Lay(nn.functional.normalize(randn(batchSize, 256, (height + stride - 1) / stride, (width + stride - 1) / stride)))
        .requires_grad_();
    var logits = randn(batchSize, Classes, height, width);
    var seconds = new List<double>();
    for (var i = 0; i < 20 + turns; i++)
    {
        using var scope = NewDisposeScope();
        var watch = Stopwatch.StartNew();
        loss.Compute(logits, new LossTargets(labels, Embeddings: embeddings), new Progress(i, 1000, 0, 1)).backward();
        seconds.Add(watch.Elapsed.TotalSeconds);
    }
    return seconds[20..].Order().ElementAt(turns / 2);
}

// Seconds of a step.
Func<double> Variant(string? loss)
{
    var backbone = deeplab ? """{ "type": "ResNet", "depth": 50, "output_stride": 8 }""" : """{ "type": "HRNet", "arch": "w18_small" }""";
    var head = deeplab ? "AsppHead" : "ConcatHead";
    var terms = """ "ce": { "type": "CrossEntropyLoss" } """ + (loss is null ? "" : $", \"contrast\": {loss}");
    var projection = loss is null
        ? ""
        : $$""", "projection_head": { "type": "ProjectionHead", "dim": 256{{(deeplab ? ", \"in_index\": -1" : "")}} }""";
    var model = builder.Build<VisionModel>(
        $$"""{ "type": "Segmentor", "backbone": {{backbone}}, "decode_head": { "type": "{{head}}", "losses": { {{terms}} } }{{projection}} }""",
        info
    );
    var step = new TrainStep(
        new StepParts
        {
            Model = model,
            Optimizers = new Dictionary<string, OptimizerFactory>
            {
                [OptimizerSet.OnlyName] = builder.Build<OptimizerFactory>("""{ "type": "Sgd", "lr": 0.01, "momentum": 0.9 }"""),
            },
            Precision = precision,
            ChannelsLast = true,
        }
    );
    step.TrainMode();
    var iteration = 0L;
    return () =>
    {
        var watch = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var batch = new Batch
        {
            Images = kept.clone(),
            SegmentationMaps = labels.clone(),
            Samples = [.. Enumerable.Range(0, batchSize).Select(i => new Sample { Index = i, Name = $"{i}" })],
        };
        step.Prepare(batch);
        step.Run(batch, new Progress(iteration++, 1000, 0, 1));
        return watch.Elapsed.TotalSeconds;
    };
}

// Labels in blocks of 12 pixels, all classes in every image.
Tensor Blocks() =>
    nn
        .functional.interpolate(randint(0, Classes, [batchSize, 1, height / 12, width / 12]).to(ScalarType.Float32), [height, width])
        .squeeze(1)
        .to(ScalarType.Int64);
