// One side of the comparison: loads a checkpoint and, for every "steps N" on its input, predicts the images N times and answers with
// the seconds that took. compare.py starts it, here and in an earlier commit's worktree.
using System.Diagnostics;
using System.Globalization;
using Tessera;

if (args.Length < 3)
{
    Console.Error.WriteLine("usage: Tessera.Benchmarks.Inference CHECKPOINT BATCH IMAGE …");
    return 2;
}
var batch = int.Parse(args[1], CultureInfo.InvariantCulture);
var images = args[2..];
using var predictor = Predictor.Load(args[0], new PredictorOptions { BatchSize = batch, Workers = 1 });
Console.WriteLine("ready");
while (Console.ReadLine() is { } line)
{
    var steps = int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
    var watch = Stopwatch.StartNew();
    var count = 0;
    for (var i = 0; i < steps; i++)
        count += predictor.Predict(images).Count();
    if (count != steps * images.Length)
        throw new InvalidOperationException($"{count} predictions of {steps * images.Length}");
    Console.WriteLine(watch.Elapsed.TotalSeconds.ToString("R", CultureInfo.InvariantCulture));
}
return 0;
