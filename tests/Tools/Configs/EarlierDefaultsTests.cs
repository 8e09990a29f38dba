using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Tests.Tools.EndToEnd;

namespace Tessera.Tests.Tools.Configs;

/// <summary>Options whose defaults have changed: written into configs of runs, and of the earlier value in checkpoints that lack
/// them.</summary>
[Collection(InProcess.Name)]
public sealed class EarlierDefaultsTests
{
    private const string Config = """
        {
          "model": {
            "type": "Detector",
            "backbone": { "type": "ResNet", "depth": 18 },
            "neck": { "type": "Fpn", "out_channels": 32 },
            "bbox_head": { "type": "RetinaHead", "assigner": { "type": "MaxIouAssigner" } }
          },
          "train": { "dataset": { "type": "Shapes", "pipeline": [ { "type": "LoadImage" }, { "type": "Resize", "size": [10, 20], "keep_ratio": true } ] } },
          "val": { "dataset": { "type": "Shapes", "pipeline": "${train.dataset.pipeline}" } },
          "optimizer": { "type": "AdamW", "lr": 0.1, "layer_decay": 0.5 }
        }
        """;

    /// <summary>Path, what was, what is.</summary>
    private static readonly (string Path, string Before, string Now)[] s_options =
    [
        ("model.backbone.basic_dilation", "both", "first"),
        ("model.bbox_head.assigner.ignore_when", "after_matching", "before_matching"),
        ("train.dataset.pipeline.1.fit", "size", "sides"),
        ("optimizer.layer_decay_norm", "own", "head"),
    ];

    [Fact]
    public void Stated_WritesEveryOptionOut_AlsoWhereAReferenceLeads()
    {
        var document = EarlierDefaults.Stated(ConfigDocument.Parse(Config), Components());
        Assert.All(s_options, option => Assert.Equal(option.Now, Value(document, option.Path)));
        Assert.Equal("sides", Value(document, "val.dataset.pipeline.1.fit"));
        // What is saved keeps the reference, and reads back as the same.
        var saved = document.SaveText();
        Assert.Contains("\"${train.dataset.pipeline}\"", saved, StringComparison.Ordinal);
        Assert.True(ConfigNode.DeepEquals(document.Root, ConfigDocument.Parse(saved).Root));
    }

    [Fact]
    public void Stated_LeavesWhatTheConfigSays()
    {
        var document = EarlierDefaults.Stated(
            ConfigDocument.Parse(Config, overrides: ["model.backbone.basic_dilation=both", "optimizer.layer_decay_norm=last_block"]),
            Components()
        );
        Assert.Equal("both", Value(document, "model.backbone.basic_dilation"));
        Assert.Equal("last_block", Value(document, "optimizer.layer_decay_norm"));
    }

    [Fact]
    public void OfCheckpoint_WithoutTheOptions_IsAsItWas()
    {
        var document = EarlierDefaults.OfCheckpoint(
            ConfigDocument.FromCheckpoint(ConfigDocument.ReadSaved(Config, "old"), "old"),
            Components()
        );
        Assert.All(s_options, option => Assert.Equal(option.Before, Value(document, option.Path)));
    }

    [Fact]
    public void With_AnOlderCheckpoint_TakesItsValues_AndSaysSo()
    {
        var notes = new List<string>();
        var document = EarlierDefaults.With(ConfigDocument.Parse(Config), Components(), ConfigDocument.ReadSaved(Config, "old"), notes.Add);
        Assert.All(s_options, option => Assert.Equal(option.Before, Value(document, option.Path)));
        foreach (var option in s_options)
            Assert.Contains(notes, note => note.StartsWith($"{option.Path} is {option.Before}", StringComparison.Ordinal));
    }

    [Fact]
    public void With_ANewerCheckpointOrAnotherComponent_DoesNot()
    {
        var components = Components();
        var run = EarlierDefaults.Stated(
            ConfigDocument.Parse(
                Config,
                overrides: ["model.backbone.basic_dilation=uncontracted", """optimizer={ "_delete_": true, "type": "Sgd", "lr": 1 }"""]
            ),
            components
        );
        var saved = ConfigDocument.ReadSaved(run.SaveText(), "new");
        var document = EarlierDefaults.With(ConfigDocument.Parse(Config), components, saved, _ => { });
        Assert.Equal("uncontracted", Value(document, "model.backbone.basic_dilation"));
        Assert.Equal("sides", Value(document, "train.dataset.pipeline.1.fit"));
        Assert.Equal("head", Value(document, "optimizer.layer_decay_norm")); // another optimizer's says nothing of this one
    }

    [Fact]
    public void Stated_AConfigWithMistakes_IsReadAllTheSame()
    {
        var document = EarlierDefaults.Stated(ConfigDocument.Parse(Config, overrides: ["model.neck.out_chanels=3"]), Components());
        Assert.Equal("first", Value(document, "model.backbone.basic_dilation"));
    }

    internal static string? Value(ConfigDocument document, string path) => (document.Find(path) as ConfigValue)?.Text;

    private static ComponentBuilder Components() =>
        Composition.Services(ConfigDocument.Parse("{}")).BuildServiceProvider().GetRequiredService<ComponentBuilder>();
}

/// <summary>The same from the tools, on a trained run.</summary>
[Collection(InProcess.Name)]
public sealed class EarlierDefaultsRunTests(TinyRun run) : IClassFixture<TinyRun>
{
    [Fact]
    public void Train_WritesTheOptionsIntoTheWorkDirAndTheCheckpoint()
    {
        Assert.Equal(
            "first",
            ConfigDocument.Load(run.At("run", "config.json")).Find("model.backbone.basic_dilation") is ConfigValue value ? value.Text : null
        );
        using var checkpoint = Checkpoint.Open(run.Checkpoint);
        Assert.Equal("first", EarlierDefaultsTests.Value(checkpoint.Info.Config, "model.backbone.basic_dilation"));
        Assert.Equal("sides", EarlierDefaultsTests.Value(checkpoint.Info.Config, "test.dataset.pipeline.1.fit"));
        var printed = Tool.Run("print-config", run.ConfigPath).Succeeds().All;
        Assert.Contains("\"basic_dilation\": \"first\"", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Test_OnACheckpointThatStatesAnotherValue_TakesItAndSaysSo()
    {
        var work = Path.Combine(run.New(), "run");
        Tool.Run("train", run.ConfigPath, "--work-dir", work, "--cfg-options", "model.backbone.basic_dilation=both", "train.epochs=1")
            .Succeeds();
        var said = Tool.Run("test", run.ConfigPath, Path.Combine(work, "epoch_1.safetensors")).Succeeds();
        Assert.Contains("model.backbone.basic_dilation is both, as the checkpoint was trained", said.All, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "basic_dilation is",
            Tool.Run("test", run.ConfigPath, run.Checkpoint).Succeeds().All,
            StringComparison.Ordinal
        );
    }
}
