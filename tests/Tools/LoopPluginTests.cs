namespace Tessera.Tests.Tools;

/// <summary>A loop of the user's own, named by a config, with code that lies beside it.</summary>
public sealed class LoopPluginTests : IDisposable
{
    private const string Code = """
        using Tessera.Framework.Running;
        using Tessera.Framework.Running.Loops;

        namespace Mine;

        /// <param name="Epochs">Length of the run.</param>
        public sealed record TwiceLoopOptions([property: Range(1, 1000)] int Epochs);

        /// <summary>Takes every batch twice.</summary>
        [Component("TwiceLoop")]
        public sealed class TwiceLoop(TwiceLoopOptions options) : Loop(LoopKind.Epochs, options.Epochs)
        {
            public override void Run(Training training)
            {
                while (!training.Stops() && !IsDone(training.State))
                    training.Epoch(batches =>
                    {
                        foreach (var batch in batches)
                        {
                            training.Iterate(batch);
                            training.Iterate(batch);
                        }
                    });
            }
        }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-loop").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Loop_OfAPlugin_Trains_AndALeftoverBesideItIsAMistake()
    {
        File.WriteAllText(Path.Combine(_folder, "TwiceLoop.cs"), Code);
        File.WriteAllText(
            Path.Combine(_folder, "config.json"),
            """
            { "plugins": ["TwiceLoop.cs"], "precision": "fp32", "threads": 1, "device": "cpu",
              "model": { "type": "ImageClassifier", "head": { "type": "LinearHead" },
                "backbone": { "type": "ResNet", "depth": 18, "stage_blocks": [1, 1, 1, 1], "stem": "small", "base_channels": 8 } },
              "train": { "loop": { "type": "TwiceLoop", "epochs": 1 }, "loader": { "batch_size": 4, "workers": 0 },
                "dataset": { "type": "Shapes", "count": 12, "size": 32, "pipeline": [{ "type": "LoadImage" }, { "type": "Normalize" }] } },
              "optimizer": { "type": "Sgd", "lr": 0.01 },
              "hooks": { "log": { "type": "LogHook", "interval": 1 } } }
            """
        );
        var trained = ToolProcess.Run(_folder, "train", "config.json", "--work-dir", "run");
        Assert.True(trained.Code == 0, trained.Output + trained.Error);
        Assert.Contains("Done: 6 iterations, 1 epochs.", trained.Output + trained.Error, StringComparison.Ordinal);
        Assert.Contains(
            "Hooks, in order: nan_guard (checks 200), log (logs 500), checkpoint (checkpoints 600), evaluation (evaluation 700)",
            trained.Output + trained.Error,
            StringComparison.Ordinal
        );

        var refused = ToolProcess.Run(_folder, "train", "config.json", "--work-dir", "other", "--cfg-options", "train.epochs=2");
        Assert.Equal(1, refused.Code);
        Assert.Contains("train.epochs", refused.Error, StringComparison.Ordinal);
        Assert.Contains("The loop TwiceLoop says itself how long the run is", refused.Error, StringComparison.Ordinal);
    }
}
