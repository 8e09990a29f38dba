using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

// Microseconds per 4x4 addition. For every line read ("0" or "1": with autograd or without) one round is timed and its figure printed,
// so that a driver can take turns between this process and another.
const int Calls = 100_000;
set_num_threads(1);
manual_seed(0);
var y = rand(4, 4);
var plain = rand(4, 4);
var tracked = rand(4, 4, requires_grad: true);

for (var i = 0; i < 5; i++) // compiled in full before the first round
{
    _ = Round(plain);
    _ = Round(tracked);
}
Console.WriteLine("ready");
while (Console.ReadLine() is { } line)
    Console.WriteLine(Round(line == "1" ? tracked : plain).ToString("R", CultureInfo.InvariantCulture));

double Round(Tensor x)
{
    var watch = Stopwatch.StartNew();
    for (var i = 0; i < Calls; i++)
        (x + y).Dispose();
    return watch.Elapsed.TotalMicroseconds / Calls;
}
