using System.Text.Json.Nodes;

namespace Tessera.Tests.Tools;

/// <summary>The sample in samples/plugins trains and tests; its checkpoint loads no code by itself.</summary>
public sealed class PluginSampleTests : IDisposable
{
    private static readonly string Config = Path.Combine(Snippets.Repository, "samples", "plugins", "allconv_shapes.json");
    private static readonly string Plugin = Path.Combine(Snippets.Repository, "samples", "plugins", "AllConvNet.cs");

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-sample").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Sample_TrainsAndTests_AndItsCheckpointNeedsThePluginNamed()
    {
        string[] tiny =
        [
            "train.epochs=1",
            "train.dataset.count=32",
            "train.loader.batch_size=16",
            "val.dataset.count=20",
            "test.dataset.count=20",
            "model.backbone.stage_channels=[8, 16]",
            "schedule=[{ \"type\": \"CosineLr\" }]",
        ];
        var trained = ToolProcess.Run(_folder, ["train", Config, "--work-dir", "run", "--cfg-options", .. tiny]);
        Assert.True(trained.Code == 0, trained.Output + trained.Error);
        var log = trained.Output + trained.Error;
        Assert.Matches("AllConvNet\\.cs \\(SHA-256 [0-9a-f]{64}\\)", log);

        var tested = ToolProcess.Run(
            _folder,
            ["test", Config, "run/epoch_1.safetensors", "--out", "metrics.json", "--cfg-options", .. tiny]
        );
        Assert.True(tested.Code == 0, tested.Output + tested.Error);
        Assert.InRange((double)JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "metrics.json")))!["accuracy/top1"]!, 0, 1);

        File.Copy(Path.Combine(Snippets.Repository, "tests", "Fixtures", "images", "baseline.jpg"), Path.Combine(_folder, "image.jpg"));
        var refused = ToolProcess.Run(_folder, "predict", "run/epoch_1.safetensors", "image.jpg", "--out-dir", "out");
        Assert.Equal(1, refused.Code);
        Assert.Contains(
            "A plugin is code, so none is loaded from a checkpoint. If you trust it, name it yourself: --plugin PATH.",
            refused.Error,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("SHA-256", refused.Output + refused.Error, StringComparison.Ordinal);

        var predicted = ToolProcess.Run(_folder, "predict", "run/epoch_1.safetensors", "image.jpg", "--out-dir", "out", "--plugin", Plugin);
        Assert.Contains("SHA-256", predicted.Output + predicted.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Journal_ServiceReadsItsSection_AndAMistakeInItHasAPlace()
    {
        var config = Path.Combine(Snippets.Repository, "samples", "plugins", "journal_shapes.json");
        string[] tiny =
        [
            "train.epochs=1",
            "train.dataset.count=32",
            "train.loader.batch_size=16",
            "val.dataset.count=20",
            "model.backbone.depth=18",
            "schedule=[{ \"type\": \"CosineLr\" }]",
            "journal.path=notes.txt",
            "journal.digits=2",
        ];
        var trained = ToolProcess.Run(_folder, ["train", config, "--work-dir", "run", "--cfg-options", .. tiny]);
        Assert.True(trained.Code == 0, trained.Output + trained.Error);
        Assert.Matches(
            @"^a reader of the samples: ResNet, iteration 2: .*accuracy/top1 \d\.\d\d\b",
            File.ReadAllText(Path.Combine(_folder, "notes.txt"))
        );
        Assert.Contains("Noted in notes.txt.", trained.Output + trained.Error, StringComparison.Ordinal); // its ILogger

        File.WriteAllText(
            Path.Combine(_folder, "own.json"),
            $$"""
            { "_base_": "{{config}}",
              "journal": { "auther": "me" } }
            """
        );
        var refused = ToolProcess.Run(_folder, "train", "own.json");
        Assert.Equal(1, refused.Code);
        Assert.Contains(
            "own.json:2  journal.auther\n  journal has no option \"auther\". Did you mean \"author\"? It takes path, author, digits.",
            refused.Error,
            StringComparison.Ordinal
        );
    }
}
