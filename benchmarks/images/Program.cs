using System.Diagnostics;
using System.Globalization;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;

// Classification: decode, random resized crop to 224, flip, normalise into planes. Arguments: the photographs.
// Segmentation: decode photograph and labels, random resize, crop, flip, normalise, labels as indices. Arguments: "segmentation",
// the photographs, and as many label images. compare.py and camvid.py write a line for each round and read the seconds it took.
// Single operations, for operations.py: "operation", and what Operations.Run takes.
if (args is ["operation", ..])
{
    Tessera.Benchmarks.Images.Operations.Run(args[1..]);
    return;
}
var segmentation = args is ["segmentation", ..];
var names = segmentation ? args[1..] : args;
var files = Array.ConvertAll(names, File.ReadAllBytes);
var count = segmentation ? files.Length / 2 : files.Length;
Transform[] pipeline = segmentation
    ?
    [
        new LoadImage(new LoadImageOptions()),
        new LoadSegmentation(),
        new RandomResize(new RandomResizeOptions([0.5, 2])),
        new RandomCrop(new RandomCropOptions(new HeightWidth(360, 480))),
        new RandomFlip(new RandomFlipOptions()),
        new Normalize(new NormalizeOptions()),
    ]
    :
    [
        new LoadImage(new LoadImageOptions()),
        new RandomResizedCrop(new RandomResizedCropOptions(new HeightWidth(224, 224))),
        new RandomFlip(new RandomFlipOptions()),
        new Normalize(new NormalizeOptions()),
    ];
var camvid = new Tessera.Datasets.Segmentation.CamVidOptions("").Table();
var planes = new float[segmentation ? 3 * 360 * 480 : 3 * 224 * 224];
var indices = new long[360 * 480];
for (var round = 0; Console.ReadLine() is not null; round++)
{
    var clock = Stopwatch.StartNew();
    for (var i = 0; i < count; i++)
    {
        var file = files[i];
        var labels = segmentation ? files[count + i] : [];
        var sample = new Sample
        {
            Index = i,
            Name = names[i],
            ReadFile = () => file,
            Training = true,
            SegmentationFile = segmentation ? new("labels", () => labels, camvid) : null,
        };
        var random = RandomSource.For(0, round, i);
        foreach (var step in pipeline)
            sample = step.Apply(sample, random);
        var (pixels, normalization) = sample.Image!.Take();
        normalization.WritePlanes(pixels, planes);
        if (!segmentation)
            continue;
        var map = sample.Truth.SegmentationMap!.Bytes;
        for (var p = 0; p < map.Length; p++)
            indices[p] = map[p];
    }
    Console.WriteLine(clock.Elapsed.TotalSeconds.ToString("R", CultureInfo.InvariantCulture));
}
