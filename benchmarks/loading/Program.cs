using System.Diagnostics;
using System.Globalization;
using Tessera.Datasets.Classification;
using Tessera.Datasets.Loading;
using Tessera.Datasets.Samplers;
using Tessera.Datasets.Synthetic;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;

// Images per second from the data set to the batch, by number of workers, with nothing to wait for at the other end.
//   dotnet run -c Release --project benchmarks/loading -- shapes|cifar10|photographs [PATH]
// shapes: drawn anew each time. cifar10: PATH is the zip archive. photographs: PATH is a folder of class folders.
if (args is not ([_] or [_, _]) || (args[0] != "shapes" && args.Length < 2))
{
    Console.Error.WriteLine("Arguments: shapes, cifar10 ZIP or photographs FOLDER.");
    return 2;
}
var normalize = new Normalize(new NormalizeOptions());
var flip = new RandomFlip(new RandomFlipOptions());
(Dataset Data, Transform[] Pipeline, int BatchSize) work = args[0] switch
{
    "shapes" => (new Shapes(new ShapesOptions(Count: 12_800, CacheMb: 0)), [flip, normalize], 64),
    "cifar10" => (
        new ImageFolder(new ImageFolderOptions(args[1], "train")),
        [
            new LoadImage(new LoadImageOptions()),
            new RandomCrop(new RandomCropOptions(new HeightWidth(32, 32), Padding: 4)),
            flip,
            normalize,
        ],
        128
    ),
    _ => (
        new ImageFolder(new ImageFolderOptions(args[1])),
        [
            new LoadImage(new LoadImageOptions()),
            new RandomResizedCrop(new RandomResizedCropOptions(new HeightWidth(224, 224))),
            flip,
            normalize,
        ],
        16
    ),
};
var sampler = new RandomSampler(new RandomSamplerOptions(Samples: Math.Min(work.Data.Count, 12_800)));
int[] workers = [0, 1, 2];
var rates = Array.ConvertAll(workers, _ => new List<double>());
var cpu = Array.ConvertAll(workers, _ => new List<double>());
for (var round = -1; round < 5; round++) // the first warms up; the settings take turns
{
    for (var i = 0; i < workers.Length; i++)
    {
        using var loader = new BatchLoaderFactory().Create(
            work.Data,
            work.Pipeline,
            sampler,
            new LoaderOptions(work.BatchSize, workers[i]),
            0,
            training: true
        );
        var (clock, images) = (Stopwatch.StartNew(), 0);
        var spent = Environment.CpuUsage.TotalTime;
        var allocated = GC.GetTotalAllocatedBytes();
        foreach (var batch in loader.Epoch(round + 1))
        {
            images += batch.Count;
            batch.Dispose();
        }
        if (round >= 0)
            rates[i].Add(images / clock.Elapsed.TotalSeconds);
        if (round >= 0)
            cpu[i].Add((Environment.CpuUsage.TotalTime - spent).TotalMicroseconds / images);
        if (round == 0)
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{workers[i]} workers: {(GC.GetTotalAllocatedBytes() - allocated) / (double)images / 1024:F1} KiB allocated per image"
                )
            );
    }
}
for (var i = 0; i < workers.Length; i++)
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"{workers[i]} workers: {Median(rates[i]):F0} images/s, {Median(cpu[i]):F0} us of processor time per image (medians of "
                + $"{rates[i].Count})"
        )
    );
return 0;

static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
