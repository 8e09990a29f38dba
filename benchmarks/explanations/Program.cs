// What each activation map costs beside the forward pass of its image, in time and in memory. The layer is found before, as the tool keeps
// it for all images. Methods that don't suit the model are left out. Memory is how far a process of its own rises above what it holds with
// the model loaded.
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using Tessera.Models.Explanation;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

const string One = "--one",
    ForwardAlone = "forward";
var backbones = new Dictionary<string, string>
{
    ["resnet18"] = """{ "type": "ResNet", "depth": 18 }""",
    ["vit-tiny"] = """{ "type": "VisionTransformer", "arch": "tiny" }""",
    ["swin-tiny"] = """{ "type": "SwinTransformer", "out_indices": [3] }""",
    ["crossformer-tiny"] = """{ "type": "CrossFormer", "out_indices": [3] }""",
};
var one = args.Length > 0 && args[0] == One;
if (args.Length < 1 || (!one && args.Length > 3) || !backbones.TryGetValue(args[one ? 1 : 0], out var backbone))
{
    Console.Error.WriteLine($"usage: Tessera.Benchmarks.Explanations {string.Join('|', backbones.Keys)} [TURNS] [THREADS]");
    return 2;
}
var turns = !one && args.Length > 1 ? Number(args[1]) : 9;
Threads.Set(args.Length > 2 ? Number(args[2]) : 0);
using var services = new ServiceCollection()
    .AddComponents(typeof(ResNet).Assembly)
    .AddComponents(typeof(VisionModel).Assembly)
    .BuildServiceProvider();
var builder = services.GetRequiredService<ComponentBuilder>();
var info = new DataInfo([.. Enumerable.Range(0, 1000).Select(i => $"class{i}")], DataTask.Classification);
manual_seed(0);
using var model = builder.Build<VisionModel>(
    $$"""{ "type": "ImageClassifier", "backbone": {{backbone}}, "head": { "type": "LinearHead" } }""",
    info
);
model.eval();
using var image = randn(1, 3, 224, 224);
var target = new ClassTarget([7], info.Classes);
var explainer = new Explainer(model);
if (one)
{
    var given = new MapLayer(
        args[4],
        Number(args[5]),
        Enum.Parse<MapForm>(args[6]),
        new(Number(args[7]), Number(args[8]), Number(args[9])),
        ""
    );
    var chosen = args[3] == ForwardAlone ? null : ActivationMethods.Find(args[3], builder);
    var megabytes = Rise(chosen is null ? Forward : () => Map(chosen, given));
    Console.WriteLine(megabytes.ToString("R", CultureInfo.InvariantCulture));
    return 0;
}

var layer = MapLayers.Find(model, image, target);
Console.WriteLine($"{args[0]}, 224 x 224, layer {layer.Name}; {Threads.Count} threads, medians of {turns} turns (least and most)");
Forward();
var forwardMemory = InProcess(ForwardAlone);
Console.WriteLine(Text($"{"forward pass", -24}{"", 39}{forwardMemory, 8:0.0} MB"));
foreach (var name in ActivationMethods.Names(builder.Registry))
{
    var method = ActivationMethods.Find(name, builder);
    try
    {
        Map(method, layer);
    }
    catch (UserErrorException error)
    {
        Console.WriteLine($"{name, -24}left out: {error.Message.Split('.', '\n')[0]}");
        continue;
    }
    var ratios = new List<double>();
    var forward = new List<double>();
    for (var turn = 0; turn < turns; turn++)
    {
        forward.Add(Time(Forward));
        ratios.Add(Time(() => Map(method, layer)) / forward[^1]);
    }
    ratios.Sort();
    forward.Sort();
    var memory = InProcess(name);
    Console.WriteLine(
        Text($"{name, -24}{forward[turns / 2] * ratios[turns / 2] * 1000, 9:0.0} ms{ratios[turns / 2], 8:0.00} forwards")
            + Text($"{$"({ratios[0]:0.00} to {ratios[^1]:0.00})", 18}{memory, 8:0.0} MB{memory / forwardMemory, 7:0.00} of the forward's")
    );
}
return 0;

void Forward()
{
    using var scope = NewDisposeScope();
    using var still = no_grad();
    ((IExplainable)model).Outputs(image);
}

void Map(ActivationMethod method, MapLayer at)
{
    using var scope = NewDisposeScope();
    explainer.Map(image, target, method, [at]);
}

double InProcess(string what)
{
    string[] where =
    [
        layer.Name,
        $"{layer.Output}",
        $"{layer.Form}",
        $"{layer.Grid.Height}",
        $"{layer.Grid.Width}",
        $"{layer.Grid.Leading}",
    ];
    using var process = Process.Start(
        new ProcessStartInfo(Environment.ProcessPath!, [One, args[0], $"{Threads.Count}", what, .. where]) { RedirectStandardOutput = true }
    )!;
    var output = process.StandardOutput.ReadToEnd();
    process.WaitForExit();
    return process.ExitCode == 0
        ? double.Parse(output, CultureInfo.InvariantCulture)
        : throw new InvalidOperationException($"{what} ended with {process.ExitCode}.");
}

static double Rise(Action action)
{
    const string forget = "/proc/self/clear_refs"; // elsewhere what the model took to build counts, where that was more
    GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    if (File.Exists(forget))
        File.WriteAllText(forget, "5");
    var before = Process.GetCurrentProcess().WorkingSet64;
    action();
    using var process = Process.GetCurrentProcess();
    return (process.PeakWorkingSet64 - before) / 1048576.0;
}

static double Time(Action action)
{
    var watch = Stopwatch.StartNew();
    action();
    return watch.Elapsed.TotalSeconds;
}

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
