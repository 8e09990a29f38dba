using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Hooks;
using Tessera.Framework.Running;
using Tessera.Framework.Running.Loops;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Running;

/// <summary>What is left of a run that fails: its training is saved, its hooks are ended, nothing broken is written.</summary>
[Collection(ProcessWide.Name)]
public sealed class FailedRunTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-failed-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    private string At(string name) => Path.Combine(_folder, name);

    [Theory]
    [InlineData(LoopKind.Epochs, 2, 1, "epoch_2")]
    [InlineData(LoopKind.Iterations, 10, 5, "iter_10")]
    public void Evaluation_ThatFails_LeavesTheTrainingSavedAndResumable(LoopKind loop, int length, int every, string name)
    {
        var checkpoints = new CheckpointHookOptions(EveryIterations: loop == LoopKind.Iterations ? 5 : 0, Keep: 0);
        var settings = TrainerTests.Counting(loop, length, every);
        List<double> expected = [],
            seen = [];
        using var whole = new TinyModel(dropout: 0.3);
        using (
            var trainer = TrainerTests.Make(
                whole,
                loop: settings,
                evaluate: true,
                workDir: At("whole"),
                hooks: Hooks(checkpoints, expected.Add)
            )
        )
            trainer.Run();

        using var first = new TinyModel(dropout: 0.3);
        using (
            var trainer = TrainerTests.Make(
                first,
                loop: settings,
                evaluate: true,
                workDir: At("failed"),
                hooks: Hooks(checkpoints, seen.Add, failAt: 10)
            )
        )
        {
            var error = Assert.Throws<UserErrorException>(trainer.Run);
            Assert.StartsWith("a picture is missing\n  The evaluation after iteration 10 failed.", error.Message, StringComparison.Ordinal);
            Assert.Contains($"{name}.safetensors", error.Message, StringComparison.Ordinal);
        }

        using var second = new TinyModel(seed: 99, dropout: 0.3);
        using var checkpoint = Checkpoint.Open(At($"failed/{name}.safetensors"));
        Assert.Equal(10, checkpoint.Info.Iteration);
        using (
            var trainer = TrainerTests.Make(
                second,
                loop: settings,
                evaluate: true,
                workDir: At("failed"),
                hooks: Hooks(checkpoints, seen.Add)
            )
        )
        {
            trainer.Resume(checkpoint);
            trainer.Run();
            Assert.Equal(10, trainer.Progress.Iteration);
        }
        Assert.Equal(2, expected.Count);
        Assert.Equal(expected, seen); // the evaluation that was owed comes once, and gives what it would have given
        Assert.Equal(whole.Weights(), second.Weights());
        using var again = Checkpoint.Open(At($"failed/{name}.safetensors"));
        Assert.Equal(expected[1], again.Info.Metrics["accuracy/top1"]); // written again, with its metrics
    }

    [Fact]
    public void Evaluation_ThatFailsWhereNoCheckpointIsDue_SavesOne()
    {
        using var model = new TinyModel();
        using var ema = new EmaHook(new EmaHookOptions(0.999, Warmup: false));
        var hooks = Hooks(new CheckpointHookOptions(EveryEpochs: 10), _ => { }, failAt: 5);
        hooks["ema"] = ema;
        float[] trained = [];
        hooks["spy"] = new TrainerTests.Spy { At = 90, Iterated = run => trained = model.Weights() };
        using var trainer = TrainerTests.Make(model, loop: TrainerTests.Epochs(3), evaluate: true, workDir: _folder, hooks: hooks);
        var error = Assert.Throws<UserErrorException>(trainer.Run);
        Assert.Contains("iter_5.safetensors", error.Message, StringComparison.Ordinal);
        Assert.Equal(trained, model.Weights()); // the average that was evaluated is put back before anything is saved
        using var checkpoint = Checkpoint.Open(At("iter_5.safetensors"));
        using var weight = checkpoint.Read("model.fc2.weight");
        Assert.Equal(
            model.state_dict()["fc2.weight"].detach().reshape(-1).data<float>().ToArray(),
            weight.reshape(-1).data<float>().ToArray()
        );
    }

    [Theory]
    [InlineData("bn.running_var", "model.bn.running_var is not finite after iteration 5 (epoch 0), in the module bn (BatchNorm1d).")]
    [InlineData("fc2.weight", "model.fc2.weight is not finite after iteration 5 (epoch 0), in the module fc2 (Linear).")]
    public void Tensor_ThatIsNotFinite_IsNeverSaved(string broken, string expected)
    {
        using var model = new TinyModel();
        using var trainer = TrainerTests.Make(
            model,
            loop: TrainerTests.Epochs(3),
            workDir: _folder,
            hooks: new()
            {
                ["checkpoint"] = new CheckpointHook(new CheckpointHookOptions()),
                ["spy"] = new TrainerTests.Spy
                {
                    Iterated = run =>
                    {
                        if (run.Progress.Iteration == 5)
                            Break(run.Model.state_dict()[broken]);
                    },
                },
            }
        );
        var error = Assert.Throws<UserErrorException>(trainer.Run);
        Assert.StartsWith(expected, error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder, "*.safetensors"));
    }

    [Fact]
    public void Memory_OfAnOptimizerOrAnAverage_ThatIsNotFinite_IsNeverSaved()
    {
        using var model = new TinyModel();
        using var trainer = TrainerTests.Make(
            model,
            loop: TrainerTests.Epochs(3),
            workDir: _folder,
            hooks: new()
            {
                ["checkpoint"] = new CheckpointHook(new CheckpointHookOptions()),
                ["spy"] = new TrainerTests.Spy
                {
                    Iterated = run =>
                    {
                        if (run.Progress.Iteration != 7)
                            return;
                        Break(run.Capture().Tensors["optimizers.optimizer.fc1.weight.momentum_buffer"]);
                        run.Capture();
                    },
                },
            }
        );
        var error = Assert.Throws<UserErrorException>(trainer.Run);
        Assert.StartsWith("optimizers.optimizer.fc1.weight.momentum_buffer is not finite", error.Message, StringComparison.Ordinal);
        Assert.Contains("epoch_1.safetensors, is good", error.Message, StringComparison.Ordinal);
        Assert.Equal(["epoch_1.safetensors"], Directory.GetFiles(_folder, "*.safetensors").Select(Path.GetFileName));

        using var averaged = new TinyModel();
        using var ema = new EmaHook(new EmaHookOptions());
        using var other = TrainerTests.Make(
            averaged,
            loop: TrainerTests.Epochs(1),
            workDir: _folder,
            hooks: new()
            {
                ["ema"] = ema,
                ["spy"] = new TrainerTests.Spy
                {
                    Iterated = run =>
                    {
                        if (run.Progress.Iteration != 3)
                            return;
                        Break(run.Capture().Tensors["hooks.ema.ema.fc1.bias"]);
                        run.Capture();
                    },
                },
            }
        );
        Assert.StartsWith(
            "hooks.ema.ema.fc1.bias is not finite after iteration 3",
            Assert.Throws<UserErrorException>(other.Run).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Hooks_EndInTheirOrder_WhereTheRunFails_AndHearOfIt()
    {
        using var model = new TinyModel();
        var ended = new List<string>();
        using var trainer = TrainerTests.Make(
            model,
            workDir: _folder,
            hooks: new()
            {
                ["a"] = new Ending(ended, 100),
                ["b"] = new Ending(ended, 200) { Fails = true },
                ["c"] = new Ending(ended, 900),
                ["checkpoint"] = new CheckpointHook(new CheckpointHookOptions()),
                ["spy"] = new TrainerTests.Spy
                {
                    Iterated = run =>
                    {
                        if (run.Progress.Iteration == 3)
                            throw new UserErrorException("broken");
                    },
                },
            }
        );
        Assert.Equal("broken", Assert.Throws<UserErrorException>(trainer.Run).Message);
        Assert.Equal(["100 broken", "200 broken", "900 broken"], ended);
        Assert.Empty(Directory.GetFiles(_folder, "*.safetensors")); // a failed run's end saves nothing
    }

    [Fact]
    public void Hooks_AfterOneThatFailsAtTheEnd_AreEndedToo()
    {
        using var model = new TinyModel();
        var ended = new List<string>();
        using var trainer = TrainerTests.Make(
            model,
            workDir: _folder,
            hooks: new()
            {
                ["a"] = new Ending(ended, 100) { Fails = true },
                ["b"] = new Ending(ended, 200),
            }
        );
        Assert.Equal("can't end", Assert.Throws<UserErrorException>(trainer.Run).Message);
        Assert.Equal(["100 ", "200 can't end"], ended);
    }

    private static void Break(Tensor tensor)
    {
        using var _ = no_grad();
        tensor.view(-1).narrow(0, 0, 1).fill_(float.NaN);
    }

    private static Dictionary<string, Hook> Hooks(CheckpointHookOptions checkpoints, Action<double> evaluated, long failAt = -1) =>
        new()
        {
            ["checkpoint"] = new CheckpointHook(checkpoints),
            ["fail"] = new FailingEvaluation(failAt),
            ["seen"] = new TrainerTests.Spy { Evaluated = run => evaluated(run.Metrics["accuracy/top1"]) },
        };

    /// <summary>An evaluation whose data is broken.</summary>
    private sealed class FailingEvaluation(long at) : Hook
    {
        public override void BeforeEvaluation(RunState run)
        {
            if (run.Progress.Iteration == at)
                throw new UserErrorException("a picture is missing");
        }
    }

    private sealed class Ending(List<string> ended, int order) : Hook
    {
        public bool Fails { get; init; }

        public override int Order => order;

        public override void AfterRun(RunState run)
        {
            ended.Add($"{order} {run.Failure?.Message}");
            if (Fails)
                throw new UserErrorException("can't end");
        }
    }
}
