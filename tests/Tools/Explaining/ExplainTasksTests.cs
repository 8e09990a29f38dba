using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Datasets.Synthetic;
using Tessera.Framework.Data;
using Tessera.Tests.Tools.EndToEnd;

namespace Tessera.Tests.Tools.Explaining;

/// <summary>tools/explain on the models of the other tasks, and on a transformer.</summary>
[Collection(InProcess.Name)]
public sealed class ExplainTasksTests(TinyDetector detector) : IClassFixture<TinyDetector>, IDisposable
{
    private const string Config = """
        {
          "seed": 1, "precision": "fp32", "threads": 1, "device": "cpu",
          "model": MODEL,
          "train": {
            "loop": "iterations", "iterations": 2, "validate_every": 0, "loader": { "batch_size": 4, "workers": 0 },
            "dataset": { "type": "Shapes", "task": "TASK", "count": 8, "size": 32,
              "pipeline": [ { "type": "LoadImage" }, { "type": "Normalize" } ] }
          },
          "optimizer": { "type": "Sgd", "lr": 0.01 }, "hooks": { "checkpoint": { "type": "CheckpointHook", "every_iterations": 2 } }
        }
        """;

    private const string Backbone =
        """{ "type": "ResNet", "depth": 18, "stage_blocks": [1, 1, 1, 1], "stem": "small", "base_channels": 8, "strides": [2, 2, 2, 1] }""";

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-explain").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Regression_ExplainsAllValues_OrThoseNamed()
    {
        var checkpoint = Train(
            "regression",
            $$"""{ "type": "ImageRegressor", "backbone": {{Backbone}}, "head": { "type": "RegressionHead" } }"""
        );
        Assert.Equal(["x", "y", "diameter"], Targets(Explain(checkpoint, Image(32))));
        Assert.Equal(["diameter", "x"], Targets(Explain(checkpoint, Image(32), "--target", "diameter,x")));
        Tool.Run("explain", checkpoint, Image(32), "--target", "top1").IsMistake("A regression has no best value.", "x, y, diameter");
        Tool.Run("explain", checkpoint, Image(32), "--target", "diametre").IsMistake("no value \"diametre\"", "Did you mean \"diameter\"?");
    }

    [Fact]
    public void Segmentation_ExplainsPixelsOfAClass_OrARegion()
    {
        var checkpoint = Train(
            "segmentation",
            $$"""{ "type": "Segmentor", "backbone": {{Backbone}}, "decode_head": { "type": "FcnHead", "channels": 8 } }"""
        );
        using var session = Session.OfCheckpoint(checkpoint);
        var name = session.TrainedOn!.Classes[1];
        Assert.EndsWith("(its pixels)", Assert.Single(Targets(Explain(checkpoint, Image(32)))), StringComparison.Ordinal);
        Assert.Equal([$"{name} (a region)"], Targets(Explain(checkpoint, Image(32), "--target", $"{name}@4:4:20:20")));
        Assert.NotEmpty(Targets(Explain(checkpoint, "train", "--count", "1", "--target", "labels")));
        Tool.Run("explain", checkpoint, Image(32), "--target", $"{name}@40:40:50:50").IsMistake("holds no pixel of the image");
        Tool.Run("explain", checkpoint, Image(32), "--target", "top2").IsMistake("the class of the most pixels is explained");
    }

    [Fact]
    public void Detection_ExplainsObjects_ByRankAndByClass()
    {
        var found = Targets(Explain(detector.Checkpoint, Image(64, DataTask.Detection), "--target", "1,2"));
        Assert.Equal(2, found.Length);
        Assert.All(found, target => Assert.Matches(@"^(circle|square|star) [01]\.\d\d at \(", target));
        var said = Tool.Run("explain", detector.Checkpoint, Image(64, DataTask.Detection), "--target", "999");
        said.IsMistake("999");
        Tool.Run("explain", detector.Checkpoint, Image(64), "--target", "triangle").IsMistake("There is no class \"triangle\"");
    }

    [Fact]
    public void Transformer_BesideANetwork_IsOpenedBeforeItsLastAttention()
    {
        var vit = Train(
            "classification",
            """
            { "type": "ImageClassifier",
              "backbone": { "type": "VisionTransformer", "image_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 2, "num_heads": 2 },
              "head": { "type": "LinearHead" } }
            """
        );
        var network = Train(
            "classification",
            $$"""{ "type": "ImageClassifier", "backbone": {{Backbone}}, "head": { "type": "LinearHead" } }"""
        );
        var folder = New();
        var said = Tool.Run("explain", network, Image(32), "--beside", vit, "--out-dir", folder).Succeeds();
        Assert.Contains(
            "layer backbone.blocks.1.norm1, 4 x 4 places: the last norm with a gradient at patches",
            said.Output,
            StringComparison.Ordinal
        );
        Assert.Contains("the last map with a gradient", said.Output, StringComparison.Ordinal);
        // Files and folders are called alike: their numbers tell them apart.
        Assert.Equal(["1: run/iter_2", "2: run/iter_2"], Table(folder).Select(line => (string?)line["model"]));
    }

    private string Explain(string checkpoint, params string[] arguments)
    {
        var folder = New();
        Tool.Run(["explain", checkpoint, .. arguments, "--out-dir", folder]).Succeeds();
        return folder;
    }

    private string New() => Directory.CreateDirectory(Path.Combine(_folder, Guid.NewGuid().ToString("N"))).FullName;

    private string Image(int size, DataTask task = DataTask.Classification)
    {
        var shapes = new Shapes(new ShapesOptions(Count: 2, Size: size, Task: task, Split: ShapesSplit.Test));
        var path = Path.Combine(New(), "shape.png");
        File.WriteAllBytes(path, ImageCodec.EncodePng(shapes.Get(1).Image!.Decode()));
        return path;
    }

    private string Train(string task, string model)
    {
        var folder = New();
        var config = Path.Combine(folder, "config.json");
        File.WriteAllText(config, Config.Replace("MODEL", model, StringComparison.Ordinal).Replace("TASK", task, StringComparison.Ordinal));
        Tool.Run("train", config, "--work-dir", Path.Combine(folder, "run")).Succeeds();
        return Path.Combine(folder, "run", "iter_2.safetensors");
    }

    private static string[] Targets(string folder) => [.. Table(folder).Select(line => (string)line["target"]!)];

    private static JsonNode[] Table(string folder) =>
        [.. File.ReadAllLines(Path.Combine(folder, "explanations.jsonl")).Select(line => JsonNode.Parse(line)!)];
}
