using System.Diagnostics;
using System.Globalization;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;

// Decode, random resized crop to 224, flip, normalise into planes. compare.py writes a line for each round it wants and
// reads the seconds that it took. Arguments: the photographs.
var files = Array.ConvertAll(args, File.ReadAllBytes);
Transform[] pipeline =
[
    new LoadImage(new LoadImageOptions()),
    new RandomResizedCrop(new RandomResizedCropOptions(new HeightWidth(224, 224))),
    new RandomFlip(new RandomFlipOptions()),
    new Normalize(new NormalizeOptions()),
];
var planes = new float[3 * 224 * 224];
for (var round = 0; Console.ReadLine() is not null; round++)
{
    var clock = Stopwatch.StartNew();
    for (var i = 0; i < files.Length; i++)
    {
        var file = files[i];
        var sample = new Sample { Index = i, Name = args[i], ReadFile = () => file, Training = true };
        var random = RandomSource.For(0, round, i);
        foreach (var step in pipeline)
            sample = step.Apply(sample, random);
        var (pixels, normalization) = sample.TakePixels();
        normalization.WritePlanes(pixels, planes);
    }
    Console.WriteLine(clock.Elapsed.TotalSeconds.ToString("R", CultureInfo.InvariantCulture));
}
