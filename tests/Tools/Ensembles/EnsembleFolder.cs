using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;

namespace Tessera.Tests.Tools.Ensembles;

/// <summary>Small models of every task, trained for a few steps on Shapes; a run's two checkpoints are two members.</summary>
public sealed class EnsembleFolder : IDisposable
{
    public const string ResNet =
        """{ "type": "ResNet", "depth": 18, "stage_blocks": [1, 1, 1, 1], "stem": "small", "base_channels": 8, "strides": [2, 2, 2, 1] }""";

    private const string Config = """
        {
          "seed": SEED, "precision": "fp32", "threads": 1, "device": "cpu",
          "model": MODEL,
          "train": {
            "loop": "iterations", "iterations": 6, "validate_every": 0, "loader": { "batch_size": 8, "workers": 0 },
            "dataset": { "type": "Shapes", SHAPES, "count": 32, "size": 32, "pipeline": [ { "type": "LoadImage" }, TRUTH { "type": "Normalize" } ] }
          },
          PARTS
          "optimizer": { "type": "AdamW", "lr": 0.01 }, "hooks": { "checkpoint": { "type": "CheckpointHook", "every_iterations": 3 } }
        }
        """;

    private const string Part = """
        "NAME": {
          "loader": { "batch_size": 5, "workers": 0 },
          "dataset": { "type": "Shapes", SHAPES, "count": 12, "size": 32, "split": "NAME", "pipeline": [ { "type": "LoadImage" }, { "type": "Resize", "size": [32, 32] }, { "type": "Normalize" }, TRUTH ] },
          "metrics": METRICS
        },
        """;

    public string Folder { get; } = Directory.CreateTempSubdirectory("tessera-ensemble-").FullName;

    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    public string ConfigOf(string name) => At(name + ".json");

    /// <summary>The two checkpoints of a run, trained where it is first asked for.</summary>
    public string[] Train(
        string name,
        string model,
        string metrics,
        string shapes = "\"classes\": [\"circle\", \"square\", \"star\"]",
        bool hasVal = true,
        bool maps = false,
        int seed = 1
    )
    {
        var config = Config
            .Replace(
                "PARTS",
                (hasVal ? Part.Replace("NAME", "val", StringComparison.Ordinal) : "")
                    + Part.Replace("NAME", "test", StringComparison.Ordinal),
                StringComparison.Ordinal
            )
            .Replace("MODEL", model, StringComparison.Ordinal)
            .Replace("METRICS", metrics, StringComparison.Ordinal)
            .Replace("SHAPES", shapes, StringComparison.Ordinal)
            .Replace("SEED", $"{seed}", StringComparison.Ordinal)
            .Replace(
                "{ \"type\": \"Normalize\" }, TRUTH",
                maps ? "{ \"type\": \"Normalize\" }, { \"type\": \"LoadSegmentation\" }" : "{ \"type\": \"Normalize\" }",
                StringComparison.Ordinal
            )
            .Replace("TRUTH", maps ? "{ \"type\": \"LoadSegmentation\" }," : "", StringComparison.Ordinal);
        if (!Directory.Exists(At(name)))
        {
            File.WriteAllText(ConfigOf(name), config);
            Tool.Run("train", ConfigOf(name), "--work-dir", At(name)).Succeeds();
        }
        return [At(name, "iter_3.safetensors"), At(name, "iter_6.safetensors")];
    }

    /// <summary>A classifier of three shapes.</summary>
    public string[] Classifier(
        string name = "classifier",
        string shapes = "\"classes\": [\"circle\", \"square\", \"star\"]",
        int seed = 1
    ) =>
        Train(
            name,
            $$"""{ "type": "ImageClassifier", "backbone": {{ResNet}}, "head": { "type": "LinearHead" } }""",
            """{ "accuracy": { "type": "Accuracy" }, "auc": { "type": "Auroc" } }""",
            shapes,
            seed: seed
        );

    /// <summary>What <c>tools/ensemble</c> wrote as JSON.</summary>
    public JsonNode Ensemble(string config, params string[] arguments)
    {
        var output = At(Guid.NewGuid().ToString("N") + ".json");
        Tool.Run(["ensemble", config, .. arguments, "--bootstrap", "20", "--out", output]).Succeeds();
        return JsonNode.Parse(File.ReadAllText(output))!;
    }

    /// <summary>What <c>tools/test</c> measures.</summary>
    public Dictionary<string, double?> Test(string config, string checkpoint, params string[] more)
    {
        var output = At(Guid.NewGuid().ToString("N") + ".json");
        Tool.Run(["test", config, checkpoint, "--out", output, .. more]).Succeeds();
        return Values(JsonNode.Parse(File.ReadAllText(output))!);
    }

    public static Dictionary<string, double?> Values(JsonNode node) =>
        node.AsObject().ToDictionary(entry => entry.Key, entry => (double?)entry.Value);

    /// <summary>A checkpoint's weights as they are stored, by name.</summary>
    public static Dictionary<string, byte[]> Weights(string path)
    {
        using var checkpoint = Checkpoint.Open(path);
        var weights = new Dictionary<string, byte[]>();
        foreach (var (name, full) in checkpoint.ModelNames())
        {
            using var tensor = checkpoint.Read(full);
            weights[name] = tensor.bytes.ToArray();
        }
        return weights;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
