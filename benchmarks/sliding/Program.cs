// What predicting in crops costs beside the crops' passes through the network alone: the two take turns, and what counts is
// the median of the turns' ratios. CamVid's size, crops of two thirds of a side.
//   dotnet run -c Release --project benchmarks/sliding [ROUNDS]
using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using Tessera.Models.TaskModels.Segmentation;
using Tessera.Torch;
using static TorchSharp.torch;

const int count = 2,
    height = 360,
    width = 480,
    cropHeight = 240,
    cropWidth = 320,
    together = 4;
var rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 9;
Tessera.Torch.Loading.LibTorch.Load();
using var services = new ServiceCollection()
    .AddComponents(typeof(ResNet).Assembly)
    .AddComponents(typeof(VisionModel).Assembly)
    .BuildServiceProvider();
var info = new DataInfo([.. Enumerable.Range(0, 11).Select(i => $"class{i}")], DataTask.Segmentation);
using var model = (Segmentor)
    services
        .GetRequiredService<ComponentBuilder>()
        .Build<VisionModel>(
            $$"""
            { "type": "Segmentor", "backbone": { "type": "ResNet", "depth": 18, "output_stride": 16 }, "decode_head": { "type": "AsppHead", "channels": 128, "dilations": [1, 6, 12, 18] },
              "test": { "mode": "slide", "crop_size": [{{cropHeight}}, {{cropWidth}}], "stride": [{{cropHeight / 2}}, {{cropWidth
                / 2}}], "crop_batch": {{together}} } }
            """,
            info
        );
model.eval();
using var gradients = no_grad();
using var batch = new Batch
{
    Images = randn(count, 3, height, width),
    Samples =
    [
        .. Enumerable
            .Range(0, count)
            .Select(i => new Sample
            {
                Index = i,
                Name = $"{i}",
                Geometry = new Geometry(height, width, Matrix3x2.Identity),
            }),
    ],
};

// Two rows and two columns of crops an image.
var crops = new[] { (0, 0), (0, 160), (120, 0), (120, 160) };
var groups = Enumerable
    .Range(0, count)
    .SelectMany(i => crops.Select(at => batch.Images.narrow(0, i, 1).narrow(2, at.Item1, cropHeight).narrow(3, at.Item2, cropWidth)))
    .Chunk(together)
    .Select(group => cat(group, 0))
    .ToArray();

// ratios: of wall clocks, and of processor time, which other programs disturb less
var (times, work) = (new List<double>(), new List<double>());
for (var round = -1; round < rounds; round++) // the first warms up
{
    (double Seconds, double Processor) passes,
        predicting;
    if (round % 2 == 0)
        (passes, predicting) = (Time(Passes), Time(Predict));
    else
        (predicting, passes) = (Time(Predict), Time(Passes));
    if (round < 0)
        continue;
    times.Add(predicting.Seconds / passes.Seconds);
    work.Add(predicting.Processor / passes.Processor);
    Console.WriteLine(
        string.Create(CultureInfo.InvariantCulture, $"passes {passes.Seconds:0.000} s, predicting {predicting.Seconds:0.000} s")
    );
}
Tell("ratio", times);
Tell("processor time", work);

static void Tell(string what, List<double> ratios)
{
    ratios.Sort();
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"{what} {ratios[ratios.Count / 2]:0.000} ({ratios[0]:0.000} to {ratios[^1]:0.000}), aim 1.1"
        )
    );
}

static (double Seconds, double Processor) Time(Action action)
{
    using var process = Process.GetCurrentProcess();
    var (watch, before) = (Stopwatch.StartNew(), process.TotalProcessorTime);
    using (NewDisposeScope())
        action();
    var seconds = watch.Elapsed.TotalSeconds;
    process.Refresh();
    return (seconds, (process.TotalProcessorTime - before).TotalSeconds);
}

void Passes()
{
    foreach (var group in groups)
        _ = model.Logits(group);
}

void Predict() => _ = model.Predict(batch);
