using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization;
using Tessera.Framework.Visualization.Charts;
using Tessera.Models.Attention;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

// Time and peak memory of one layer of attention, one head of width 64, by the number of tokens.
// benchmarks/attention [CSV] [LARGEST]; one measurement, in a process of its own: --one CONFIG TOKENS BACKWARD
// and a picture of the figures: --plot CSV PICTURE
const int Width = 64;
const int LargestWithGradient = 16384;
const int LargestDense = 16384;
const int SmallestFitted = 4096; // from here on the exponents are fitted
const int MostRounds = 30;
const double Enough = 1500; // milliseconds
var culture = CultureInfo.InvariantCulture;

if (args is ["--one", var config, var size, var gradient])
{
    Measure(config, int.Parse(size, culture), bool.Parse(gradient));
    return;
}

if (args is ["--plot", var figures, var picture])
{
    Plot(figures, picture);
    return;
}

(string Name, string Config, double Theory)[] kinds =
[
    ("full", """{ "type": "FullAttention" }""", 2),
    ("atrous, r = 16", """{ "type": "AtrousAttention", "rate": 16 }""", 2),
    ("atrous, r = root of n", """{ "type": "AtrousAttention" }""", 1.5),
    ("local, 33", """{ "type": "LocalAttention", "reach": 16 }""", 1),
    ("sparse, r = root of n", """{ "type": "SparseAttention" }""", 1.5),
    ("LSH, 64, 4 rounds", """{ "type": "LshAttention" }""", 1),
    ("window, 8", """{ "type": "WindowAttention", "window_size": 8 }""", 1),
];
var csv = args.Length > 0 ? args[0] : "attention.csv";
var largest = args.Length > 1 ? int.Parse(args[1], culture) : 65536;
var sizes = Enumerable.Range(8, 9).Select(power => 1 << power).Where(tokens => tokens <= largest).ToArray();
var lines = new List<string> { "attention,tokens,milliseconds,megabytes,backward" };
Console.WriteLine(
    $"| | {string.Join(" | ", sizes.Select(tokens => tokens.ToString("N0", culture)))} | exponent, forward and backward | forward | "
        + $"theory |"
);
Console.WriteLine($"|---{string.Concat(Enumerable.Repeat("|---", sizes.Length + 3))}|");
foreach (var (name, text, theory) in kinds)
{
    var cells = new List<string>();
    var (both, forward) = (new List<(double, double)>(), new List<(double, double)>());
    foreach (var tokens in sizes)
    {
        if (name == "full" && tokens > LargestDense)
        {
            cells.Add("");
            continue;
        }
        bool[] parts =
            tokens > LargestWithGradient ? [false]
            : tokens >= SmallestFitted ? [true, false]
            : [true];
        foreach (var backward in parts)
        {
            var (milliseconds, megabytes) = InProcess(text, tokens, backward);
            lines.Add(string.Create(culture, $"\"{name}\",{tokens},{milliseconds:0.###},{megabytes:0.#},{backward}"));
            if (tokens >= SmallestFitted)
                (backward ? both : forward).Add((tokens, milliseconds));
            if (backward == parts[0])
                cells.Add(string.Create(culture, $"{milliseconds:0.0} / {megabytes:0}"));
        }
    }
    string Exponent(IReadOnlyList<(double, double)> points) => Fit([.. points]) is { } slope ? slope.ToString("0.00", culture) : "";
    Console.WriteLine($"| {name} | {string.Join(" | ", cells)} | {Exponent(both)} | {Exponent(forward)} | {theory.ToString(culture)} |");
}
File.WriteAllLines(csv, lines);

static void Plot(string csv, string picture)
{
    var points = File.ReadLines(csv)
        .Skip(1)
        .Select(line => (Name: line.Split('"')[1], Cells: line.Split('"')[2].Split(',')))
        .Select(row =>
            (
                row.Name,
                Tokens: double.Parse(row.Cells[1], CultureInfo.InvariantCulture),
                Milliseconds: double.Parse(row.Cells[2], CultureInfo.InvariantCulture),
                Backward: bool.Parse(row.Cells[4])
            )
        )
        .ToArray();
    var curves = new List<Curve>();
    var colors = ClassColors.Distinct(points.Select(point => point.Name).Distinct().Count());
    foreach (var (group, i) in points.GroupBy(point => point.Name).Select((group, i) => (group, i)))
    foreach (var part in group.GroupBy(point => point.Backward))
        curves.Add(
            new Curve(
                part.Key ? group.Key : "",
                [.. part.Select(point => (point.Tokens, point.Milliseconds))],
                colors[i],
                Dashed: !part.Key,
                Marks: true
            )
        );
    new LineChart
    {
        Title = "One head of width 64: forward and backward; dashed: forward alone",
        Curves = curves,
        XLabel = "tokens",
        YLabel = "milliseconds",
        LogX = true,
        LogY = true,
    }.Save(picture);
}

static double? Fit((double X, double Y)[] points)
{
    if (points.Length < 2)
        return null;
    var (x, y) = (points.Select(p => Math.Log(p.X)).ToArray(), points.Select(p => Math.Log(p.Y)).ToArray());
    var (meanX, meanY) = (x.Average(), y.Average());
    return x.Zip(y, (a, b) => (a - meanX) * (b - meanY)).Sum() / x.Sum(a => (a - meanX) * (a - meanX));
}

static (double Milliseconds, double Megabytes) InProcess(string config, int tokens, bool backward)
{
    using var process = Process.Start(
        new ProcessStartInfo(
            Environment.ProcessPath!,
            ["--one", config, tokens.ToString(CultureInfo.InvariantCulture), backward.ToString()]
        )
        {
            RedirectStandardOutput = true,
        }
    )!;
    var output = process.StandardOutput.ReadToEnd().Split(' ', StringSplitOptions.TrimEntries);
    process.WaitForExit();
    if (process.ExitCode != 0)
        throw new InvalidOperationException($"{config} at {tokens} tokens ended with {process.ExitCode}.");
    return (double.Parse(output[0], CultureInfo.InvariantCulture), double.Parse(output[1], CultureInfo.InvariantCulture));
}

// The least processor time of the rounds, since other programs only ever add to it; peak memory of the process over what it had before.
static void Measure(string config, int tokens, bool backward)
{
    using var services = new ServiceCollection().AddComponents(typeof(TokenAttention).Assembly).BuildServiceProvider();
    using var layer = services.GetRequiredService<ComponentBuilder>().Build<TokenAttention>(config, new AttentionShape(Width, 1));
    Tessera.Torch.Loading.LibTorch.Load();
    set_num_threads(1);
    manual_seed(0);
    var height = 1 << (int.Log2(tokens) / 2);
    var grid = new TokenGrid(height, tokens / height);
    using var q = randn(1, 1, tokens, Width, requires_grad: backward);
    using var k = nn.functional.normalize(randn(1, 1, tokens, Width), dim: -1).requires_grad_(backward); // of unit length, as LSH has them
    using var v = randn(1, 1, tokens, Width, requires_grad: backward);
    layer.eval();
    var before = Process.GetCurrentProcess().WorkingSet64;
    var (best, spent) = (double.MaxValue, 0.0);
    for (var round = 0; round < MostRounds && (round < 2 || spent < Enough); round++)
    {
        using var scope = NewDisposeScope();
        var start = Environment.CpuUsage.TotalTime;
        if (backward)
        {
            _ = autograd.grad([layer.MixAlone(q, k, v, grid).sum()], [q, k, v]);
        }
        else
        {
            using var still = no_grad();
            _ = layer.MixAlone(q, k, v, grid);
        }
        var milliseconds = (Environment.CpuUsage.TotalTime - start).TotalMilliseconds;
        if (milliseconds > Enough)
            round++;
        (best, spent) = (Math.Min(best, milliseconds), spent + milliseconds);
    }
    using var process = Process.GetCurrentProcess();
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{best:R} {(process.PeakWorkingSet64 - before) / 1048576.0:R}"));
}
