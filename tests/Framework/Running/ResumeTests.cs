using Tessera.Framework.Checkpoints;
using Tessera.Framework.Hooks;
using Tessera.Framework.Optimization;
using Tessera.Framework.Running;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Running;

[Collection(ProcessWide.Name)]
public sealed class ResumeTests
{
    public static TheoryData<string> Optimizers =>
        [
            """{ "type": "Sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 0.01, "groups": { "norm": { "decay_mult": 0 } } }""",
            """{ "type": "Adam", "lr": 0.01, "amsgrad": true }""",
            """{ "type": "AdamW", "lr": 0.01 }""",
            """{ "type": "Adamax", "lr": 0.01 }""",
            """{ "type": "NAdam", "lr": 0.01 }""",
            """{ "type": "RAdam", "lr": 0.01 }""",
            """{ "type": "Lion", "lr": 0.001, "weight_decay": 0.1 }""",
            """{ "type": "Lamb", "lr": 0.01 }""",
            """{ "type": "Muon", "lr": 0.01, "fallback": ["fc2"], "groups": { "fc1": { "lr_mult": 0.5 }, "norm": { "decay_mult": 0 } } }""",
            """{ "type": "Adadelta" }""",
            """{ "type": "Adagrad" }""",
            """{ "type": "Asgd", "lr": 0.05 }""",
            """{ "type": "RmsProp", "lr": 0.001, "momentum": 0.5, "centered": true }""",
            """{ "type": "Rprop" }""",
            """{ "type": "Lbfgs", "lr": 0.1, "max_iter": 3, "history_size": 4 }""",
        ];

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void Resume_InTheMiddleOfAnEpoch_IsBitForBit(string optimizer)
    {
        var lbfgs = optimizer.Contains("Lbfgs", StringComparison.Ordinal);
        using var whole = Model(lbfgs);
        using (var trainer = Make(whole, optimizer))
            trainer.Run();

        foreach (var kill in new[] { 1, 4, 7 })
        {
            using var first = Model(lbfgs);
            var (tensors, values) = TrainUntil(first, optimizer, kill);
            using var second = Model(lbfgs, seed: 99); // other weights, to be replaced
            using var trainer = Make(second, optimizer);
            trainer.Resume(new StateReader(tensors, values));
            Assert.Equal(kill, trainer.Progress.Iteration);
            trainer.Run();
            Assert.Equal(whole.Losses[(lbfgs ? whole.Losses.Count - second.Losses.Count : kill * 2)..], second.Losses);
            Assert.Equal(whole.Weights(), second.Weights());
        }
    }

    [Fact]
    public void Resume_ThroughAFile_KeepsEmaEarlyStoppingAndTheLog()
    {
        var folder = Directory.CreateTempSubdirectory("tessera-resume-").FullName;
        try
        {
            const string adam = """{ "type": "AdamW", "lr": 0.01 }""";
            Dictionary<string, Hook> hooks(List<double> rows) =>
                new()
                {
                    ["ema"] = new EmaHook(new EmaHookOptions(0.9, Start: 2)),
                    ["stop"] = new EarlyStoppingHook(new EarlyStoppingHookOptions("accuracy/top1", Patience: 100)),
                    ["rows"] = new TrainerTests.Spy
                    {
                        Iterated = run =>
                        {
                            if (run.StepDone && run.Progress.Iteration % 4 == 0)
                                rows.Add(run.TakeLog()["loss"]);
                        },
                    },
                    ["checkpoint"] = new CheckpointHook(
                        new CheckpointHookOptions(EveryIterations: 3, Keep: 0, SaveBest: new SaveBestOptions("accuracy/top1"))
                    ),
                };
            List<double> expected = [],
                resumed = [];
            using var whole = Model(false);
            using (var trainer = Make(whole, adam, hooks(expected), folder))
                trainer.Run();
            var final = whole.Weights();

            using var checkpoint = Checkpoint.Open(Path.Combine(folder, "iter_6.safetensors"));
            Assert.True(checkpoint.HasAveraged);
            using var second = Model(false, seed: 99);
            using (var trainer = Make(second, adam, hooks(resumed), Path.Combine(folder, "second")))
            {
                Directory.CreateDirectory(trainer.State.WorkDir);
                trainer.Resume(checkpoint);
                trainer.Run();
            }
            Assert.Equal(final, second.Weights());
            Assert.Equal(expected[1..], resumed); // rows of 4 iterations: the one that the checkpoint cut in two is whole
            using var end = Checkpoint.Open(Path.Combine(folder, "iter_9.safetensors"));
            using var endAgain = Checkpoint.Open(Path.Combine(folder, "second", "iter_9.safetensors"));
            foreach (var (name, _) in end.Tensors)
            {
                using var a = end.Read(name);
                using var b = endAgain.Read(name);
                Assert.True(a.bytes.SequenceEqual(b.bytes), name);
            }
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Fact]
    public void Resume_WithAnotherModel_SaysWhichTensorDiffers()
    {
        using var first = Model(false);
        var (tensors, values) = TrainUntil(first, """{ "type": "AdamW" }""", 2);
        tensors["model.fc2.weight"] = zeros(4, 8);
        using var second = Model(false);
        using var trainer = Make(second, """{ "type": "AdamW" }""");
        var error = Assert.Throws<Tessera.Framework.Errors.UserErrorException>(() => trainer.Resume(new StateReader(tensors, values)));
        Assert.Contains("fc2.weight is [4, 8], the model's is [3, 8]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Resume_WithAnotherOptimizer_SaysSo()
    {
        using var first = Model(false);
        var (tensors, values) = TrainUntil(first, """{ "type": "Sgd", "lr": 0.1, "momentum": 0.9 }""", 2);
        using var second = Model(false);
        using var trainer = Make(second, """{ "type": "AdamW" }""");
        var error = Assert.Throws<Tessera.Framework.Errors.UserErrorException>(() => trainer.Resume(new StateReader(tensors, values)));
        Assert.Contains("Was the optimizer changed", error.Message, StringComparison.Ordinal);
    }

    private static TinyModel Model(bool plain, long seed = 1) => new(dropout: plain ? 0 : 0.3, norm: !plain, seed: seed);

    private static Trainer Make(TinyModel model, string optimizer, Dictionary<string, Hook>? hooks = null, string? folder = null)
    {
        var lbfgs = optimizer.Contains("Lbfgs", StringComparison.Ordinal);
        return TrainerTests.Make(
            model,
            batchSize: lbfgs ? 8 : 4,
            loop: TrainerTests.Epochs(2),
            step: new StepOptions(Accumulate: lbfgs ? 1 : 2, ClipGrad: new ClipGradOptions(1)),
            optimizers: new() { ["optimizer"] = TestComponents.Build<OptimizerFactory>(optimizer) },
            evaluate: true,
            hooks: hooks,
            workDir: folder,
            schedule:
            [
                TestComponents.Build<Schedule>("""{ "type": "LinearLr", "until": 3 }"""),
                TestComponents.Build<Schedule>("""{ "type": "CosineLr" }"""),
            ]
        );
    }

    /// <summary>Trains, takes the state after an iteration, and goes on a little, as a process does that is killed later.</summary>
    private static (Dictionary<string, Tensor> Tensors, System.Text.Json.Nodes.JsonObject Values) TrainUntil(
        TinyModel model,
        string optimizer,
        int kill
    )
    {
        var tensors = new Dictionary<string, Tensor>();
        var values = new System.Text.Json.Nodes.JsonObject();
        using var trainer = Make(
            model,
            optimizer,
            new()
            {
                ["kill"] = new TrainerTests.Spy
                {
                    At = 600,
                    Iterated = run =>
                    {
                        if (!run.StepDone || tensors.Count > 0 || run.Progress.Iteration != kill)
                            return;
                        var state = run.Capture();
                        foreach (var (name, tensor) in state.Tensors)
                            tensors.Add(name, tensor.detach().clone().DetachFromDisposeScope());
                        values = state.Values;
                        run.Stop("killed");
                    },
                },
            }
        );
        trainer.Run();
        values["loader.stopped"] = null; // the state was taken before the stop
        return (tensors, values);
    }
}
