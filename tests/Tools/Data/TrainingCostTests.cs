using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Tools.Costs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Tools.Data;

[Collection(InProcess.Name)]
public sealed class TrainingCostTests : IDisposable
{
    private const long Float = sizeof(float);

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-tune-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // An image of 8 x 8. All trained: conv1 keeps the image (3 x 64) and, of its weight, nothing more; the norm keeps conv1's result (4 x 64);
    // relu its own (4 x 64), which conv2 reads; softmax its result (2 x 64). Views and the mean keep nothing.
    [Theory]
    [InlineData("", (3 + 4 + 4 + 2) * 64 * Float)]
    [InlineData("conv1", (4 + 4 + 2) * 64 * Float)] // the norm's parameters still want its input
    [InlineData("conv1 bn", (4 + 2) * 64 * Float)] // conv2's weight wants what relu gave; relu itself is before everything trained
    [InlineData("conv1 bn conv2.weight", 2 * 64 * Float)] // a bias wants nothing
    [InlineData("conv1 bn conv2", 0)]
    public void Kept_IsAsCountedByHand(string frozen, long expected)
    {
        using var model = new Chain();
        foreach (var (name, parameter) in model.named_parameters())
            parameter.requires_grad = !frozen.Split(' ').Any(part => part.Length > 0 && name.StartsWith(part, StringComparison.Ordinal));
        Assert.Equal(expected, KeptActivations.Of(model, 8, 8));
    }

    // ResNet-18: layer4 has 8,393,728 parameters, its head of 10 classes 5,130. The head reads 512 floats.
    [Fact]
    public void GetFlops_ComparesPresets()
    {
        var table = Table(
            """{ "type": "ImageClassifier", "backbone": { "type": "ResNet", "depth": 18 }, "head": { "type": "LinearHead" } }""",
            """{ "type": "AdamW", "lr": 0.001 }"""
        );
        Assert.Equal(
            [("full", 11_176_512 + 5_130), ("partial, from layer4", 8_393_728 + 5_130), ("norms", 9_600 + 5_130), ("linear_probe", 5_130)],
            table.Take(4).Select(row => ((string)row["name"]!, (long)row["trained"]!))
        );
        string[] adapters = ["BitFit", "DoRA, all layers", "IA3, all layers", "LoRA, all layers", "NormTuning", "SSF"]; // the others need tokens
        Assert.Equal(adapters, table.Skip(4).Select(row => (string)row["name"]!));
        var (full, partial, norms, probe) = (table[0], table[1], table[2], table[3]);
        Assert.Equal(512 * Float, (long)probe["activation_bytes"]!);
        Assert.True((long)partial["activation_bytes"]! < (long)norms["activation_bytes"]!);
        Assert.True((long)norms["activation_bytes"]! < (long)full["activation_bytes"]!);
        foreach (var row in table.Take(4))
        {
            var trained = (long)row["trained"]!;
            Assert.Equal((11_181_642L, 4 * 11_181_642L), ((long)row["parameters"]!, (long)row["weight_bytes"]!));
            Assert.Equal((4 * trained, 8 * trained), ((long)row["gradient_bytes"]!, (long)row["optimizer_bytes"]!)); // AdamW: two averages
            Assert.Equal((long)full["multiply_adds"]!, (long)row["multiply_adds"]!);
            Assert.Equal(
                (4 + 4) * trained + (4 * 11_181_642) + (4 * trained) + ((int)row["batch_size"]! * (long)row["activation_bytes"]!),
                (long)row["memory_bytes"]!
            );
        }
    }

    [Theory]
    [InlineData("""{ "type": "Sgd", "lr": 0.1 }""", 0)]
    [InlineData("""{ "type": "Sgd", "lr": 0.1, "momentum": 0.9, "groups": { "fc": { "lr_mult": 2 } } }""", 1)]
    [InlineData("""{ "type": "Adam", "lr": 0.1, "amsgrad": true }""", 3)]
    [InlineData(
        """{ "a": { "type": "Sgd", "lr": 0.1, "parameters": ["backbone"] }, "b": { "type": "Adam", "lr": 0.1, "parameters": ["head"] } }""",
        2
    )]
    public void OptimizersState_IsMeasured(string optimizer, double numbers)
    {
        using var session = Session.Open(
            Config(
                """{ "type": "ImageClassifier", "backbone": { "type": "ResNet", "depth": 18 }, "head": { "type": "LinearHead" } }""",
                optimizer
            )
        );
        Assert.Equal(numbers, OptimizerFootprint.PerParameter(session.Options.Optimizer, session.Services));
    }

    [Fact]
    public void GetFlops_OfATransformer_HasItsAttention()
    {
        var table = Table(
            """
            { "type": "ImageClassifier", "backbone": { "type": "VisionTransformer", "arch": "tiny", "depth": 2 },
              "head": { "type": "LinearHead" } }
            """,
            """{ "type": "Sgd", "lr": 0.1 }"""
        );
        // Each attention: 4 · 192² + 4 · 192; the head 1,930.
        const long attention = (4 * 192 * 192) + (4 * 192);
        Assert.Equal(
            [(2 * attention) + 1_930, attention + 1_930],
            table.Where(row => ((string)row["name"]!).EndsWith("attention", StringComparison.Ordinal)).Select(row => (long)row["trained"]!)
        );
        Assert.Contains(table, row => (string)row["name"]! == "partial, from blocks.1");
    }

    // Width 192, two blocks, the head 1,930. LoRA: A and B of rank 8 for two roles; VPT: ten tokens, with deep in each block; IA3: key, value
    // and the 768 inputs of fc2; the base is always 2 blocks of ViT-Tiny.
    [Fact]
    public void GetFlops_OfATransformer_HasEachAdapter_AndTheConfigsOwn()
    {
        var table = Table(
                """
                { "type": "ImageClassifier", "backbone": { "type": "VisionTransformer", "arch": "tiny", "depth": 2 },
                  "peft": { "mine": { "type": "LoRA", "rank": 4 } }, "head": { "type": "LinearHead" } }
                """,
                """{ "type": "Sgd", "lr": 0.1 }"""
            )
            .ToDictionary(row => (string)row["name"]!, row => ((long)row["trained"]!, (long)row["parameters"]!));
        var whole = table["full"].Item1;
        Assert.Equal((whole, whole), table["full"]);
        const long lora = 2 * 2 * 8 * (192 + 192);
        foreach (
            var (name, added) in (IEnumerable<(string, long)>)
                [
                    ("the config's peft", lora / 2),
                    ("LoRA", lora),
                    ("DoRA", lora + (2 * 2 * 192)),
                    ("VPT", 10 * 192),
                    ("VPT, deep", 2 * 10 * 192),
                    ("IA3", 2 * (192 + 192 + 768)),
                ]
        )
            Assert.Equal((added + 1_930, whole + added), table[name]);
        Assert.Equal(whole, table["BitFit"].Item2);
    }

    private string Config(string model, string optimizer)
    {
        var config = Path.Combine(_folder, "config.json");
        File.WriteAllText(config, $$"""{ "model": {{model}}, "optimizer": {{optimizer}} }""");
        return config;
    }

    private JsonNode[] Table(string model, string optimizer)
    {
        var output = Path.Combine(_folder, "costs.json");
        Tool.Run("get-flops", Config(model, optimizer), "--classes", "10", "--tune", "--out", output).Succeeds();
        return [.. JsonNode.Parse(File.ReadAllText(output))!["variants"]!.AsArray()!];
    }

    private sealed class Chain : VisionModel
    {
        private readonly Conv2d conv1 = nn.Conv2d(3, 4, 3, padding: 1, bias: false);
        private readonly BatchNorm2d bn = nn.BatchNorm2d(4);
        private readonly Conv2d conv2 = nn.Conv2d(4, 2, 3, padding: 1);

        public Chain()
            : base(nameof(Chain)) => RegisterComponents();

        public override IReadOnlyCollection<ClassTensor> ClassTensors => [];

        public override LossMap Loss(Batch batch, Progress progress) => throw new NotSupportedException();

        public override IReadOnlyList<Prediction> Predict(Batch batch)
        {
            using var scope = NewDisposeScope();
            var map = conv2.call(bn.call(conv1.call(batch.Images)).relu_());
            _ = map.softmax(1).flatten(2).mean([2]);
            return [];
        }
    }
}
