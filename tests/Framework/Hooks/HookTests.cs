using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Framework.Hooks;
using Tessera.Framework.Running;
using Tessera.Framework.Running.Loops;
using Tessera.Tests.Framework.Running;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Hooks;

[Collection(ProcessWide.Name)]
public sealed class HookTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-hooks-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public void Ema_IsTheAverageByHand()
    {
        using var model = new TinyModel(norm: false);
        var seen = new List<float[]>();
        using var ema = new EmaHook(new EmaHookOptions(0.8, Warmup: true, Start: 1));
        using var trainer = TrainerTests.Make(
            model,
            loop: Steps(6),
            hooks: new() { ["ema"] = ema, ["spy"] = Each(run => seen.Add(((TinyModel)run.Model).Weights())) }
        );
        trainer.Run();

        // Begins with the weights after step 2; then decays of min(0.8, (1 + n) / (10 + n)) for n = 1, 2, 3, 4.
        var expected = seen[1];
        for (var n = 1; n <= 4; n++)
        {
            var decay = Math.Min(0.8, (1.0 + n) / (10 + n));
            expected = [.. expected.Zip(seen[n + 1], (average, value) => (float)(decay * average + (1 - decay) * value))];
        }
        var state = new StateWriter();
        ema.Save(state);
        var actual = state
            .Tensors.OrderBy(t => t.Key, StringComparer.Ordinal)
            .SelectMany(t => t.Value.reshape(-1).data<float>().ToArray())
            .ToArray();
        Assert.Equal(0, TrainerTests.MaxDifference(expected, actual), 1e-6);
    }

    [Fact]
    public void Ema_EvaluatesWithTheAverageAndGivesTheWeightsBack()
    {
        using var model = new TinyModel();
        float[] during = [],
            before = [],
            after = [];
        using var ema = new EmaHook(new EmaHookOptions(0.999, Warmup: false));
        using var trainer = TrainerTests.Make(
            model,
            loop: Steps(10, validateEvery: 10),
            evaluate: true,
            hooks: new()
            {
                ["a"] = new TrainerTests.Spy
                {
                    At = 90,
                    Iterated = run => before = model.Weights(),
                    Evaluated = _ => during = model.Weights(),
                }, // before EMA's 100: still swapped in
                ["ema"] = ema,
                ["b"] = new TrainerTests.Spy { At = 700, Evaluated = _ => after = model.Weights() },
            }
        );
        trainer.Run();
        Assert.NotEqual(before, during);
        Assert.Equal(before, after);
    }

    [Fact]
    public void EarlyStopping_StopsAfterPatienceAndSurvivesAResume()
    {
        // 0.5 is the best; patience 2 lets two evaluations pass, the third stops.
        double[] values = [0.3, 0.5, 0.4, 0.5, 0.45, 0.9];
        var first = new EarlyStoppingHook(new EarlyStoppingHookOptions("m", Patience: 2));
        var second = new EarlyStoppingHook(new EarlyStoppingHookOptions("m", Patience: 2));
        using var run = new RunState(); // the hook looks at nothing of it
        for (var i = 0; i < values.Length; i++)
        {
            if (i == 3)
            {
                var state = new StateWriter();
                first.Save(state);
                second.Load(new StateReader(state.Tensors, state.Values));
            }
            (i < 3 ? first : second).AfterEvaluation(run, new Dictionary<string, double> { ["m"] = values[i] });
            Assert.Equal(i >= 4, run.StopReason is not null);
        }
        Assert.Equal("m has not got better than 0.5 in 3 evaluations", run.StopReason);
    }

    [Fact]
    public void EarlyStopping_UnknownMetric_IsToldBeforeTheRunWithTheKnownOnes()
    {
        using var model = new TinyModel();
        var error = Assert.Throws<UserErrorException>(() =>
            TrainerTests.Make(
                model,
                evaluate: true,
                hooks: new() { ["stop"] = new EarlyStoppingHook(new EarlyStoppingHookOptions("mIoU")) }
            )
        );
        Assert.Equal("hooks.stop follows the metric \"mIoU\", which evaluation does not give. It gives: accuracy/top1.", error.Message);
    }

    [Fact]
    public void Checkpoints_ComeByEpochsAndIterationsAndAreKeptByNumber()
    {
        using var model = new TinyModel();
        using var trainer = TrainerTests.Make(
            model,
            epochs: 4,
            workDir: _folder,
            evaluate: true,
            hooks: new()
            {
                ["checkpoint"] = new CheckpointHook(
                    new CheckpointHookOptions(EveryEpochs: 2, EveryIterations: 8, Keep: 3, SaveBest: new SaveBestOptions("accuracy/top1"))
                ),
            }
        );
        trainer.Run();
        // iter_8, epoch_2 (10), iter_16, epoch_4 (20): the first of them is gone. 20 iterations are saved at the last epoch.
        Assert.Equal(
            ["best_accuracy_top1.safetensors", "epoch_2.safetensors", "epoch_4.safetensors", "iter_16.safetensors"],
            Directory.GetFiles(_folder, "*.safetensors").Select(Path.GetFileName).Order()
        );
        Assert.Equal("epoch_4.safetensors", File.ReadAllText(Path.Combine(_folder, "last_checkpoint")).Trim());
    }

    [Fact]
    public void Checkpoint_OfARunThatStops_IsWrittenAtItsEnd()
    {
        using var model = new TinyModel();
        using var trainer = TrainerTests.Make(
            model,
            epochs: 4,
            workDir: _folder,
            hooks: new()
            {
                ["checkpoint"] = new CheckpointHook(new CheckpointHookOptions()),
                ["spy"] = Each(run =>
                {
                    if (run.Progress.Iteration == 7)
                        run.Stop(Trainer.Interrupted);
                }),
            }
        );
        trainer.Run();
        using var checkpoint = Checkpoint.Open(Path.Combine(_folder, "iter_7.safetensors"));
        Assert.Equal(7, checkpoint.Info.Iteration);
        Assert.Equal(1, checkpoint.Info.Epoch);
        Assert.Equal(["a", "b", "c"], checkpoint.Info.Data.Classes);

        using var again = new TinyModel();
        using var resumed = TrainerTests.Make(again, epochs: 4, workDir: _folder);
        resumed.Resume(checkpoint);
        resumed.Run(); // what the user interrupted goes on
        Assert.Equal(20, resumed.Progress.Iteration);
    }

    [Fact]
    public void TakeLog_IsTheMeanSinceTheLastRow()
    {
        using var model = new TinyModel();
        var rows = new List<double>();
        using var trainer = TrainerTests.Make(
            model,
            loop: Steps(9),
            hooks: new()
            {
                ["spy"] = Each(run =>
                {
                    run.Log("extra", 2);
                    if (run.Progress.Iteration % 4 != 0)
                        return;
                    var row = run.TakeLog();
                    Assert.Equal(2, row["extra"]);
                    Assert.Equal(row["ce"], row["loss"]);
                    rows.Add(row["ce"]);
                }),
            }
        );
        trainer.Run();
        Assert.Equal(model.Losses[..4].Average(), rows[0], 1e-6);
        Assert.Equal(model.Losses[4..8].Average(), rows[1], 1e-6);
    }

    private static Loop Steps(long count, int validateEvery = 0) => TrainerTests.Iterations(count, validateEvery);

    private static TrainerTests.Spy Each(Action<RunState> act) => new() { Iterated = act };
}
