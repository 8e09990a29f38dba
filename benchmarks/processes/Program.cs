// Training steps of one process among those that mpirun has started, or of one alone: the median of their seconds, and the part of them
// in which each stage waited. compare.py starts it.
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

if (args.Length != 6 || args[0] is not ("resnet18" or "vit_tiny") || args[1] is not ("alone" or "overlap" or "after" or "stages"))
{
    Console.Error.WriteLine(
        "usage: Tessera.Benchmarks.Processes resnet18|vit_tiny alone|overlap|after|stages BATCH MICRO_BATCHES STEPS fp32|bf16|auto"
    );
    return 2;
}
var (batchSize, microBatches, steps) = (Number(args[2]), Number(args[3]), Number(args[4]));
var backbone = args[0] == "resnet18" ? """{ "type": "ResNet", "depth": 18 }""" : """{ "type": "VisionTransformer", "arch": "tiny" }""";
const int Classes = 1000,
    Size = 224;

Threads.Set(1);
using var group = ProcessGroups.FromEnvironment(CPU);
using var services = new ServiceCollection()
    .AddComponents(typeof(ResNet).Assembly)
    .AddComponents(typeof(VisionModel).Assembly)
    .BuildServiceProvider();
var builder = services.GetRequiredService<ComponentBuilder>();
var precision = PrecisionChoice.Resolve(Enum.Parse<Precision>(args[5], ignoreCase: true), DeviceType.CPU);
manual_seed(group.Rank);
using var batch = RandomBatch();
manual_seed(0);
using var model = builder.Build<VisionModel>(
    $$"""{ "type": "ImageClassifier", "backbone": {{backbone}}, "head": { "type": "LinearHead" } }""",
    new DataInfo([.. Enumerable.Range(0, Classes).Select(i => $"class{i}")], DataTask.Classification)
);
using var step = new TrainStep(
    new StepParts
    {
        Model = model,
        Optimizers = new Dictionary<string, OptimizerFactory>
        {
            [OptimizerSet.OnlyName] = builder.Build<OptimizerFactory>("""{ "type": "Sgd", "lr": 0.01, "momentum": 0.9 }"""),
        },
        Step = new StepOptions(ClipGrad: new ClipGradOptions(1)),
        Precision = precision,
        ChannelsLast = args[0] == "resnet18",
        Group = group,
        Processes = new ProcessesOptions(Overlap: args[1] == "overlap"),
        Pipeline = args[1] == "stages" ? new PipelineParts(new PipelineOptions(group.WorldSize, microBatches), RandomBatch) : null,
    }
);
step.TrainMode();
step.Prepare(batch);
var (seconds, waiting) = (new List<double>(), new List<double>());
for (var i = 0; i < steps + 2; i++)
{
    using var scope = NewDisposeScope();
    group.Barrier();
    var begin = Stopwatch.GetTimestamp();
    step.Run(batch, new Progress(i, steps, 0, 1));
    group.Barrier();
    seconds.Add(Stopwatch.GetElapsedTime(begin).TotalSeconds);
    waiting.Add(step.StageWaiting);
}
var waits = string.Join(
    ' ',
    group
        .AllGather(BitConverter.GetBytes(Median(waiting)))
        .Select(bytes => BitConverter.ToDouble(bytes).ToString("0.0000", CultureInfo.InvariantCulture))
);
if (group.Rank == 0)
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"seconds {Median(seconds):0.0000} early {step.TravellingBuckets.Early} of {step.TravellingBuckets.All} waiting {waits}"
        )
    );
return 0;

Batch RandomBatch() =>
    new()
    {
        Images = randn(batchSize, 3, Size, Size),
        Labels = randint(0, Classes, [batchSize]),
        Samples = [.. Enumerable.Range(0, batchSize).Select(i => new Sample { Index = i, Name = $"{i}" })],
    };

double Median(List<double> values) => values[2..].Order().ElementAt(steps / 2);

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
