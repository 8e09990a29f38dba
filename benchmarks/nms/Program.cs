// One side of the comparison: reads boxes and scores, answers every "run N" with the seconds that N suppressions took.
// compare.py starts it.
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Tessera.Models.Detection.Suppression;

if (args.Length != 1)
{
    Console.Error.WriteLine("usage: Tessera.Benchmarks.Nms FILE (float32: x1, y1, x2, y2, score, label of each box)");
    return 2;
}
var rows = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(args[0])).ToArray().Chunk(6).ToArray();
var candidates = new Candidates(
    [.. rows.SelectMany(row => row[..4])],
    [.. rows.Select(row => row[4])],
    [.. rows.Select(row => (int)row[5])]
);
var nms = new Nms(new(0.5));
while (Console.ReadLine() is { } line)
{
    var runs = int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
    var kept = 0;
    var watch = Stopwatch.StartNew();
    for (var i = 0; i < runs; i++)
        kept = nms.Apply(candidates).Kept.Length;
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{watch.Elapsed.TotalSeconds:R} {kept}"));
}
return 0;
