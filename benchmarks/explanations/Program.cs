// What each activation map costs beside the forward pass of its image. The layer is found before, as the tool keeps it for all images.
// Methods that don't suit the model are left out.
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

var backbones = new Dictionary<string, string>
{
    ["resnet18"] = """{ "type": "ResNet", "depth": 18 }""",
    ["vit-tiny"] = """{ "type": "VisionTransformer", "arch": "tiny" }""",
    ["swin-tiny"] = """{ "type": "SwinTransformer", "out_indices": [3] }""",
    ["crossformer-tiny"] = """{ "type": "CrossFormer", "out_indices": [3] }""",
};
if (args.Length is < 1 or > 3 || !backbones.TryGetValue(args[0], out var backbone))
{
    Console.Error.WriteLine($"usage: Tessera.Benchmarks.Explanations {string.Join('|', backbones.Keys)} [TURNS] [THREADS]");
    return 2;
}
var turns = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 9;
Threads.Set(args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 0);
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
var layer = MapLayers.Find(model, image, target);

Console.WriteLine($"{args[0]}, 224 x 224, layer {layer.Name}; {Threads.Count} threads, medians of {turns} turns (least and most)");
Forward();
foreach (var name in ActivationMethods.Names(builder.Registry))
{
    var method = ActivationMethods.Find(name, builder);
    try
    {
        Map(method);
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
        ratios.Add(Time(() => Map(method)) / forward[^1]);
    }
    ratios.Sort();
    forward.Sort();
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"{name, -24}{forward[turns / 2] * ratios[turns / 2] * 1000, 9:0.0} ms{ratios[turns / 2], 9:0.00} forwards ({ratios[0]:0.00} to {ratios[^1]:0.00})"
        )
    );
}
return 0;

void Forward()
{
    using var scope = NewDisposeScope();
    using var still = no_grad();
    ((IExplainable)model).Outputs(image);
}

void Map(ActivationMethod method)
{
    using var scope = NewDisposeScope();
    explainer.Map(image, target, method, [layer]);
}

static double Time(Action action)
{
    var watch = Stopwatch.StartNew();
    action();
    return watch.Elapsed.TotalSeconds;
}
